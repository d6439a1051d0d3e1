/** A benchmark as a page: its tables, and the sheet of all sentences by all methods. */
import { EDIT_METHODS, type EditMethod } from '../edit/methods.ts'
import type { Picture } from '../io/sheet.ts'
import { escapeXml } from '../io/syntheticMedia.ts'
import type { BenchmarkRow } from './benchmark.ts'
import { markdownTable, type ReportTable } from './benchmarkTables.ts'
import { pictureAddress, section, table } from './html.ts'
import { reportPage } from './reportStyle.ts'

/** Everything about a benchmark that is said once. */
export interface BenchmarkHeader {
  readonly title: string
  /** Settings and networks, one line each. */
  readonly facts: readonly string[]
  /** Metrics that could not be computed, with the reason. */
  readonly missing: readonly string[]
}

/** Pictures of one sentence in one view (further views of it follow, without a heading of their own): what it should look like where that is known, then each method. */
export interface SheetRow {
  readonly label: string
  readonly truth?: Picture | undefined
  readonly methods: readonly { readonly row: BenchmarkRow; readonly picture: Picture }[]
}

/** The tables as Markdown. */
export function benchmarkMarkdown({ title, facts, missing }: BenchmarkHeader, tables: readonly ReportTable[]): string {
  const left = missing.length > 0 ? `\n## Not measured\n\n${missing.map(line => `- ${line}`).join('\n')}\n` : ''
  return `# ${title}\n\n${facts.map(line => `- ${line}`).join('\n')}\n\n${tables.map(markdownTable).join('\n')}${left}`
}

/** The page; the pictures are inside it. */
export async function benchmarkPage(
  { title, facts, missing }: BenchmarkHeader,
  tables: readonly ReportTable[],
  sheet: readonly SheetRow[],
): Promise<string> {
  const list = (items: readonly string[]): string => `<ul class="missing">${items.map(item => `<li>${escapeXml(item)}</li>`).join('')}</ul>`
  const heads = (row: SheetRow, i: number): boolean => row.label !== sheet[i - 1]?.label
  const parts = [`<h1>${escapeXml(title)}</h1>`, list(facts)]
  for (const { title: name, headings, rows, note } of tables)
    parts.push(
      section(
        name,
        `${table(
          headings.map(escapeXml),
          rows.map(row => row.map(escapeXml)),
        )}<p class="quiet">${escapeXml(note)}</p>`,
      ),
    )
  if (missing.length > 0) parts.push(section('Not measured', list(missing)))
  if (sheet.length > 0) parts.push(section('All sentences', (await Promise.all(sheet.map((row, i) => sheetRow(row, heads(row, i))))).join('')))
  return reportPage(escapeXml(title), parts.join('\n'))
}

async function sheetRow({ label, truth, methods }: SheetRow, headed: boolean): Promise<string> {
  const figure = async (picture: Picture, caption: string): Promise<string> =>
    `<figure><img loading="lazy" alt="${escapeXml(`${label}, ${caption}`)}" src="${await pictureAddress(picture, 82)}"><figcaption>${escapeXml(caption)}</figcaption></figure>`
  const cells = truth ? [await figure(truth, 'truth')] : []
  for (const { row, picture } of methods) {
    const face = row.measures.truth?.psnr.face
    const name = (EDIT_METHODS[row.method] as EditMethod).name
    cells.push(await figure(picture, face ? `${name}, ${face.edited.toFixed(1)} dB` : name))
  }
  return `${headed ? `<h3>${escapeXml(label)}</h3>` : ''}<div class="wide"><div class="grid" style="--columns:${Math.max(5, cells.length)};min-width:${92 * cells.length}px">${cells.join('')}</div></div>`
}
