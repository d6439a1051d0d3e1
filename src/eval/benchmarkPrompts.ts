/** The sentences of a benchmark: the true edits of a capture, the paper's five expressions, and one's own. */
import { namedExpression, PAPER_EXPRESSIONS, paperSentence } from './faceJudge.ts'
import { NEUTRAL_EDIT, type TrueEdit } from './groundTruth.ts'

export interface BenchmarkPrompt {
  readonly text: string
  /** The expression it stands for in R-precision: only of the paper's five sentences, so that each is asked once. */
  readonly expression?: string | undefined
}

/** What a benchmark asks for unless told otherwise: the true edits that mixing can reach, and the paper's five. */
export const USUAL_PROMPTS: readonly string[] = ['mix', ...PAPER_EXPRESSIONS]

/**
 * Sentences of names: a true edit's id, a reach ('mix', 'partial', 'outside'), one of the paper's expressions ('happy'), or a sentence. Each once, in order. Reaches of
 * a capture without true edits give none. Throws for an empty name, and when nothing is left.
 */
export function benchmarkPrompts(names: readonly string[], truth: readonly TrueEdit[] = []): BenchmarkPrompt[] {
  const edits = truth.filter(({ id }) => id !== NEUTRAL_EDIT)
  const found = new Map<string, BenchmarkPrompt>()
  for (const name of names.map(each => each.trim())) {
    if (name === '') throw new Error('benchmark: an empty sentence; name true edits, expressions or sentences')
    for (const prompt of promptsOf(name, edits)) found.set(prompt.text, found.get(prompt.text) ?? prompt)
  }
  if (found.size === 0) throw new Error(`benchmark: ${names.join(', ')} of a capture without true edits; name expressions or sentences`)
  return [...found.values()]
}

const REACHES = ['mix', 'partial', 'outside']

function promptsOf(name: string, edits: readonly TrueEdit[]): BenchmarkPrompt[] {
  if (REACHES.includes(name)) return edits.filter(({ reach }) => reach === name).map(({ text }) => ({ text }))
  if ((PAPER_EXPRESSIONS as readonly string[]).includes(name)) return [{ text: paperSentence(name), expression: name }]
  const edit = edits.find(({ id }) => id === name)
  if (edit) return [{ text: edit.text }]
  // a word that looks like an id is a mistyped one: a sentence has several words
  if (/^[a-z]+(-[a-z]+)+$/.test(name))
    throw new Error(`benchmark: no true edit "${name}"; there are ${edits.map(({ id }) => id).join(', ') || 'none'}`)
  const expression = namedExpression({ expressions: PAPER_EXPRESSIONS }, name)
  return [{ text: name, expression: expression && paperSentence(expression) === name ? expression : undefined }]
}
