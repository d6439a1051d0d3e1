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

/** Cosine between two changes: of pictures, of sentences. 0 where one of them is none, which goes nobody's way. Throws when their lengths differ. */
export function changeSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const none = (change: ArrayLike<number>): boolean => Array.from(change).every(value => value === 0)
  return a.length === b.length && (none(a) || none(b)) ? 0 : cosineSimilarity(a, b)
}

/** How well a picture changes as the words do (StyleGAN-NADA, Gal et al. 2022, Eq. 2): of E(after) − E(before) and the change of the words, all of one encoder. */
export function directionalSimilarity(before: ArrayLike<number>, after: ArrayLike<number>, words: ArrayLike<number>): number {
  return changeSimilarity(
    Float64Array.from(after, (value, i) => value - before[i]),
    words,
  )
}
