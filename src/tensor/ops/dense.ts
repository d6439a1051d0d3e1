/** y = act(x·W + b), W [in, out]. The gradient takes dz = dy·act'(y) once and gives dx = dz·Wᵀ, dW = xᵀ·dz, db = Σ dz. */
import type { GpuTraits } from '../gpuTraits.ts'
import { apply, apply1, type Op } from '../op.ts'
import {
  type Dispatch,
  elements,
  input,
  lastAxis,
  output,
  type Ref,
  rowCount,
  scratch,
  showShape,
  type Tensor,
  type TensorType,
  type WgslWork,
} from '../tensor.ts'
import { isNarrow, narrowBackward } from './denseBackwardTile.ts'
import { fewOutputsBackward, fewOutputsForward, hasFewOutputs } from './denseFewOutputs.ts'
import { ROWS_PER_BIAS_SLICE, type Slope, slopeKernel, WIDEST_SCALED } from './denseSlope.ts'
import { chooseTile, type Gemm, gemm } from './gemm.ts'
import { FACTOR_ROWS } from './gemmMatrix.ts'
import { halves, joined, numbers, type Operand } from './gemmOperand.ts'
import { itemKernel } from './wgsl.ts'

/** Activations whose slope follows from y alone, so that the pre-activation need not be kept. */
export type Activation = 'none' | 'relu' | 'softplus' | 'sigmoid'
export const ACTIVATIONS: readonly Activation[] = ['none', 'relu', 'softplus', 'sigmoid']

export const ACTIVATION_WGSL: Record<Activation, string> = {
  none: 'v',
  relu: 'max(v, 0.0)',
  softplus: 'max(v, 0.0) + log(1.0 + exp(-abs(v)))',
  sigmoid: '1.0 / (1.0 + exp(-v))',
}
/** act'(y) with r = y. softplus: 1 − e^−y. */
export const SLOPE_WGSL: Record<Activation, string> = {
  none: '1.0',
  relu: 'select(0.0, 1.0, r > 0.0)',
  softplus: '1.0 - exp(-r)',
  sigmoid: 'r * (1.0 - r)',
}
export const activate: Record<Activation, (v: number) => number> = {
  none: v => v,
  relu: v => Math.max(v, 0),
  softplus: v => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))),
  sigmoid: v => 1 / (1 + Math.exp(-v)),
}
export const slope: Record<Activation, (y: number) => number> = {
  none: () => 1,
  relu: y => (y > 0 ? 1 : 0),
  softplus: y => -Math.expm1(-y),
  sigmoid: y => y * (1 - y),
}

/** Rows per task on the CPU: small enough for many tasks, large enough that partial sums of dW cost little. */
const FORWARD_GRAIN = 512
export const BACKWARD_GRAIN = 1024

/** Few rows (a transformer's tokens) are split for the threads, but not below 28: every task packs the weights anew. Rows do not meet, so results stay the same. */
export function rowGrain(rows: number): number {
  return Math.min(FORWARD_GRAIN, Math.max(28, Math.ceil(rows / 16) * 4))
}

export interface Sizes {
  readonly rows: number
  readonly nIn: number
  readonly nOut: number
}

export interface DenseAttrs {
  readonly activation: Activation
  readonly bias: boolean
}

