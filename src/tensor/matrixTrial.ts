/** Whether a GPU's matrix units do what they say: every tile is compiled and multiplies once before kernels rely on it. */
import type { BufferRange, GpuDevice } from '../gpu/gpuDevice.ts'
import { type GpuTraits, type Precision, traitsOf } from './gpuTraits.ts'
import type { MatrixTile } from './matrixUnit.ts'
import { gemm } from './ops/gemm.ts'
import { fits } from './ops/gemmMatrix.ts'
import { numbers } from './ops/gemmOperand.ts'
import { input, output, type Ref } from './tensor.ts'

/** A square product of ones. */
const SIDE = 64

/** What the GPU offers at a precision; f32 with the reason in `fallback` where a kernel for its matrix units does not compile or gives a wrong product. */
export async function triedTraits(gpu: GpuDevice, precision: Precision): Promise<GpuTraits> {
  const traits = traitsOf(gpu, precision)
  for (const tile of traits.matrix?.tiles ?? []) {
    if (!fits(tile, traits)) continue
    const wrong = await multiplyOnes(gpu, tile, traits).catch((error: Error) =>
      error.message
        .split('\n')
        .slice(0, 2)
        .map(line => line.trim())
        .join(' '),
    )
    if (wrong) return { ...traitsOf(gpu, 'f32'), fallback: `${wrong}; the f32 kernel gemmLarge in its place` }
  }
  return traits
}

/** Undefined where the product is right; rejects when the kernel does not compile. */
async function multiplyOnes(gpu: GpuDevice, tile: MatrixTile, traits: GpuTraits): Promise<string | undefined> {
  const label = `trial ${tile.rows} x ${tile.columns} x ${tile.depth} `
  const size = { m: SIDE, n: SIDE, k: SIDE }
  const [a, b] = [numbers('a', input(0), SIDE, 'inner'), numbers('b', input(1), SIDE, 'outer')]
  const { dispatches } = gemm({ label, ...size, a, b, out: output(0), slices: 1 }, traits, 0, { kind: 'matrix', tile })
  const bytes = SIDE * SIDE * 4
  const buffers = [0, 1, 2].map(() => gpu.createBuffer(bytes))
  const [x, w, y] = buffers
  const range = ({ kind, index }: Ref): BufferRange => ({ buffer: kind === 'output' ? y : [x, w][index], offset: 0, size: bytes })
  const ones = new Float32Array(SIDE * SIDE).fill(1)
  try {
    for (const operand of [x, w]) gpu.write(operand, 0, ones)
    const program = gpu.program(dispatches.map(d => ({ ...d, bindings: d.bindings.map(range) })))
    program.run()
    const product = new Float32Array(await gpu.read(y, 0, bytes))
    program.dispose()
    return product.every(v => v === SIDE)
      ? undefined
      : `kernel ${dispatches[0].label}: a product of ones is ${product.find(v => v !== SIDE)}, not ${SIDE}`
  } finally {
    for (const buffer of buffers) gpu.destroyBuffer(buffer)
  }
}
