/** Several guidances at once, such as sentences with weights. */
import { concat, sliceColumns } from '../tensor/ops/concat.ts'
import { add, affine } from '../tensor/ops/elementwise.ts'
import type { Guidance } from './guidance.ts'

/**
 * Σ w_i · loss_i with the weights scaled to sum 1, so that the sum weighs against the total variation as one guidance does. One guidance of any weight is itself.
 * Throws for no guidance, for numbers that differ, and for a weight that is not positive.
 */
export function weightedSum(guidances: readonly Guidance[], weights: readonly number[] = guidances.map(() => 1)): Guidance {
  if (guidances.length === 0) throw new Error('weightedSum: no guidance; give at least one')
  if (guidances.length !== weights.length)
    throw new Error(`weightedSum: ${guidances.length} guidances, ${weights.length} weights; give one weight each`)
  for (const [i, weight] of weights.entries())
    if (!(Number.isFinite(weight) && weight > 0)) throw new Error(`weightedSum: weight ${weight} of ${guidances[i].name}; give a positive number`)
  if (guidances.length === 1) return guidances[0]
  const total = weights.reduce((a, b) => a + b)
  const starts = guidances.map((_, i) => guidances.slice(0, i).reduce((sum, { featureSize }) => sum + featureSize, 0))
  return {
    name: guidances.map(({ name }, i) => `${name} x ${weights[i]}`).join(' + '),
    featureSize: guidances.reduce((sum, { featureSize }) => sum + featureSize, 0),
    describe: (pictures, views, surface) => concat(guidances.map(guidance => guidance.describe(pictures, views, surface))),
    loss: (pictures, reference) =>
      guidances
        .map((guidance, i) => {
          const own = sliceColumns(reference, starts[i], starts[i] + guidance.featureSize)
          return affine(guidance.loss(pictures, own), weights[i] / total)
        })
        .reduce(add),
    prepare: (step, seed) => {
      for (const guidance of guidances) guidance.prepare?.(step, seed)
    },
  }
}

/** A sentence and how much it counts. */
export interface WeightedSentence {
  readonly text: string
  readonly weight: number
}

/**
 * 'a surprised face:1 + closed eyes:0.5' -> its sentences with their weights, 1 where none is given. A plus sign between spaces divides, a colon before a number at the
 * end of a part weighs; any other text is one sentence. Throws for an empty sentence and a weight that is not positive.
 */
export function weightedSentences(text: string): WeightedSentence[] {
  return text.split(/\s+\+\s+/).map(part => {
    const [, sentence, number] = /^(.*?)\s*:\s*([-+.\d][-+.\deE]*)\s*$/.exec(part) ?? [undefined, part, '1']
    const weight = Number(number)
    if (sentence.trim() === '')
      throw new Error(
        `prompt: the text is empty in "${text}"; write what the face should look like, e.g. "a surprised face" or "a smile:1 + closed eyes:0.5"`,
      )
    if (!(Number.isFinite(weight) && weight > 0))
      throw new Error(`prompt: weight ${number} of "${sentence}"; give a positive number, such as closed eyes:0.5`)
    return { text: sentence.trim(), weight }
  })
}
