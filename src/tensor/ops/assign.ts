/** Writes a value into a leaf's storage. */
import { type Op, record } from '../op.ts'
import { elements, type GraphNode, input, showShape, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

const ASSIGN: Op<null> = {
  name: 'assign',
  effect: true,
  shape: ([target, value]) => {
    if (elements(target.shape) !== elements(value.shape)) throw new Error(`assign: ${showShape(value.shape)} into ${showShape(target.shape)}`)
    return []
  },
  wgsl: ({ inputs: [target, value] }) => ({
    dispatches: [
      itemKernel({
        label: 'assign',
        reads: [{ name: 'value', ref: input(1), dtype: value.dtype }],
        writes: [{ name: 'leaf', ref: input(0), dtype: target.dtype }],
        items: elements(target.shape),
        body: '  leaf[i] = value[i];',
      }),
    ],
  }),
  reference: ([target, value]) => {
    target.set(value)
  },
}

/** An effect for `compile`: after it, `leaf` holds `value`. Throws when the element counts differ. */
export function assign(leaf: Tensor, value: Tensor): GraphNode {
  return record(ASSIGN, [leaf, value], null)
}
