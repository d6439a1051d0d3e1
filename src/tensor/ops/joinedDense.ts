/**
 * act([x, z]·W + b): a dense layer of two inputs side by side, as skip connections have them. On the GPU its products read both where they are and write both gradients
 * where they belong, which saves the passes that join and cut. On the CPU, whose kernels want whole rows, they are joined in memory of the node.
 */
import { apply, apply1, type Op } from '../op.ts'
import {
  input,
  lastAxis,
  type Numbers,
  output,
  type Ref,
  rowCount,
  type SimdCall,
  sameShape,
  scratch,
  showShape,
  type Tensor,
  type TensorType,
} from '../tensor.ts'
import { concat } from './concat.ts'
import {
  ACTIVATIONS,
  type Activation,
  BACKWARD_GRAIN,
  type BackwardAttrs,
  backwardKernels,
  DENSE,
  DENSE_BACKWARD,
  type DenseAttrs,
  dense,
  forwardWork,
  rowGrain,
  sizes,
} from './dense.ts'
import { isNarrow } from './denseBackwardTile.ts'

/** Inputs x, W, b (when `bias`), z. */
const JOINED: Op<DenseAttrs> = {
  name: 'joinedDense',
  shape: (inputs, attrs) => DENSE.shape(joinedTypes(inputs, inputs.length - 1), attrs),
  wgsl: ({ inputs }, attrs, gpu) => {
    const last = inputs.length - 1
    return forwardWork(sizes(joinedTypes(inputs, last)), attrs, gpu, { ref: input(last), width: lastAxis(inputs[last].shape) })
  },
  reference: (inputs, outputs, { inputs: types, outputs: out }, attrs) => {
    const last = types.length - 1
    DENSE.reference([join(inputs, types, last), ...inputs.slice(1, last)], outputs, { inputs: joinedTypes(types, last), outputs: out }, attrs)
  },
  simd: ({ inputs }, { activation, bias }) => {
    const last = inputs.length - 1
    const { rows, nIn, nOut } = sizes(joinedTypes(inputs, last))
    const args = [
      scratch(0),
      input(1),
      bias ? input(2) : { i32: 0 },
      output(0),
      { i32: nIn },
      { i32: nOut },
      { i32: ACTIVATIONS.indexOf(activation) },
    ]
    const forward = { kernel: 'denseForward', items: rows, grain: rowGrain(rows), args }
    return { scratch: [rows * nIn], calls: [...joining(inputs, last, nIn), forward] }
  },
  backward: ({ inputs, outputs: [y], grads: [dy], needs, attrs: { activation, bias } }) => {
    if (!dy) return []
    const last = inputs.length - 1
    const attrs = { activation, input: needs[0], beside: needs[last], weights: needs[1] || (bias && needs[2]) }
    const grads = [...apply(JOINED_BACKWARD, [inputs[0], inputs[1], y, dy, inputs[last]], attrs)]
    const dx = needs[0] ? grads.shift() : undefined
    const [dw, db] = attrs.weights ? grads.splice(0, 2) : []
    return bias ? [dx, dw, db, grads[0]] : [dx, dw, grads[0]]
  },
}

interface JoinedBackwardAttrs extends BackwardAttrs {
  /** Whether z's gradient is wanted. */
  readonly beside: boolean
}