export const DENSE: Op<DenseAttrs> = {
  name: 'dense',
  shape: ([x, w, b]) => {
    if (w.shape.length !== 2 || lastAxis(x.shape) !== w.shape[0])
      throw new Error(`dense: inner sizes differ, ${showShape(x.shape)} x ${showShape(w.shape)}`)
    if (b && elements(b.shape) !== w.shape[1]) throw new Error(`dense: bias ${showShape(b.shape)} for ${w.shape[1]} outputs`)
    return [{ shape: [...x.shape.slice(0, -1), w.shape[1]], dtype: 'f32' }]
  },
  wgsl: ({ inputs }, attrs, gpu) => forwardWork(sizes(inputs), attrs, gpu),
  reference: ([x, w, b], [y], { inputs }, { activation }) => {
    const { rows, nIn, nOut } = sizes(inputs)
    const f = activate[activation]
    const z = new Float64Array(nOut)
    for (let r = 0; r < rows; r++) {
      if (b) z.set(b)
      else z.fill(0)
      for (let k = 0; k < nIn; k++) {
        const v = x[r * nIn + k]
        if (v !== 0) for (let o = 0; o < nOut; o++) z[o] += v * w[k * nOut + o]
      }
      for (let o = 0; o < nOut; o++) y[r * nOut + o] = f(z[o])
    }
  },
  simd: ({ inputs }, { activation, bias }) => {
    const { rows, nIn, nOut } = sizes(inputs)
    const args = [input(0), input(1), bias ? input(2) : { i32: 0 }, output(0), { i32: nIn }, { i32: nOut }, { i32: ACTIVATIONS.indexOf(activation) }]
    return { calls: [{ kernel: 'denseForward', items: rows, grain: rowGrain(rows), args }] }
  },
  backward: ({ inputs: [x, w, b], outputs: [y], grads: [dy], needs, attrs: { activation } }) => {
    if (!dy) return []
    const weights = needs[1] || needs[2] === true
    const grads = apply(DENSE_BACKWARD, [x, w, y, dy], { activation, input: needs[0], weights })
    const dw = weights ? grads[needs[0] ? 1 : 0] : undefined
    return [needs[0] ? grads[0] : undefined, dw, b && weights ? grads[needs[0] ? 2 : 1] : undefined]
  },
}

export interface BackwardAttrs {
  readonly activation: Activation
  readonly input: boolean
  readonly weights: boolean
}

/** Outputs: dx (when `input`), then dW and db (when `weights`). */
export const DENSE_BACKWARD: Op<BackwardAttrs> = {
  name: 'denseBackward',
  shape: ([x, w], { input: wantInput, weights }) => {
    const types: TensorType[] = []
    if (wantInput) types.push({ shape: x.shape, dtype: 'f32' })
    if (weights) types.push({ shape: w.shape, dtype: 'f32' }, { shape: [w.shape[1]], dtype: 'f32' })
    return types
  },
  wgsl: ({ inputs }, attrs, gpu) => backwardKernels(sizes(inputs), attrs, gpu),
  reference: ([x, w, y, dy], outputs, { inputs }, { activation, input: wantInput, weights }) => {
    const { rows, nIn, nOut } = sizes(inputs)
    const df = slope[activation]
    const dx = wantInput ? outputs[0] : undefined
    const dw = new Float64Array(weights ? nIn * nOut : 0)
    const db = new Float64Array(weights ? nOut : 0)
    const dz = new Float64Array(nOut)
    for (let r = 0; r < rows; r++) {
      for (let o = 0; o < nOut; o++) dz[o] = dy[r * nOut + o] * df(y[r * nOut + o])
      for (let k = 0; k < nIn; k++) {
        let s = 0
        const v = x[r * nIn + k]
        for (let o = 0; o < nOut; o++) {
          s += dz[o] * w[k * nOut + o]
          if (weights) dw[k * nOut + o] += v * dz[o]
        }
        if (dx) dx[r * nIn + k] = s
      }
      if (weights) for (let o = 0; o < nOut; o++) db[o] += dz[o]
    }
    if (weights) {
      outputs[wantInput ? 1 : 0].set(dw)
      outputs[wantInput ? 2 : 1].set(db)
    }
  },
  simd: ({ inputs }, { activation, input: wantInput, weights }) => {
    const { rows, nIn, nOut } = sizes(inputs)
    const grain = weights ? BACKWARD_GRAIN : rowGrain(rows)
    const chunks = Math.ceil(rows / grain)
    const stride = nIn * nOut + nOut
    const none = { i32: 0 }
    const dx = wantInput ? output(0) : none
    const sizesArgs = [{ i32: nIn }, { i32: nOut }, { i32: ACTIVATIONS.indexOf(activation) }, { i32: grain }]
    const rowsCall = {
      kernel: 'denseBackward',
      items: rows,
      grain,
      args: [input(0), input(1), input(2), input(3), dx, weights ? scratch(0) : none, ...sizesArgs],
    }
    if (!weights) return { calls: [rowsCall] }
    const reduce = (out: Ref, items: number, offset: number) => ({
      kernel: 'reducePartials',
      items,
      grain: 1024,
      args: [scratch(0), out, { i32: chunks }, { i32: stride }, { i32: offset }],
    })
    const first = wantInput ? 1 : 0
    return { scratch: [chunks * stride], calls: [rowsCall, reduce(output(first), nIn * nOut, 0), reduce(output(first + 1), nOut, nIn * nOut)] }
  },
}

