/**
 * y = x·Wᵀ + b with frozen 16-bit weights W [out, in] as model files store them: two to a word, the even one in the low half, widened where they are read. Half
 * the memory and half the traffic of f32, at the same sums. dx = dy·W; the weights have no gradient.
 */
import { bfloat16ToFloat32, float16ToFloat32 } from '../../io/halfFloat.ts'
import { apply1, type Op } from '../op.ts'
import { elements, input, lastAxis, type Numbers, output, rowCount, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { gemm } from './gemm.ts'
import { numbers, type Operand } from './gemmOperand.ts'

export type HalfFormat = 'f16' | 'bf16'

export interface PackedAttrs {
  readonly format: HalfFormat
  readonly nIn: number
  readonly nOut: number
}

/** Words that hold `count` 16-bit numbers. */
export const halfWords = (count: number): number => Math.ceil(count / 2)

/** WGSL for element i of the packed array w. */
const ELEMENT: Record<HalfFormat, string> = {
  f16: 'unpack2x16float(w[i >> 1u])[i & 1u]',
  bf16: 'bitcast<f32>(select(w[i >> 1u] << 16u, w[i >> 1u] & 0xffff0000u, (i & 1u) == 1u))',
}
/** Elements 4i to 4i + 3, from two words. */
const FOUR: Record<HalfFormat, string> = {
  f16: 'vec4f(unpack2x16float(w[2u * i]), unpack2x16float(w[2u * i + 1u]))',
  bf16: 'bitcast<vec4f>(vec4u(w[2u * i] << 16u, w[2u * i] & 0xffff0000u, w[2u * i + 1u] << 16u, w[2u * i + 1u] & 0xffff0000u))',
}

/** The packed weights [out, in] as an operand. */
export const packedWeights = (format: HalfFormat, nIn: number, along: Operand['along']): Operand => ({
  reads: [{ name: 'w', ref: input(1), dtype: 'u32' }],
  one: ELEMENT[format],
  four: nIn % 4 === 0 ? FOUR[format] : undefined,
  stride: nIn,
  along,
})

export function widen(words: Numbers, { format, nIn, nOut }: PackedAttrs): Float32Array {
  const bits = new Uint16Array(words.buffer, words.byteOffset, nIn * nOut)
  return format === 'f16' ? float16ToFloat32(bits) : bfloat16ToFloat32(bits)
}

const HALF_DENSE: Op<PackedAttrs> = {
  name: 'halfDense',
  shape: ([x, w, b], { nIn, nOut }) => {
    if (lastAxis(x.shape) !== nIn) throw new Error(`halfDense: inner sizes differ, ${showShape(x.shape)} x [${nOut}, ${nIn}] transposed`)
    if (w.dtype !== 'u32' || elements(w.shape) !== halfWords(nIn * nOut))
      throw new Error(
        `halfDense: ${w.dtype} ${showShape(w.shape)} are not the ${halfWords(nIn * nOut)} u32 words of [${nOut}, ${nIn}] 16-bit weights`,
      )
    if (b && elements(b.shape) !== nOut) throw new Error(`halfDense: bias ${showShape(b.shape)} for ${nOut} outputs`)
    return [{ shape: [...x.shape.slice(0, -1), nOut], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [x, , b] }, { format, nIn, nOut }, gpu) =>
    gemm(
      {
        label: 'halfDense',
        m: rowCount(x.shape),
        n: nOut,
        k: nIn,
        a: numbers('x', input(0), nIn, 'inner'),
        b: packedWeights(format, nIn, 'inner'),
        out: output(0),
        store: b ? 'v + b[c]' : 'v',
        storeReads: b ? [{ name: 'b', ref: input(2) }] : [],
      },
      gpu,
    ),
  reference: ([x, words, b], [y], { inputs: [type] }, attrs) => {
    const { nIn, nOut } = attrs
    const w = widen(words, attrs)
    for (let r = 0; r < rowCount(type.shape); r++) {
      for (let o = 0; o < nOut; o++) {
        let sum = b ? b[o] : 0
        for (let k = 0; k < nIn; k++) sum += x[r * nIn + k] * w[o * nIn + k]
        y[r * nOut + o] = sum
      }
    }
  },
  backward: ({ inputs: [x, w], grads: [dy], needs, attrs }) => {
    if (needs[1] || needs[2]) throw new Error('halfDense: packed weights have no gradient; train with dense')
    return [dy && apply1(HALF_DENSE_BACKWARD, [dy, w], { ...attrs, x: x.shape })]
  },
}

const HALF_DENSE_BACKWARD: Op<PackedAttrs & { readonly x: TensorType['shape'] }> = {
  name: 'halfDenseBackward',
  shape: (_, { x }) => [{ shape: x, dtype: 'f32' }],
  wgsl: ({ inputs: [dy] }, { format, nIn, nOut }, gpu) =>
    gemm(
      {
        label: 'halfDenseBackward',
        m: rowCount(dy.shape),
        n: nIn,
        k: nOut,
        a: numbers('dy', input(0), nOut, 'inner'),
        b: packedWeights(format, nIn, 'outer'),
        out: output(0),
        anyMagnitude: true,
      },
      gpu,
    ),
  reference: ([dy, words], [dx], { inputs: [type] }, attrs) => {
    const { nIn, nOut } = attrs
    const w = widen(words, attrs)
    const row = new Float64Array(nIn)
    for (let r = 0; r < rowCount(type.shape); r++) {
      row.fill(0)
      for (let o = 0; o < nOut; o++) for (let k = 0; k < nIn; k++) row[k] += dy[r * nOut + o] * w[o * nIn + k]
      dx.set(row, r * nIn)
    }
  },
}

/**
 * x [..., in] · W [out, in]ᵀ + b [out] -> [..., out]. @param w the 16-bit weights as u32 words [ceil(out·in/2)]. Throws when sizes do not fit.
 * No SIMD twin: on the CPU device widen the weights once and use `dense`.
 */
export function halfDense(x: Tensor, w: Tensor, b: Tensor | undefined, { format, nOut }: { format: HalfFormat; nOut: number }): Tensor {
  return apply1(HALF_DENSE, b ? [x, w, b] : [x, w], { format, nOut, nIn: lastAxis(x.shape) })
}
