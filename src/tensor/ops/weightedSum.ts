/** A weighted sum of scalars, such as the terms of a loss, as one operation with one gradient. */
import { apply, apply1, type Op } from '../op.ts'
import { elements, input, output, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { bindingHeader, float } from './wgsl.ts'

/** Terms of one operation: with the result, the 8 storage buffers of every device. */
const MOST_TERMS = 7

const WEIGHTED_SUM: Op<readonly number[]> = {
  name: 'weightedSum',
  shape: (terms, weights) => {
    const odd = terms.find(x => elements(x.shape) !== 1)
    if (odd) throw new Error(`weightedSum: a term is ${showShape(odd.shape)}; it must be a scalar []`)
    if (terms.length !== weights.length || terms.length === 0 || terms.length > MOST_TERMS)
      throw new Error(`weightedSum: ${terms.length} terms and ${weights.length} weights; give one to ${MOST_TERMS} of both`)
    return [{ shape: [], dtype: 'f32' }]
  },
  wgsl: (_, weights) => {
    const reads = weights.map((_, i) => ({ name: `x${i}`, ref: input(i) }))
    const y = { name: 'y', ref: output(0) }
    const sum = weights.map((weight, i) => `x${i}[0] * ${float(weight)}`).join(' + ')
    const code = `${bindingHeader(reads, [y])}\n@compute @workgroup_size(1) fn main() { y[0] = ${sum}; }`
    return { dispatches: [{ label: 'weightedSum', code, bindings: [...reads, y].map(b => b.ref), groups: [1, 1, 1] }] }
  },
  reference: (terms, [y], _, weights) => {
    y[0] = terms.reduce((sum, x, i) => sum + x[0] * weights[i], 0)
  },
  backward: ({ grads: [dy], needs, attrs: weights }) => {
    if (!dy) return []
    const made = apply(
      SHARES,
      [dy],
      weights.filter((_, i) => needs[i]),
    )
    return needs.map(need => (need ? made.shift() : undefined))
  },
}

/** A scalar times each of the weights. */
const SHARES: Op<readonly number[]> = {
  name: 'weightedSumBackward',
  shape: (_, weights) => weights.map((): TensorType => ({ shape: [], dtype: 'f32' })),
  wgsl: (_, weights) => {
    const dy = { name: 'dy', ref: input(0) }
    const writes = weights.map((_, i) => ({ name: `dx${i}`, ref: output(i) }))
    const stores = weights.map((weight, i) => `dx${i}[0] = dy[0] * ${float(weight)};`).join(' ')
    const code = `${bindingHeader([dy], writes)}\n@compute @workgroup_size(1) fn main() { ${stores} }`
    return { dispatches: [{ label: 'weightedSumBackward', code, bindings: [dy, ...writes].map(b => b.ref), groups: [1, 1, 1] }] }
  },
  reference: ([dy], outputs, _, weights) => {
    for (const [i, weight] of weights.entries()) outputs[i][0] = dy[0] * weight
  },
}

/** A term of a sum and what it counts. */
export interface WeightedTerm {
  /** A scalar []. */
  readonly value: Tensor
  readonly weight: number
}

/** Σ weight · value, a scalar []. Throws without terms, or when one is no scalar. */
export function weightedSum(terms: readonly WeightedTerm[]): Tensor {
  const parts: Tensor[] = []
  for (let i = 0; i < terms.length; i += MOST_TERMS) {
    const taken = terms.slice(i, i + MOST_TERMS)
    parts.push(
      apply1(
        WEIGHTED_SUM,
        taken.map(t => t.value),
        taken.map(t => t.weight),
      ),
    )
  }
  return parts.length === 1 ? parts[0] : weightedSum(parts.map(value => ({ value, weight: 1 })))
}