export function sizes(inputs: readonly TensorType[]): Sizes {
  const [x, w] = inputs
  return { rows: rowCount(x.shape), nIn: w.shape[0], nOut: w.shape[1] }
}

/** act(x [..., in] · W [in, out] + b [out]) -> [..., out]. Throws when the inner sizes differ. */
export function dense(x: Tensor, w: Tensor, b?: Tensor, activation: Activation = 'none'): Tensor {
  return apply1(DENSE, b ? [x, w, b] : [x, w], { activation, bias: b !== undefined })
}

// ---- WGSL: one product each way (gemm.ts), and a pass for the slope of the activation and the bias.

/** What stands to the right of x in a layer of two inputs (joinedDense.ts). */
export interface Beside {
  readonly ref: Ref
  readonly width: number
  /** Where its gradient goes, if it is wanted. */
  readonly gradient?: Ref
}

/** @param beside its inputs come last */
export function forwardWork({ rows, nIn, nOut }: Sizes, { activation, bias }: DenseAttrs, gpu: GpuTraits, beside?: Beside): WgslWork {
  const z = bias ? '(v + b[c])' : 'v'
  const store = ACTIVATION_WGSL[activation].replaceAll(/\bv\b/g, z)
  if (!beside && hasFewOutputs({ rows, nIn, nOut })) return fewOutputsForward({ rows, nIn, nOut }, store, bias)
  return gemm(
    {
      label: 'dense',
      m: rows,
      n: nOut,
      k: nIn,
      a: inputOperand(nIn, 'inner', beside),
      b: numbers('w', input(1), nOut, 'outer'),
      out: output(0),
      store,
      storeReads: bias ? [{ name: 'b', ref: input(2) }] : [],
    },
    gpu,
  )
}

const inputOperand = (nIn: number, along: Operand['along'], beside?: Beside): Operand =>
  beside ? joined([input(0), beside.ref], [nIn - beside.width, beside.width], along) : numbers('x', input(0), nIn, along)

/** Rows of x summed per slice of dW at most: bounds the partial sums' memory. */
const ROWS_PER_SLICE = 2048
/** Workgroups for dW at least: two for each multiprocessor of a large GPU. */
const SLICE_GROUPS = 264
/** Of dW that one workgroup makes, about. */
const SLICE_TILE = 128 * 128

