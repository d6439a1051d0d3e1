/** Weights of any size without a file: test/golden/README.md, "Procedural weights". */
import { elements, type Shape } from '../src/tensor/tensor.ts'

/** A row of *_params.json: place in the sorted order, name, shape, kind, offset, scale. */
export type ParameterRow = readonly [j: number, name: string, shape: Shape, kind: string, offset: number, scale: number]

export type WeightRule = 'mix' | 'sin'

/** offset + rule(j, i) for every flat index i, rounded from f64 to f32. */
export function proceduralTensor(rule: WeightRule, [j, , shape, , offset, scale]: ParameterRow): Float32Array {
  const out = new Float32Array(elements(shape))
  if (rule === 'mix') fillMixed(out, j, offset, scale)
  else fillSines(out, j, offset, scale)
  return out
}

/** Uniform numbers of standard deviation `scale` from a hash of (j, i). */
function fillMixed(out: Float32Array, j: number, offset: number, scale: number): void {
  const seed = Math.imul(0x9e3779b9, j + 1)
  const half = scale * Math.sqrt(3)
  for (let i = 0; i < out.length; i++) {
    let h = i + seed
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    h = (h ^ (h >>> 16)) >>> 0
    out[i] = offset + half * ((2 * h) / 2 ** 32 - 1)
  }
}

const SINE_PERIOD = 9973

function fillSines(out: Float32Array, j: number, offset: number, scale: number): void {
  const period = Float32Array.from({ length: Math.min(SINE_PERIOD, out.length) }, (_, i) => offset + scale * Math.sin(0.37 * i + 1.7 * j))
  for (let i = 0; i < out.length; i += SINE_PERIOD) out.set(period.subarray(0, out.length - i), i)
}
