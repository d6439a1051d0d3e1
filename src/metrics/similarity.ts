/** Similarity of feature vectors: of faces' identities, of a picture and words, of a change in pictures and a change in words. */

/** Cosine of the angle between two vectors. Throws when their lengths differ or one is zero. */
export function cosineSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length || a.length === 0)
    throw new Error(`cosine similarity: vectors of ${a.length} and ${b.length} numbers; compare features of one network`)
  let [dot, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i]
    aa += a[i] * a[i]
    bb += b[i] * b[i]
  }
  if (!(aa > 0 && bb > 0)) throw new Error('cosine similarity: a vector is zero or not finite, which has no direction')
  return dot / Math.sqrt(aa * bb)
}

/**
 * How well a picture changes as the words do (StyleGAN-NADA, Gal et al. 2022, Eq. 2): cosine of E(after) − E(before) and the change of the words, all of one
 * encoder. 0 where the picture did not change: nothing went the words' way.
 */
export function directionalSimilarity(before: ArrayLike<number>, after: ArrayLike<number>, words: ArrayLike<number>): number {
  const change = Float64Array.from(after, (value, i) => value - before[i])
  return change.every(value => value === 0) ? 0 : cosineSimilarity(change, words)
}
