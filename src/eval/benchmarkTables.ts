/** Tables of a benchmark's rows: the paper's, the one against true edits, each sentence, each method's repeatability. */
import { EDIT_METHODS, type EditMethod, type EditMethodName } from '../edit/methods.ts'
import type { BenchmarkRow } from './benchmark.ts'
import { PAPER_EXPRESSIONS } from './faceJudge.ts'
import { mean, meanOfKnown } from './means.ts'
import { perMille } from './reportCells.ts'
import { retrieve } from './retrieval.ts'
import type { Pair } from './truthMeasures.ts'

/** A table of text: the first column names the row. */
export interface ReportTable {
  readonly title: string
  readonly headings: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** What one must know to read it. */
  readonly note: string
}

/** What the judge says of the capture that a scene's rows are of. */
export interface JudgedCapture {
  /** Expressions that its frames show. */
  readonly reachable: readonly string[]
  /** The judge's classes. */
  readonly classes: readonly string[]
}

/** One code into T and H: what the paper compares with first, and the tables by prompt. */
const RIVAL: EditMethodName = 'hypernerf+i'

/** All tables that the rows allow; those without a single number are left out. */
export function benchmarkTables(rows: readonly BenchmarkRow[], judged: ReadonlyMap<string, JudgedCapture> = new Map()): ReportTable[] {
  const scenes = [...new Set(rows.map(row => row.scene))]
  return scenes.flatMap(scene => {
    const own = rows.filter(row => row.scene === scene)
    const title = (name: string): string => (scenes.length > 1 ? `${scene}: ${name}` : name)
    const tables = [paperTable(own, judged.get(scene)), truthTable(own), promptTable(own), repeatTable(own)]
    return tables.flatMap(table => (table ? [{ ...withoutEmptyColumns(table), title: title(table.title) }] : []))
  })
}

const methodsOf = (rows: readonly BenchmarkRow[]): EditMethodName[] => [...new Set(rows.map(row => row.method))]
const nameOf = (method: EditMethodName): string => (EDIT_METHODS[method] as EditMethod).name
const text = (value: number | undefined, digits: number): string => (value === undefined ? '–' : value.toFixed(digits))
const signed = (value: number | undefined, digits: number): string =>
  value === undefined ? '–' : `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(digits)}`
const gainOf = (pair: Pair | undefined): number | undefined => pair && pair.edited - pair.unedited

/** A column in which no row has a number says nothing: what is missing, and why, is told apart. */
function withoutEmptyColumns({ headings, rows, ...rest }: ReportTable): ReportTable {
  const kept = headings.map((_, column) => column === 0 || rows.some(row => row[column] !== '–'))
  const keep = (cells: readonly string[]): string[] => cells.filter((_, column) => kept[column])
  return { headings: keep(headings), rows: rows.map(keep), ...rest }
}

/** The paper's table: R-precision over the expressions that the captures show and over all five, identity, LPIPS. */
function paperTable(rows: readonly BenchmarkRow[], { reachable, classes }: JudgedCapture = { reachable: [], classes: [] }): ReportTable | undefined {
  const asked = rows.filter(row => row.expression !== undefined)
  if (asked.length === 0) return undefined
  const shown = PAPER_EXPRESSIONS.filter(name => reachable.includes(name))
  const precision = (of: readonly BenchmarkRow[], among: readonly string[]): string => {
    const judged = of.flatMap(({ expression, measures: { judge } }) =>
      expression !== undefined && judge && among.includes(expression) ? [{ expression, scores: judge.scores }] : [],
    )
    const found = retrieve(judged, classes)
    return found && found.expressions.length === among.length ? text(found.mean, 3) : '–'
  }
  const body = methodsOf(asked).map(method => {
    const own = asked.filter(row => row.method === method)
    const judged = own.flatMap(({ measures }) => measures.judge ?? [])
    const found = judged.reduce((sum, { found: { edited } }) => sum + edited, 0)
    const views = judged.reduce((sum, judge) => sum + judge.views, 0)
    return [
      nameOf(method),
      shown.length > 1 ? precision(own, shown) : '–',
      precision(own, PAPER_EXPRESSIONS),
      text(meanOfKnown(judged.map(judge => judge.faceSimilarity)), 3),
      text(meanOfKnown(own.map(({ measures }) => measures.lpips)), 4),
      text(meanOfKnown(own.map(({ measures }) => measures.clip?.directional)), 3),
      views > 0 ? `${found} of ${views}` : '–',
    ]
  })
  const chance = shown.length > 1 ? ` (chance ${(1 / shown.length).toFixed(2)})` : ''
  const reach = classes.length > 0 ? ` Reachable, by what the judge sees in the capture's own frames: ${shown.join(', ') || 'none'}${chance}.` : ''
  return {
    title: "The paper's table",
    headings: ['method', 'R-precision, reachable', 'R-precision, all five', 'identity (CFS)', 'LPIPS to no edit', 'CLIP directional', 'faces found'],
    rows: body,
    note: `Sentences: a ${PAPER_EXPRESSIONS.join(' / ')} face (chance 0.20).${reach} LPIPS rewards not editing: read it beside the row of no edit.`,
  }
}

