/** y = act(x·W + b), W [in, out]. The gradient takes dz = dy·act'(y) once and gives dx = dz·Wᵀ, dW = xᵀ·dz, db = Σ dz. */
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
import { gemm } from './gemm.ts'
import { sumSlices } from './sumSlices.ts'
import { itemKernel } from './wgsl.ts'

/** Activations whose slope follows from y alone, so that the pre-activation need not be kept. */
export type Activation = 'none' | 'relu' | 'softplus' | 'sigmoid'
const ACTIVATIONS: readonly Activation[] = ['none', 'relu', 'softplus', 'sigmoid']

const ACTIVATION_WGSL: Record<Activation, string> = {
  none: 'v',
  relu: 'max(v, 0.0)',
  softplus: 'max(v, 0.0) + log(1.0 + exp(-abs(v)))',
  sigmoid: '1.0 / (1.0 + exp(-v))',
}
/** act'(y) with r = y. softplus: 1 − e^−y. */
const SLOPE_WGSL: Record<Activation, string> = {
  none: '1.0',
  relu: 'select(0.0, 1.0, r > 0.0)',
  softplus: '1.0 - exp(-r)',
  sigmoid: 'r * (1.0 - r)',
}
const activate: Record<Activation, (v: number) => number> = {
  none: v => v,
  relu: v => Math.max(v, 0),
  softplus: v => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))),
  sigmoid: v => 1 / (1 + Math.exp(-v)),
}
const slope: Record<Activation, (y: number) => number> = {
  none: () => 1,
  relu: y => (y > 0 ? 1 : 0),
  softplus: y => -Math.expm1(-y),
  sigmoid: y => y * (1 - y),
}

/** Rows per task on the CPU: small enough for many tasks, large enough that partial sums of dW cost little. */
const FORWARD_GRAIN = 512
const BACKWARD_GRAIN = 1024

/** Few rows (a transformer's tokens) are split for the threads, but not below 28: every task packs the weights anew. Rows do not meet, so results stay the same. */
function rowGrain(rows: number): number {
  return Math.min(FORWARD_GRAIN, Math.max(28, Math.ceil(rows / 16) * 4))
}

interface Sizes {
  readonly rows: number
  readonly nIn: number
  readonly nOut: number
}

