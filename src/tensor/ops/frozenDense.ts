/**
 * residual + f(x)·W + b with frozen weights: what surrounds a transformer's dense layers, in their kernels. f is applied where x is read, its slope where dx is stored; the
 * residual is added where y is stored. Few rows are bound by the number of kernels, not by their work.
 */
import { apply1, type Op } from '../op.ts'
import {
  elements,
  input,
  lastAxis,
  type Numbers,
  output,
  rowCount,
  type SimdCall,
  scratch,
  showShape,
  type Tensor,
  type WgslWork,
} from '../tensor.ts'
import { rowGrain } from './dense.ts'
import { RULE_FUNCTIONS, rule } from './elementwise.ts'
import { type Gemm, gemm } from './gemm.ts'
import { activated, numbers, type Operand } from './gemmOperand.ts'
import { type HalfFormat, halfWords, packedWeights, widen } from './halfDense.ts'

/** What is applied to x on its way in. */
export type FrozenActivation = 'none' | 'gelu' | 'geluTanh' | 'quickGelu'

interface Attrs {
  readonly before: FrozenActivation
  readonly nIn: number
  readonly nOut: number
  /** 16-bit weights [out, in] as halfDense has them; else f32 [in, out]. */
  readonly format?: HalfFormat
  readonly bias: boolean
}

const ELEMENTS = 1 << 13