/** Means over the sentences that have true edits within reach of mixing. */
function truthTable(rows: readonly BenchmarkRow[]): ReportTable | undefined {
  const scored = rows.filter(({ measures }) => measures.truth?.reach === 'mix')
  if (scored.length === 0) return undefined
  const gains = (method: EditMethodName, prompt: string): number | undefined =>
    meanOfKnown(scored.filter(row => row.method === method && row.prompt === prompt).map(({ measures }) => gainOf(measures.truth?.psnr.face)))
  const prompts = [...new Set(scored.map(row => row.prompt))]
  const body = methodsOf(scored).map(method => {
    const own = scored.filter(row => row.method === method)
    const each = prompts.flatMap(prompt => {
      const [ours, rival] = [gains(method, prompt), gains(RIVAL, prompt)]
      return ours !== undefined && rival !== undefined ? [ours > rival] : []
    })
    const ahead = each.length > 0 && method !== RIVAL ? `${each.filter(Boolean).length} of ${each.length}` : '–'
    const of = (value: (row: BenchmarkRow) => number | undefined): number | undefined => meanOfKnown(own.map(value))
    const known = prompts.flatMap(prompt => gains(method, prompt) ?? [])
    const errors = (which: keyof Pair): number | undefined => of(({ measures }) => measures.truth?.coefficients?.[which])
    const [edited, unedited] = [errors('edited'), errors('unedited')]
    return [
      nameOf(method),
      signed(
        of(({ measures }) => gainOf(measures.truth?.psnr.face)),
        2,
      ),
      signed(known.length > 0 ? Math.min(...known) : undefined, 2),
      ahead,
      ...(['eyes', 'brows', 'mouth'] as const).map(region =>
        signed(
          of(({ measures }) => gainOf(measures.truth?.psnr[region])),
          2,
        ),
      ),
      signed(
        of(({ measures }) => gainOf(measures.truth?.ssim)),
        4,
      ),
      edited !== undefined && unedited !== undefined ? text(edited / unedited, 2) : '–',
      text(
        of(({ measures }) => measures.change?.face.ratio),
        3,
      ),
      text(
        of(({ measures }) => perMille(measures.consistency?.edited)),
        1,
      ),
      text(
        of(({ seconds }) => seconds),
        1,
      ),
    ]
  })
  return {
    title: 'Against the true edits',
    headings: [
      'method',
      'PSNR in the face over no edit, dB',
      'least of a sentence, dB',
      'sentences ahead of HyperNeRF+I',
      'eyes, dB',
      'brows, dB',
      'mouth, dB',
      'SSIM over no edit',
      'expression error ÷ no edit',
      'change outside ÷ inside the face',
      'inconsistency between views, ‰',
      'seconds',
    ],
    rows: body,
    note: `Means over sentences (${prompts.length}) whose true edit mixing can reach, all seeds, held-out views.`,
  }
}

/** PSNR gain of every method on every sentence that has a true edit. */
function promptTable(rows: readonly BenchmarkRow[]): ReportTable | undefined {
  const scored = rows.filter(({ measures }) => measures.truth)
  if (scored.length === 0) return undefined
  const methods = methodsOf(scored).filter(method => method !== 'no-edit')
  const prompts = [...new Map(scored.map(row => [row.prompt, row.measures.truth])).entries()]
  const body = prompts.map(([prompt, truth]) => {
    const own = scored.filter(row => row.prompt === prompt)
    const cells = methods.map(method => {
      const of = own.filter(row => row.method === method)
      return signed(meanOfKnown(of.map(({ measures }) => gainOf(measures.truth?.psnr.face))), 2)
    })
    return [prompt, truth?.reach ?? '–', text(meanOfKnown(own.map(({ measures }) => measures.truth?.psnr.face.unedited)), 2), ...cells]
  })
  return {
    title: 'Sentence by sentence',
    headings: ['sentence', 'reach', 'no edit, dB', ...methods.map(method => `${nameOf(method)}, dB over no edit`)],
    rows: body,
    note: 'PSNR in the face against the true edit, mean over held-out views and seeds.',
  }
}

/** How like each other results of different seeds are. */
function repeatTable(rows: readonly BenchmarkRow[]): ReportTable | undefined {
  const repeated = rows.filter(row => row.repeat)
  if (repeated.length === 0) return undefined
  const body = methodsOf(repeated).map(method => {
    const own = repeated.filter(row => row.method === method).flatMap(row => row.repeat?.psnr ?? [])
    return [nameOf(method), text(mean(own), 2), text(Math.min(...own), 2), String(own.length)]
  })
  return {
    title: 'The same sentence with other seeds',
    headings: ['method', 'PSNR between results, dB', 'least', 'pairs'],
    rows: body,
    note: "Each seed's result against the first seed's, in the face (the whole picture where a capture has no true edits), mean over the shown views.",
  }
}

/** A table as Markdown. */
export function markdownTable({ title, headings, rows, note }: ReportTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = `|${headings.map((_, i) => (i === 0 ? '---' : '--:')).join('|')}|`
  return `## ${title}\n\n${[line(headings), rule, ...rows.map(line)].join('\n')}\n\n${note}\n`
}
