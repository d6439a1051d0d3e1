/** Axes in another order; the gradient puts them back. */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Shape, showShape, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

/** Elements between neighbours along each axis of a row-major array. */
function stridesOf(shape: Shape): number[] {
  return shape.map((_, axis) => elements(shape.slice(axis + 1)))
}

const PERMUTE: Op<readonly number[]> = {
  name: 'permute',
  shape: ([x], axes) => {
    if (axes.length !== x.shape.length || axes.some((_, axis) => !axes.includes(axis)))
      throw new Error(`permute: axes [${axes.join(', ')}] for ${showShape(x.shape)}; name each of its ${x.shape.length} axes once`)
    return [{ shape: axes.map(axis => x.shape[axis]), dtype: x.dtype }]
  },
  wgsl: ({ inputs: [x], outputs: [y] }, axes) => {
    const from = stridesOf(x.shape)
    const to = stridesOf(y.shape)
    const terms = axes.map((axis, k) => `i / ${to[k]}u % ${y.shape[k]}u * ${from[axis]}u`)
    return {
      dispatches: [
        itemKernel({
          label: 'permute',
          reads: [{ name: 'x', ref: input(0), dtype: x.dtype }],
          writes: [{ name: 'y', ref: output(0), dtype: y.dtype }],
          items: elements(y.shape),
          body: `  y[i] = x[${terms.join(' + ') || '0u'}];`,
        }),
      ],
    }
  },
  reference: ([x], [y], { inputs, outputs }, axes) => {
    const from = stridesOf(inputs[0].shape)
    const steps = axes.map(axis => from[axis])
    const { shape } = outputs[0]
    const last = shape.length - 1
    const [width, step] = last < 0 ? [1, 0] : [shape[last], steps[last]]
    const counter = shape.map(() => 0)
    let at = 0
    for (let i = 0; i < y.length; i += width) {
      for (let c = 0; c < width; c++) y[i + c] = x[at + c * step]
      // The other axes count like an odometer.
      for (let k = last - 1; k >= 0; k--) {
        at += steps[k]
        if (++counter[k] < shape[k]) break
        at -= steps[k] * shape[k]
        counter[k] = 0
      }
    }
  },
  backward: ({ grads: [dy], attrs: axes }) => [
    dy &&
      permute(
        dy,
        axes.map((_, axis) => axes.indexOf(axis)),
      ),
  ],
}

/** Axis k of the result is axis axes[k] of x. Throws unless each axis is named once. */
export const permute = (x: Tensor, axes: readonly number[]): Tensor => apply1(PERMUTE, [x], axes)

/** [A, B] -> [B, A]. Throws for another number of axes. */
export function transpose(x: Tensor): Tensor {
  if (x.shape.length !== 2) throw new Error(`transpose: ${showShape(x.shape)} does not have two axes; use permute`)
  return permute(x, [1, 0])
}
