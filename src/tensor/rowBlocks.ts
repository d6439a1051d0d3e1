/**
 * Large batches in blocks of rows: a block's intermediate values live only while it is computed, once for its result and once more for its gradient.
 * Costs a second forward pass; without it, the activations of all rows wait for the backward pass at once.
 */
import { grad } from './grad.ts'
import { apply1, type Op } from './op.ts'
import { add } from './ops/elementwise.ts'
import { concatRows, sliceRows } from './ops/rows.ts'
import { itemKernel } from './ops/wgsl.ts'
import { detach, elements, input, output, type Tensor } from './tensor.ts'

/** Rows [begin, end) of the result, recorded anew at every call. */
export type RowBlock = (begin: number, end: number) => Tensor

interface Recomputed {
  readonly block: RowBlock
  readonly ranges: readonly (readonly [number, number])[]
}

/** The first input as it is; the gradient goes to the others, through blocks that are recorded again. */
const RECOMPUTED: Op<Recomputed> = {
  name: 'recomputed',
  shape: ([y]) => [{ shape: y.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [y] }) => ({
    dispatches: [
      itemKernel({
        label: 'recomputed',
        reads: [{ name: 'y', ref: input(0) }],
        writes: [{ name: 'same', ref: output(0) }],
        items: elements(y.shape),
        body: '  same[i] = y[i];',
      }),
    ],
  }),
  reference: ([y], [same]) => {
    same.set(y)
  },
  backward: ({ inputs: [, ...sources], grads: [dy], needs: [, ...needs], attrs: { block, ranges } }) => {
    if (!dy) return []
    const wanted = sources.filter((_, i) => needs[i])
    let sums: Tensor[] | undefined
    for (const [begin, end] of ranges) {
      const grads = grad(block(begin, end), wanted, sliceRows(dy, begin, end))
      sums = sums ? sums.map((sum, i) => add(sum, grads[i])) : grads
    }
    const found = sums?.values()
    return [undefined, ...needs.map(needed => (needed ? found?.next().value : undefined))]
  },
}

/** [0, rows) cut into `blocks` parts of equal size, but for the last. */
export function rowRanges(rows: number, blocks: number): [number, number][] {
  const size = Math.ceil(rows / blocks)
  return Array.from({ length: Math.ceil(rows / size) }, (_, b) => [b * size, Math.min((b + 1) * size, rows)])
}

/**
 * All rows of what `block` computes by parts, [rows, …]. Gradients go to `sources` alone, leaves (parameters) that the blocks depend on; what else they
 * depend on counts as constant. One block is recorded as it is.
 */
export function inRowBlocks(block: RowBlock, rows: number, blocks: number, sources: readonly Tensor[] = []): Tensor {
  const ranges = rowRanges(rows, blocks)
  if (ranges.length === 1) return block(0, rows)
  const y = detach(concatRows(ranges.map(([begin, end]) => block(begin, end))))
  return sources.length > 0 ? apply1(RECOMPUTED, [y, ...sources], { block, ranges }) : y
}
