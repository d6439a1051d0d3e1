/** R-precision of judged pictures: from the scores of every view to one pool. */
import { rPrecision } from '../metrics/rPrecision.ts'

/** The judge's scores of one edit's views; null where it found no face. */
export interface JudgedEdit {
  /** The expression that its sentence names. */
  readonly expression: string
  readonly scores: readonly (readonly number[] | null)[]
}

export interface Retrieval {
  readonly expressions: readonly string[]
  readonly mean: number
  /** In the order of `expressions`. */
  readonly each: readonly number[]
  /** What no edit at all would get: 1 ÷ expressions. */
  readonly chance: number
  /** Pictures in the pool, and in how many of them a face was found. */
  readonly pictures: number
  readonly found: number
}

/** Pools the edits' pictures. A picture without a face is retrieved last. Undefined for fewer than two expressions. */
export function retrieve(edits: readonly JudgedEdit[], classes: readonly string[]): Retrieval | undefined {
  const expressions = [...new Set(edits.map(({ expression }) => expression))].sort()
  if (expressions.length < 2) return undefined
  const columns = expressions.map(expression => classes.indexOf(expression))
  const missing = expressions.find((_, k) => columns[k] < 0)
  if (missing) throw new Error(`R-precision: the judge has no class "${missing}"; it has ${classes.join(', ')}`)
  const pool = edits.flatMap(({ expression, scores }) =>
    scores.map(all => ({
      sentence: expressions.indexOf(expression),
      scores: columns.map(column => (all ? all[column] : Number.NEGATIVE_INFINITY)),
    })),
  )
  const { mean, perSentence } = rPrecision(pool, expressions.length)
  const found = edits.reduce((sum, { scores }) => sum + scores.filter(all => all !== null).length, 0)
  return { expressions, mean, each: perSentence, chance: 1 / expressions.length, pictures: pool.length, found }
}