/** Inputs x, W, y, dy, z; outputs dx (when `input`), dW and db (when `weights`), dz (when `beside`). */
const JOINED_BACKWARD: Op<JoinedBackwardAttrs> = {
  name: 'joinedDenseBackward',
  shape: ([x, w, , , z], { input: wantInput, weights, beside }) => {
    const types: TensorType[] = []
    if (wantInput) types.push({ shape: x.shape, dtype: 'f32' })
    if (weights) types.push({ shape: w.shape, dtype: 'f32' }, { shape: [w.shape[1]], dtype: 'f32' })
    if (beside) types.push({ shape: z.shape, dtype: 'f32' })
    return types
  },
  wgsl: ({ inputs, outputs }, attrs, gpu) => {
    const gradient = attrs.beside ? output(outputs.length - 1) : undefined
    return backwardKernels(sizes(joinedTypes(inputs, 4)), attrs, gpu, { ref: input(4), width: lastAxis(inputs[4].shape), gradient })
  },
  reference: (inputs, outputs, { inputs: types, outputs: out }, attrs) => {
    const { input: wantInput, beside } = attrs
    const wanted = wantInput || beside
    const whole = joinedTypes(types, 4)
    const dx = new Float64Array(wanted ? rowCount(whole[0].shape) * lastAxis(whole[0].shape) : 0) as unknown as Numbers
    const kept = outputs.slice(wantInput ? 1 : 0, beside ? -1 : undefined)
    const plain = { ...attrs, input: wanted }
    DENSE_BACKWARD.reference([join(inputs, types, 4), ...inputs.slice(1, 4)], wanted ? [dx, ...kept] : kept, { inputs: whole, outputs: out }, plain)
    if (wantInput) cut(dx, lastAxis(whole[0].shape), outputs[0], lastAxis(types[0].shape), 0)
    if (beside) cut(dx, lastAxis(whole[0].shape), outputs[outputs.length - 1], lastAxis(types[4].shape), lastAxis(types[0].shape))
  },
  simd: ({ inputs, outputs }, { activation, input: wantInput, weights, beside }) => {
    const { rows, nIn, nOut } = sizes(joinedTypes(inputs, 4))
    const [own, other] = [lastAxis(inputs[0].shape), lastAxis(inputs[4].shape)]
    const grain = weights ? BACKWARD_GRAIN : rowGrain(rows)
    const chunks = Math.ceil(rows / grain)
    const stride = nIn * nOut + nOut
    const none = { i32: 0 }
    const [x, dx, partial] = [scratch(0), wantInput || beside ? scratch(1) : none, weights ? scratch(2) : none]
    const sizesArgs = [{ i32: nIn }, { i32: nOut }, { i32: ACTIVATIONS.indexOf(activation) }, { i32: grain }]
    const calls: SimdCall[] = [
      ...joining(inputs, 4, nIn),
      { kernel: 'denseBackward', items: rows, grain, args: [x, input(1), input(2), input(3), dx, partial, ...sizesArgs] },
    ]
    if (weights) {
      const first = wantInput ? 1 : 0
      const reduce = (out: Ref, items: number, offset: number): SimdCall => ({
        kernel: 'reducePartials',
        items,
        grain: 1024,
        args: [scratch(2), out, { i32: chunks }, { i32: stride }, { i32: offset }],
      })
      calls.push(reduce(output(first), nIn * nOut, 0), reduce(output(first + 1), nOut, nIn * nOut))
    }
    if (wantInput) calls.push(copyColumns(rows, scratch(1), nIn, 0, output(0), own, 0, own))
    if (beside) calls.push(copyColumns(rows, scratch(1), nIn, own, output(outputs.length - 1), other, 0, other))
    return { scratch: [rows * nIn, wantInput || beside ? rows * nIn : 0, weights ? chunks * stride : 0], calls }
  },
}

/** The types of the layer with its inputs side by side. @param last where z is */
function joinedTypes(inputs: readonly TensorType[], last: number): TensorType[] {
  const [x, ...rest] = inputs
  const z = inputs[last]
  if (!sameShape(x.shape.slice(0, -1), z.shape.slice(0, -1)))
    throw new Error(`joinedDense: ${showShape(x.shape)} and ${showShape(z.shape)} differ before the last axis; reshape them first`)
  return [{ shape: [...x.shape.slice(0, -1), lastAxis(x.shape) + lastAxis(z.shape)], dtype: 'f32' }, ...rest.slice(0, last - 1)]
}

function join(inputs: readonly Numbers[], types: readonly TensorType[], last: number): Numbers {
  const [own, other] = [lastAxis(types[0].shape), lastAxis(types[last].shape)]
  const rows = rowCount(types[0].shape)
  // as wide as what may be doubles
  const whole = new Float64Array(rows * (own + other))
  for (let r = 0; r < rows; r++) {
    whole.set(inputs[0].subarray(r * own, (r + 1) * own), r * (own + other))
    whole.set(inputs[last].subarray(r * other, (r + 1) * other), r * (own + other) + own)
  }
  return whole as unknown as Numbers
}

function cut(from: Numbers, stride: number, to: Numbers, width: number, column: number): void {
  for (let r = 0; r * width < to.length; r++) to.set(from.subarray(r * stride + column, r * stride + column + width), r * width)
}

const joining = (inputs: readonly TensorType[], last: number, nIn: number): SimdCall[] => {
  const [own, other] = [lastAxis(inputs[0].shape), lastAxis(inputs[last].shape)]
  const rows = rowCount(inputs[0].shape)
  return [copyColumns(rows, input(0), own, 0, scratch(0), nIn, 0, own), copyColumns(rows, input(last), other, 0, scratch(0), nIn, own, other)]
}

function copyColumns(
  rows: number,
  from: Ref,
  fromStride: number,
  fromColumn: number,
  to: Ref,
  toStride: number,
  toColumn: number,
  width: number,
): SimdCall {
  const args = [from, to, { i32: fromStride }, { i32: fromColumn }, { i32: toStride }, { i32: toColumn }, { i32: width }]
  return { kernel: 'copyColumns', items: rows, grain: 2048, args }
}

/** act([x, z]·W + b): x [..., a] and z [..., c] side by side, W [a + c, out] -> [..., out]. Throws when sizes do not fit. */
export function joinedDense(x: Tensor, z: Tensor, w: Tensor, b?: Tensor, activation: Activation = 'none'): Tensor {
  // narrow layers have a gradient in one pass, which wants whole rows
  if (isNarrow({ rows: Number.POSITIVE_INFINITY, nIn: w.shape[0], nOut: w.shape[1] })) return dense(concat([x, z]), w, b, activation)
  return apply1(JOINED, b ? [x, w, b, z] : [x, w, z], { activation, bias: b !== undefined })
}
