/** Networks that judge faces for the evaluation, independent of the encoder that steers edits: which expression, and whose face. */
import type { Picture } from '../io/sheet.ts'

/** A classifier of expressions with an identity network; `openFaceJudge` is the default one, any other can stand in. */
export interface FaceJudge {
  /** For the report. */
  readonly name: string
  /** Its classes, in the order of `scores`, e.g. 'happy'. */
  readonly expressions: readonly string[]
  /** A score per class, larger for surer; undefined where it finds no face. */
  scores(picture: Picture): Promise<readonly number[] | undefined>
  /** Features of who it is, compared by their cosine; undefined where it finds no face. */
  identity(picture: Picture): Promise<ArrayLike<number> | undefined>
}

/** What a judge says of a picture. */
export interface FaceVerdict {
  readonly scores: readonly number[]
  readonly identity: ArrayLike<number>
}

/** Both answers; undefined where it finds no face. */
export async function judgeFace(judge: FaceJudge, picture: Picture): Promise<FaceVerdict | undefined> {
  const scores = await judge.scores(picture)
  const identity = scores && (await judge.identity(picture))
  return identity && { scores, identity }
}

/** The five expressions of the paper's R-precision (§5), and the sentences for them. */
export const PAPER_EXPRESSIONS = ['happy', 'surprised', 'fearful', 'angry', 'sad'] as const
export const paperSentence = (expression: string): string => `${/^[aeiou]/.test(expression) ? 'an' : 'a'} ${expression} face`

/** The one of a judge's expressions that a sentence names, e.g. 'a surprised face' -> 'surprised'; undefined where it names none or several. */
export function namedExpression({ expressions }: Pick<FaceJudge, 'expressions'>, sentence: string): string | undefined {
  const words = sentence.toLowerCase().split(/[^a-z]+/)
  const named = expressions.filter(expression => words.includes(expression.toLowerCase()))
  return named.length === 1 ? named[0] : undefined
}
