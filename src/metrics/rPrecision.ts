/**
 * R-precision of edits by sentences, as the paper measures it (§5): all pictures in one pool; for each sentence those are retrieved that a classifier gives the
 * highest scores of its expression, as many as were edited by the sentence; the precision is the share of them that were. 1/K of K sentences by chance.
 */

/** A picture in the pool: which of the sentences it was edited by, and its score for each of them. */
export interface RetrievedPicture {
  readonly sentence: number
  readonly scores: readonly number[]
}

export interface RPrecision {
  /** Mean over the sentences. */
  readonly mean: number
  readonly perSentence: readonly number[]
}

/**
 * Equal scores share the places they compete for, so that the order of the pool does not matter. A picture that the classifier cannot read has −Infinity
 * for scores: it comes last. Throws for fewer than two sentences, a sentence without pictures, and scores of another number than sentences.
 */
export function rPrecision(pool: readonly RetrievedPicture[], sentences: number): RPrecision {
  if (sentences < 2) throw new Error(`R-precision: ${sentences} sentence; give pictures of at least two`)
  const odd = pool.find(({ scores }) => scores.length !== sentences)
  if (odd) throw new Error(`R-precision: a picture with ${odd.scores.length} scores for ${sentences} sentences; give one score per sentence`)
  const perSentence = Array.from({ length: sentences }, (_, k) => precisionOf(pool, k))
  return { mean: perSentence.reduce((a, b) => a + b, 0) / sentences, perSentence }
}

function precisionOf(pool: readonly RetrievedPicture[], k: number): number {
  const wanted = pool.filter(({ sentence }) => sentence === k).length
  if (wanted === 0) throw new Error(`R-precision: no picture of sentence ${k}; give some of each`)
  const ranked = [...pool].sort((a, b) => (a.scores[k] === b.scores[k] ? 0 : b.scores[k] - a.scores[k]))
  const last = ranked[wanted - 1].scores[k]
  const share = (some: readonly RetrievedPicture[]): number => some.filter(({ sentence }) => sentence === k).length
  const above = ranked.filter(({ scores }) => scores[k] > last)
  const tied = ranked.filter(({ scores }) => scores[k] === last)
  return (share(above) + (share(tied) * (wanted - above.length)) / tied.length) / wanted
}
