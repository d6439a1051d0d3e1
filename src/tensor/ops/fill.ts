/** A tensor of one constant value. */
import { apply1, type Op } from '../op.ts'
import { elements, output, type Shape, type Tensor, type TensorType } from '../tensor.ts'
import { float, itemKernel } from './wgsl.ts'

const FILL: Op<{ shape: Shape; value: number }> = {
  name: 'fill',
  shape: (_, { shape }) => [{ shape, dtype: 'f32' }],
  wgsl: ({ outputs: [y] }, { value }) => ({
    dispatches: [itemKernel({ label: 'fill', writes: [{ name: 'y', ref: output(0) }], items: elements(y.shape), body: `  y[i] = ${float(value)};` })],
  }),
  reference: (_, [y], __, { value }) => {
    y.fill(value)
  },
  backward: () => [],
}

/** `shape` filled with `value`. */
export function fill(shape: Shape, value: number): Tensor {
  return apply1(FILL, [], { shape, value })
}

/** The shape of `x` filled with `value`. */
export function constantLike(x: TensorType, value: number): Tensor {
  return fill(x.shape, value)
}
