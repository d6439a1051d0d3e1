/**
 * Dense layers, beside onnxruntime-node where that is installed (`npm install --no-save onnxruntime-node`) and the device is the CPU.
 * Forward counts 2 · rows · in · out operations, backward (dX, dW and db) twice that; it needs the layer's output, so both are one plan.
 */
import { availableParallelism } from 'node:os'
import { type Device, tensor } from '../src/tensor/device.ts'
import { grad } from '../src/tensor/grad.ts'
import { dense } from '../src/tensor/ops/dense.ts'
import { compile, type Plan } from '../src/tensor/plan.ts'
import { gemmModel } from './denseOnnx.ts'
import { type Bench, measure, type Row } from './measure.ts'

const SIZES = [
  { rows: 65536, nIn: 64, nOut: 64 },
  { rows: 65536, nIn: 32, nOut: 32 },
  { rows: 65536, nIn: 44, nOut: 32 },
  { rows: 65536, nIn: 32, nOut: 1 },
  { rows: 50, nIn: 192, nOut: 768 },
] as const
type Sizes = (typeof SIZES)[number]

const numbers = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i * 0.37))
const noWait = async (): Promise<void> => {}

function plans(device: Device, { rows, nIn, nOut }: Sizes): { forward: Plan; both: Plan } {
  const x = tensor(device, numbers(rows * nIn), [rows, nIn])
  const w = tensor(device, numbers(nIn * nOut), [nIn, nOut])
  const b = tensor(device, numbers(nOut), [nOut])
  const y = dense(x, w, b, 'relu')
  const seed = tensor(device, numbers(rows * nOut), [rows, nOut])
  return { forward: compile(device, { outputs: [y] }), both: compile(device, { outputs: grad(y, [x, w, b], seed) }) }
}

interface Peer {
  readonly forward: () => Promise<unknown>
  readonly both: () => Promise<unknown>
}

/** The peer's products, forward, and dX and dW; undefined when it is not installed. */
async function onnxRuntime({ rows, nIn, nOut }: Sizes): Promise<Peer | undefined> {
  const name = 'onnxruntime-node'
  // the package is not a dependency, hence the untyped import
  const ort = await import(name).catch(() => undefined)
  if (!ort) return undefined
  const session = (model: Uint8Array) => ort.InferenceSession.create(model, { intraOpNumThreads: availableParallelism() })
  const shapes = { x: [rows, nIn], W: [nIn, nOut], dy: [rows, nOut], y: [rows, nOut], dx: [rows, nIn], dW: [nIn, nOut] } as const
  const value = (key: keyof typeof shapes) => new ort.Tensor('float32', numbers(shapes[key][0] * shapes[key][1]), shapes[key])
  const forward = await session(gemmModel(['x', 'W'], [{ name: 'y', a: 'x', b: 'W', transA: false, transB: false }], shapes))
  const products = [
    { name: 'dx', a: 'dy', b: 'W', transA: false, transB: true },
    { name: 'dW', a: 'x', b: 'dy', transA: true, transB: false },
  ]
  const backward = await session(gemmModel(['x', 'W', 'dy'], products, shapes))
  const [x, W, dy] = [value('x'), value('W'), value('dy')]
  return {
    forward: () => forward.run({ x, W }),
    async both() {
      await forward.run({ x, W })
      await backward.run({ x, W, dy })
    },
  }
}

export const benchDense: Bench = async ({ device, runs }) => {
  const rows: Row[] = []
  for (const sizes of SIZES) {
    const peer = device.kind === 'cpu' ? await onnxRuntime(sizes) : undefined
    const own = plans(device, sizes)
    const operations = 2 * sizes.rows * sizes.nIn * sizes.nOut
    const wait = () => device.sync()
    const text = `${sizes.rows} x ${sizes.nIn} x ${sizes.nOut}`
    for (const [what, count] of [
      ['forward', operations],
      ['both', 3 * operations],
    ] as const) {
      const ms = await measure(() => own[what].run(), wait, runs)
      const other = peer && { name: 'onnxruntime-node', ms: await measure(peer[what], noWait, runs) }
      rows.push({ what: `dense + relu, ${what === 'both' ? 'forward and backward' : what}`, sizes: text, ms, does: [[count, 'FLOP']], peer: other })
    }
    for (const plan of Object.values(own)) plan[Symbol.dispose]()
  }
  return rows
}
