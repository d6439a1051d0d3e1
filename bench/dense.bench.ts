/**
 * Dense layers of the CPU device in GFLOP/s, beside onnxruntime-node when that is installed (`npm install --no-save onnxruntime-node`).
 * Forward counts 2 rows in out operations, backward (dX, dW and db) twice that. Run: `npx tsx bench/dense.bench.ts [threads]`.
 */
import { execSync } from 'node:child_process'
import { cpus } from 'node:os'
import { type CpuDevice, openCpuDevice, type Step } from '../src/cpu/cpuDevice.ts'
import { gemmModel } from './denseOnnx.ts'

const SIZES = [
  { rows: 65536, nIn: 64, nOut: 64 },
  { rows: 65536, nIn: 32, nOut: 32 },
  { rows: 65536, nIn: 44, nOut: 32 },
  { rows: 65536, nIn: 76, nOut: 32 },
  { rows: 65536, nIn: 32, nOut: 4 },
  { rows: 65536, nIn: 32, nOut: 1 },
  { rows: 50, nIn: 192, nOut: 768 },
]
const RUNS = 11
const WARM_UP = 4

interface Peer {
  name: string
  /** Runs that return when the products are done; forward, then dX and dW. */
  prepare(rows: number, nIn: number, nOut: number): Promise<{ forward: () => Promise<unknown>; backward: () => Promise<unknown> }>
}

/** Milliseconds of RUNS runs, sorted. Small problems run several times per measurement. */
async function measure(run: () => unknown, operations: number): Promise<number[]> {
  const repeats = Math.max(1, Math.round(2e7 / operations))
  const times: number[] = []
  for (let i = -WARM_UP; i < RUNS; i++) {
    const start = performance.now()
    for (let r = 0; r < repeats; r++) await run()
    if (i >= 0) times.push((performance.now() - start) / repeats)
  }
  return times.sort((a, b) => a - b)
}

function ours(device: CpuDevice, rows: number, nIn: number, nOut: number): { forward: () => void; backward: () => void } {
  const grain = Math.min(1024, Math.ceil(rows / device.threads))
  const chunks = Math.ceil(rows / grain)
  const stride = nIn * nOut + nOut
  const filled = (length: number) => {
    const address = device.allocate(length * 4)
    device.f32(address, length).forEach((_, i, view) => {
      view[i] = Math.sin(i * 0.37)
    })
    return { ptr: address }
  }
  const [x, W, b, y, dy, dx] = [rows * nIn, nIn * nOut, nOut, rows * nOut, rows * nOut, rows * nIn].map(filled)
  const [partial, grads] = [chunks * stride, stride].map(filled)
  const sizes = [{ i32: nIn }, { i32: nOut }, { i32: 1 }]
  const forward: Step[] = [{ kernel: 'denseForward', items: rows, grain, args: [x, W, b, y, ...sizes] }]
  const backward: Step[] = [
    { kernel: 'denseBackward', items: rows, grain, args: [x, W, y, dy, dx, partial, ...sizes, { i32: grain }] },
    { kernel: 'reducePartials', items: stride, grain: 1024, args: [partial, grads, { i32: chunks }, { i32: stride }, { i32: 0 }] },
  ]
  const [first, second] = [device.program(forward), device.program(backward)]
  return { forward: () => first.run(), backward: () => second.run() }
}

async function onnxRuntime(threads: number): Promise<Peer | undefined> {
  const name = 'onnxruntime-node'
  // the package is not a dependency, hence the untyped import
  const ort = await import(name).catch(() => undefined)
  if (!ort) return undefined
  const session = (model: Uint8Array) => ort.InferenceSession.create(model, { intraOpNumThreads: threads })
  return {
    name,
    async prepare(rows, nIn, nOut) {
      const shapes = { x: [rows, nIn], W: [nIn, nOut], dy: [rows, nOut], y: [rows, nOut], dx: [rows, nIn], dW: [nIn, nOut] } as const
      const tensor = (key: keyof typeof shapes) => {
        const [r, c] = shapes[key]
        return new ort.Tensor(
          'float32',
          Float32Array.from({ length: r * c }, (_, i) => Math.sin(i * 0.37)),
          [r, c],
        )
      }
      const forward = await session(gemmModel(['x', 'W'], [{ name: 'y', a: 'x', b: 'W', transA: false, transB: false }], shapes))
      const products = [
        { name: 'dx', a: 'dy', b: 'W', transA: false, transB: true },
        { name: 'dW', a: 'x', b: 'dy', transA: true, transB: false },
      ]
      const backward = await session(gemmModel(['x', 'W', 'dy'], products, shapes))
      const [x, W, dy] = [tensor('x'), tensor('W'), tensor('dy')]
      return { forward: () => forward.run({ x, W }), backward: () => backward.run({ x, W, dy }) }
    },
  }
}

const threads = process.argv[2] ? Number(process.argv[2]) : undefined
const device = await openCpuDevice({ threads })
const peer = await onnxRuntime(device.threads)
const commit = execSync('git rev-parse --short HEAD', { encoding: 'utf8' }).trim()
console.log(`${cpus()[0]?.model}, ${device.threads} threads, Node ${process.version}, commit ${commit}; GFLOP/s, median of ${RUNS} (best)`)
if (!peer) console.log('peer onnxruntime-node: not installed (npm install --no-save onnxruntime-node)')
console.log(`${'rows x in x out'.padEnd(18)}${'forward'.padEnd(18)}${'backward'.padEnd(18)}${peer ? `${peer.name}: forward   dX and dW` : ''}`)
for (const { rows, nIn, nOut } of SIZES) {
  const operations = 2 * rows * nIn * nOut
  const rate = async (run: () => unknown, count: number) => {
    const times = await measure(run, count)
    return `${(count / times[RUNS >> 1] / 1e6).toFixed(1)} (${(count / times[0] / 1e6).toFixed(1)})`.padEnd(18)
  }
  const { forward, backward } = ours(device, rows, nIn, nOut)
  let line = `${rows}x${nIn}x${nOut}`.padEnd(18) + (await rate(forward, operations)) + (await rate(backward, 2 * operations))
  if (peer) {
    const other = await peer.prepare(rows, nIn, nOut)
    line += (await rate(other.forward, operations)) + (await rate(other.backward, 2 * operations))
  }
  console.log(line)
}
device.destroy()
