/** Sums of tensors of one shape each, many at a time: gradients of parameters that are used in several places. */
import { apply, type Op } from '../op.ts'
import { type Dispatch, elements, input, output, showShape, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

const GRAIN = 1 << 14
/** Addends of one sum: with the result, the 8 storage buffers of every device. */
const MOST_ADDENDS = 7

/** How many addends each sum has, in the order of the inputs. */
type Counts = readonly number[]

/** The inputs of each sum, by number. */
function members(counts: Counts): number[][] {
  let next = 0
  return counts.map(count => Array.from({ length: count }, () => next++))
}

const SUMS: Op<Counts> = {
  name: 'sums',
  shape: (inputs, counts) =>
    members(counts).map(list => {
      const [first, ...others] = list.map(i => inputs[i])
      const odd = others.find(x => elements(x.shape) !== elements(first.shape))
      if (odd) throw new Error(`sums: ${showShape(odd.shape)} is added to ${showShape(first.shape)}`)
      return { shape: first.shape, dtype: 'f32' }
    }),
  wgsl: ({ outputs }, counts, { storageBuffers }) => {
    const dispatches: Dispatch[] = []
    const all = members(counts)
    for (let begin = 0; begin < all.length; ) {
      let end = begin
      for (let used = 0; end < all.length && used + all[end].length + 1 <= storageBuffers; end++) used += all[end].length + 1
      const taken = all.slice(begin, end)
      let first = 0
      const cases = taken.map((list, i) => {
        const e = first > 0 ? `i - ${first}u` : 'i'
        first += elements(outputs[begin + i].shape)
        return `if (i < ${first}u) { let e = ${e}; y${i}[e] = ${list.map(x => `x${x}[e]`).join(' + ')}; }`
      })
      const reads = taken.flat().map(x => ({ name: `x${x}`, ref: input(x) }))
      const writes = taken.map((_, i) => ({ name: `y${i}`, ref: output(begin + i) }))
      dispatches.push(itemKernel({ label: 'sums', reads, writes, items: first, body: `  ${cases.join('\n  else ')}` }))
      begin = end
    }
    return { dispatches }
  },
  reference: (inputs, outputs, _, counts) => {
    for (const [o, list] of members(counts).entries())
      for (let e = 0; e < outputs[o].length; e++) {
        let s = 0
        for (const x of list) s += inputs[x][e]
        outputs[o][e] = s
      }
  },
  simd: ({ outputs }, counts) => ({
    calls: members(counts).flatMap(([first, ...rest], o) =>
      rest.map((x, i) => ({
        kernel: 'addTensors',
        items: elements(outputs[o].shape),
        grain: GRAIN,
        args: [i === 0 ? input(first) : output(o), input(x), output(o)],
      })),
    ),
  }),
}

/** The sum of each list, of the shape of its first tensor. Throws when lengths differ within a list, or a list has fewer than two tensors. */
export function sums(lists: readonly (readonly Tensor[])[]): Tensor[] {
  const short = lists.findIndex(list => list.length < 2)
  if (short >= 0) throw new Error(`sums: list ${short} has ${lists[short].length} tensors; give two or more`)
  const shorter = lists.map(shorten)
  return apply(
    SUMS,
    shorter.flat(),
    shorter.map(list => list.length),
  )
}

/** A list of at most MOST_ADDENDS with the same sum. */
function shorten(list: readonly Tensor[]): readonly Tensor[] {
  if (list.length <= MOST_ADDENDS) return list
  const [first] = sums([list.slice(0, MOST_ADDENDS)])
  return shorten([first, ...list.slice(MOST_ADDENDS)])
}