export function backwardKernels(
  { rows, nIn, nOut }: Sizes,
  { activation, input: wantInput, weights }: BackwardAttrs,
  gpu: GpuTraits,
  beside?: Beside,
): WgslWork {
  const slope = SLOPE_WGSL[activation]
  const narrow = { rows, nIn, nOut, slope, input: wantInput, weights }
  if (!beside && isNarrow(narrow)) return narrowBackward(narrow)
  if (!beside && hasFewOutputs(narrow)) return fewOutputsBackward(narrow, slope, wantInput, weights)
  const lengths: number[] = []
  const dispatches: Dispatch[] = []
  const take = (length: number): Ref => scratch(lengths.push(length) - 1)
  const add = (product: Gemm): void => {
    const work = gemm(product, gpu, lengths.length)
    lengths.push(...work.scratch)
    dispatches.push(...work.dispatches)
  }
  const slices = Math.max(
    Math.ceil(rows / ROWS_PER_SLICE),
    Math.min(Math.floor(rows / 768), Math.floor((SLICE_GROUPS * SLICE_TILE) / (nIn * nOut))),
    1,
  )
  const plain = numbers('dz', input(3), nOut, 'inner')
  const own = nIn - (beside?.width ?? 0)
  const w = { label: 'denseBackwardInput', m: rows, n: own, k: nOut, a: plain, b: numbers('w', input(1), nOut, 'inner'), out: output(0) }
  const first = wantInput ? 1 : 0
  const x = inputOperand(nIn, 'outer', beside)
  const products = {
    input: w,
    weights: { label: 'denseBackwardWeights', m: nIn, n: nOut, k: rows, a: x, b: { ...plain, along: 'outer' as const }, out: output(first), slices },
  }
  const onUnits = (product: Gemm): boolean => chooseTile(product, gpu).kind === 'matrix'
  const scaled = nOut % 4 === 0 && nOut <= WIDEST_SCALED && (!wantInput || onUnits(products.input)) && (!weights || onUnits(products.weights))
  const half = scaled && gpu.precision === 'half'
  const linear = activation === 'none'
  const dz = scaled ? take((rows * nOut) / (half ? 2 : 1)) : linear ? input(3) : take(rows * nOut)
  const factors = scaled ? take(Math.ceil(rows / FACTOR_ROWS)) : undefined
  const bias = weights ? take(Math.ceil(rows / ROWS_PER_BIAS_SLICE) * nOut) : undefined
  const written = dz.kind === 'scratch' ? dz : undefined
  if (nOut % 4 === 0) {
    if (written || bias) dispatches.push(slopeKernel({ rows, nOut, slope, dz: written, half, factors, bias }))
  } else dispatches.push(...unalignedSlope({ rows, nOut, slope, dz: written, bias }))
  const gradient = (along: Operand['along']): Operand => (half ? halves('dz', dz, nOut, along) : numbers('dz', dz, nOut, along))
  const inputGradient = {
    ...products.input,
    a: gradient('inner'),
    ...(factors && { store: `v / factors[r / ${FACTOR_ROWS}u]`, storeReads: [{ name: 'factors', ref: factors }] }),
    anyMagnitude: !scaled,
  }
  if (wantInput) add(inputGradient)
  if (beside?.gradient) add({ ...inputGradient, n: beside.width, b: numbers('w', input(1), nOut, 'inner', own), out: beside.gradient })
  if (weights && bias) {
    const balance = factors && { factors: { reads: [{ name: 'factors', ref: factors }], of: 'factors[block]' } }
    const alsoSum = { partial: bias, slices: Math.ceil(rows / ROWS_PER_BIAS_SLICE), outputs: [{ ref: output(first + 1), length: nOut }] }
    add({ ...products.weights, a: { ...x, balances: factors !== undefined }, b: gradient('outer'), ...balance, anyMagnitude: !scaled, alsoSum })
  }
  return { scratch: lengths, dispatches }
}

/** slopeKernel's work for rows that are not made of fours. */
function unalignedSlope({ rows, nOut, slope, dz, bias }: Pick<Slope, 'rows' | 'nOut' | 'slope' | 'dz' | 'bias'>): Dispatch[] {
  const dispatches: Dispatch[] = []
  if (dz) {
    const reads = [
      { name: 'y', ref: input(2) },
      { name: 'dy', ref: input(3) },
    ]
    const body = `  let r = y[i];\n  dz[i] = dy[i] * (${slope});`
    dispatches.push(itemKernel({ label: 'denseSlope', reads, writes: [{ name: 'dz', ref: dz }], items: rows * nOut, body }))
  }
  if (bias) {
    dispatches.push(
      itemKernel({
        label: 'denseBackwardBiasSlices',
        reads: [{ name: 'dz', ref: dz ?? input(3) }],
        writes: [{ name: 'partial', ref: bias }],
        items: Math.ceil(rows / ROWS_PER_BIAS_SLICE) * nOut,
        body: `  let begin = (i / ${nOut}u) * ${ROWS_PER_BIAS_SLICE}u;\n  var s = 0.0;\n  for (var j = begin; j < min(begin + ${ROWS_PER_BIAS_SLICE}u, ${rows}u); j++) { s += dz[j * ${nOut}u + i % ${nOut}u]; }\n  partial[i] = s;`,
      }),
    )
  }
  return dispatches
}