const DENSE: Op<{ activation: Activation; bias: boolean }> = {
  name: 'dense',
  shape: ([x, w, b]) => {
    if (w.shape.length !== 2 || lastAxis(x.shape) !== w.shape[0])
      throw new Error(`dense: inner sizes differ, ${showShape(x.shape)} x ${showShape(w.shape)}`)
    if (b && elements(b.shape) !== w.shape[1]) throw new Error(`dense: bias ${showShape(b.shape)} for ${w.shape[1]} outputs`)
    return [{ shape: [...x.shape.slice(0, -1), w.shape[1]], dtype: 'f32' }]
  },
  wgsl: ({ inputs }, { activation, bias }) => forwardWork(sizes(inputs), activation, bias),
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

interface BackwardAttrs {
  readonly activation: Activation
  readonly input: boolean
  readonly weights: boolean
}

/** Outputs: dx (when `input`), then dW and db (when `weights`). */
const DENSE_BACKWARD: Op<BackwardAttrs> = {
  name: 'denseBackward',
  shape: ([x, w], { input: wantInput, weights }) => {
    const types: TensorType[] = []
    if (wantInput) types.push({ shape: x.shape, dtype: 'f32' })
    if (weights) types.push({ shape: w.shape, dtype: 'f32' }, { shape: [w.shape[1]], dtype: 'f32' })
    return types
  },
  wgsl: ({ inputs }, attrs) => backwardKernels(sizes(inputs), attrs),
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

function sizes(inputs: readonly TensorType[]): Sizes {
  const [x, w] = inputs
  return { rows: rowCount(x.shape), nIn: w.shape[0], nOut: w.shape[1] }
}

/** act(x [..., in] · W [in, out] + b [out]) -> [..., out]. Throws when the inner sizes differ. */
export function dense(x: Tensor, w: Tensor, b?: Tensor, activation: Activation = 'none'): Tensor {
  return apply1(DENSE, b ? [x, w, b] : [x, w], { activation, bias: b !== undefined })
}

// ---- WGSL: one product each way (gemm.ts), and the slope of the activation where there is one.

function forwardWork({ rows, nIn, nOut }: Sizes, activation: Activation, bias: boolean): WgslWork {
  const z = bias ? '(v + b[c])' : 'v'
  return gemm({
    label: 'dense',
    m: rows,
    n: nOut,
    k: nIn,
    reads: [
      { name: 'x', ref: input(0) },
      { name: 'w', ref: input(1) },
    ],
    out: output(0),
    a: `x[r * ${nIn}u + c]`,
    b: `w[r * ${nOut}u + c]`,
    store: ACTIVATION_WGSL[activation].replaceAll(/\bv\b/g, z),
    storeReads: bias ? [{ name: 'b', ref: input(2) }] : [],
  })
}

/** Rows of x summed per slice of dW: bounds the partial sums' memory and keeps the GPU busy. */
const ROWS_PER_SLICE = 2048
/** Of the bias gradient: its invocations are few (columns x slices), so their loops are short. */
const ROWS_PER_BIAS_SLICE = 128

function backwardKernels({ rows, nIn, nOut }: Sizes, { activation, input: wantInput, weights }: BackwardAttrs): WgslWork {
  const narrow = { rows, nIn, nOut, slope: SLOPE_WGSL[activation], input: wantInput, weights }
  if (isNarrow(narrow)) return narrowBackward(narrow)
  const linear = activation === 'none'
  const lengths: number[] = linear ? [] : [rows * nOut]
  const dz = { name: 'dz', ref: linear ? input(3) : scratch(0) }
  const dispatches: Dispatch[] = []
  const add = (work: ReturnType<typeof gemm>): void => {
    lengths.push(...work.scratch)
    dispatches.push(...work.dispatches)
  }
  if (!linear) {
    dispatches.push(
      itemKernel({
        label: 'denseSlope',
        reads: [
          { name: 'y', ref: input(2) },
          { name: 'dy', ref: input(3) },
        ],
        writes: [dz],
        items: rows * nOut,
        body: `  let r = y[i];\n  dz[i] = dy[i] * (${SLOPE_WGSL[activation]});`,
      }),
    )
  }
  if (wantInput) {
    const reads = [dz, { name: 'w', ref: input(1) }]
    const [a, b] = [`dz[r * ${nOut}u + c]`, `w[c * ${nOut}u + r]`]
    add(gemm({ label: 'denseBackwardInput', m: rows, n: nIn, k: nOut, reads, out: output(0), a, b, bAlong: 'k' }, lengths.length))
  }
  if (!weights) return { scratch: lengths, dispatches }
  const slices = Math.ceil(rows / ROWS_PER_SLICE)
  const reads = [{ name: 'x', ref: input(0) }, dz]
  const [a, b] = [`x[c * ${nIn}u + r]`, `dz[r * ${nOut}u + c]`]
  const first = wantInput ? 1 : 0
  add(gemm({ label: 'denseBackwardWeights', m: nIn, n: nOut, k: rows, reads, out: output(first), a, b, aAlong: 'm', slices }, lengths.length))
  const biasSlices = Math.ceil(rows / ROWS_PER_BIAS_SLICE)
  const partial = { name: 'partial', ref: scratch(lengths.push(biasSlices * nOut) - 1) }
  dispatches.push(
    itemKernel({
      label: 'denseBackwardBiasSlices',
      reads: [dz],
      writes: [partial],
      items: biasSlices * nOut,
      body: `  let begin = (i / ${nOut}u) * ${ROWS_PER_BIAS_SLICE}u;\n  var s = 0.0;\n  for (var j = begin; j < min(begin + ${ROWS_PER_BIAS_SLICE}u, ${rows}u); j++) { s += dz[j * ${nOut}u + i % ${nOut}u]; }\n  partial[i] = s;`,
    }),
    sumSlices({ label: 'denseBackwardBias', partial: partial.ref, slices: biasSlices, outputs: [{ ref: output(first + 1), length: nOut }] }),
  )
  return { scratch: lengths, dispatches }
}