/** Inputs x, W, b (when `bias`), residual. */
const FROZEN: Op<Attrs> = {
  name: 'frozenDense',
  shape: (inputs, { nIn, nOut, format, bias }) => {
    const [x, w] = inputs
    const residual = inputs[bias ? 3 : 2]
    const shape = [...x.shape.slice(0, -1), nOut]
    const words = format ? halfWords(nIn * nOut) : nIn * nOut
    if (lastAxis(x.shape) !== nIn || elements(w.shape) !== words)
      throw new Error(`frozenDense: inner sizes differ, ${showShape(x.shape)} x weights ${showShape(w.shape)} for ${nIn} inputs and ${nOut} outputs`)
    if (bias && elements(inputs[2].shape) !== nOut) throw new Error(`frozenDense: bias ${showShape(inputs[2].shape)} for ${nOut} outputs`)
    if (elements(residual.shape) !== elements(shape))
      throw new Error(`frozenDense: residual ${showShape(residual.shape)} for an output ${showShape(shape)}`)
    return [{ shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [x] }, attrs, gpu): WgslWork => {
    const { before, nIn, nOut, bias } = attrs
    const plain = numbers('x', input(0), nIn, 'inner')
    const residual = { name: 'residual', ref: input(bias ? 3 : 2) }
    const product: Gemm = {
      label: 'frozenDense',
      m: rowCount(x.shape),
      n: nOut,
      k: nIn,
      a: before === 'none' ? plain : activated(plain, rule(before).wgsl('', ''), RULE_FUNCTIONS),
      b: weightsOperand(attrs, 'forward'),
      out: output(0),
      store: `v${bias ? ' + b[c]' : ''} + residual[r * ${nOut}u + c]`,
      storeReads: bias ? [{ name: 'b', ref: input(2) }, residual] : [residual],
    }
    return gemm(product, gpu)
  },
  reference: (inputs, [y], { inputs: [type] }, attrs) => {
    const { before, nIn, nOut, bias } = attrs
    const [x] = inputs
    const at = weightAt(inputs[1], attrs)
    const residual = inputs[bias ? 3 : 2]
    const f = activation(before)
    for (let r = 0; r < rowCount(type.shape); r++) {
      const row = Float64Array.from({ length: nIn }, (_, k) => f(x[r * nIn + k]))
      for (let o = 0; o < nOut; o++) {
        let sum = bias ? inputs[2][o] : 0
        for (let k = 0; k < nIn; k++) sum += row[k] * at(k, o)
        y[r * nOut + o] = residual[r * nOut + o] + sum
      }
    }
  },
  simd: ({ inputs: [x] }, { before, nIn, nOut, format, bias }) => {
    if (format) return undefined
    const rows = rowCount(x.shape)
    const calls: SimdCall[] = []
    if (before !== 'none') calls.push({ kernel: before, items: rows * nIn, grain: ELEMENTS, args: [input(0), scratch(1)] })
    const [from, b, residual] = [before === 'none' ? input(0) : scratch(1), bias ? input(2) : { i32: 0 }, input(bias ? 3 : 2)]
    calls.push(
      { kernel: 'denseForward', items: rows, grain: rowGrain(rows), args: [from, input(1), b, scratch(0), { i32: nIn }, { i32: nOut }, { i32: 0 }] },
      { kernel: 'addTensors', items: rows * nOut, grain: 1 << 14, args: [residual, scratch(0), output(0)] },
    )
    return { scratch: before === 'none' ? [rows * nOut] : [rows * nOut, rows * nIn], calls }
  },
  backward: ({ inputs, grads: [dy], needs, attrs }) => {
    const [x, w] = inputs
    if (needs[1] || (attrs.bias && needs[2])) throw new Error('frozenDense: frozen weights have no gradient; train with dense')
    const dx = dy && needs[0] ? apply1(FROZEN_BACKWARD, [dy, w, x], attrs) : undefined
    return attrs.bias ? [dx, undefined, undefined, dy] : [dx, undefined, dy]
  },
}

/** dx = f'(x)·(dy·Wᵀ). Inputs dy, W, x. */
const FROZEN_BACKWARD: Op<Attrs> = {
  name: 'frozenDenseBackward',
  shape: ([, , x]) => [{ shape: x.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [dy] }, attrs, gpu): WgslWork => {
    const { before, nIn, nOut } = attrs
    const slope = before === 'none' ? undefined : rule(before).wgslSlope('', '')
    const product: Gemm = {
      label: 'frozenDenseBackward',
      m: rowCount(dy.shape),
      n: nIn,
      k: nOut,
      a: numbers('dy', input(0), nOut, 'inner'),
      b: weightsOperand(attrs, 'backward'),
      out: output(0),
      anyMagnitude: true,
      ...(slope && {
        store: `v * slopeAt(entered[r * ${nIn}u + c])`,
        storeReads: [{ name: 'entered', ref: input(2) }],
        storeFunctions: `${RULE_FUNCTIONS}fn slopeAt(v: f32) -> f32 { return ${slope}; }`,
      }),
    }
    return gemm(product, gpu)
  },
  reference: ([dy, w, x], [dx], { inputs: [type] }, attrs) => {
    const { before, nIn, nOut } = attrs
    const at = weightAt(w, attrs)
    for (let r = 0; r < rowCount(type.shape); r++) {
      for (let k = 0; k < nIn; k++) {
        let sum = 0
        for (let o = 0; o < nOut; o++) sum += dy[r * nOut + o] * at(k, o)
        const v = x[r * nIn + k]
        dx[r * nIn + k] = before === 'none' ? sum : sum * rule(before).slope(v, rule(before).js(v, 0, 0), 0, 0)
      }
    }
  },
  simd: ({ inputs: [dy] }, { before, nIn, nOut, format }) => {
    if (format) return undefined
    const rows = rowCount(dy.shape)
    const sums = before === 'none' ? output(0) : scratch(0)
    // the kernel reads x for dW alone, and y for the slope of an activation behind the layer, which there is none
    const args = [input(0), input(1), input(0), input(0), sums, { i32: 0 }, { i32: nIn }, { i32: nOut }, { i32: 0 }, { i32: rowGrain(rows) }]
    const product = { kernel: 'denseBackward', items: rows, grain: rowGrain(rows), args }
    if (before === 'none') return { calls: [product] }
    const slope = { kernel: `${before}Backward`, items: rows * nIn, grain: ELEMENTS, args: [input(2), scratch(0), output(0)] }
    return { scratch: [rows * nIn], calls: [product, slope] }
  },
}

/** W of the product x·W, or Wᵀ of dy·Wᵀ. */
function weightsOperand({ format, nIn, nOut }: Attrs, way: 'forward' | 'backward'): Operand {
  if (format) return packedWeights(format, nIn, way === 'forward' ? 'inner' : 'outer')
  return numbers('w', input(1), nOut, way === 'forward' ? 'outer' : 'inner')
}

function weightAt(w: Numbers, { format, nIn, nOut }: Attrs): (k: number, o: number) => number {
  if (!format) return (k, o) => w[k * nOut + o]
  const wide = widen(w, { format, nIn, nOut })
  return (k, o) => wide[o * nIn + k]
}

const activation = (before: FrozenActivation): ((v: number) => number) => (before === 'none' ? v => v : v => rule(before).js(v, 0, 0))

export interface FrozenLayer {
  /** f32 [in, out], or the words of 16-bit [out, in]. */
  readonly w: Tensor
  readonly b?: Tensor
  readonly half?: { readonly format: HalfFormat; readonly nOut: number }
}

/** residual [..., out] + before(x [..., in])·W + b -> [..., out]. Throws when sizes do not fit; W and b have no gradient. */
export function frozenDense(residual: Tensor, x: Tensor, { w, b, half }: FrozenLayer, before: FrozenActivation = 'none'): Tensor {
  const attrs = { before, nIn: lastAxis(x.shape), nOut: half ? half.nOut : lastAxis(w.shape), format: half?.format, bias: b !== undefined }
  return apply1(FROZEN, b ? [x, w, b, residual] : [x, w, residual], attrs)
}
