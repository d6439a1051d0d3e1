import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import {
  type BenchmarkHeader,
  type BenchmarkPlan,
  type BenchmarkPrompt,
  type BenchmarkRow,
  benchmark,
  benchmarkMarkdown,
  benchmarkPage,
  benchmarkPrompts,
  benchmarkTables,
  type Capture,
  type Device,
  EDIT_METHODS,
  type EditMethodName,
  editMethod,
  evaluationViews,
  FACE_JUDGE_REMEDY,
  folder,
  type JudgedCapture,
  loadCapture,
  loadGroundTruth,
  PRESETS,
  type PresetName,
  type RowStore,
  reachableExpressions,
  rowKeys,
  type SheetRow,
  type TrueEdit,
  USUAL_PROMPTS,
  writeAtomic,
} from 'faceclipnerf'
import { keepSettings, rowFiles } from './benchmarkFiles.ts'
import { sceneAnchors, trainedScene } from './benchmarkScene.ts'
import { type InstrumentChoice, type OpenInstruments, openInstruments, withInstruments } from './instruments.ts'
import { count, type DeviceChoice, several, withDevice } from './options.ts'
import { createReporter, type Reporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { openChosen, readJson, requireFolder, writeJson } from './work.ts'

interface BenchmarkOptions extends DeviceChoice, InstrumentChoice {
  readonly output: string
  readonly methods: readonly string[]
  readonly prompts: readonly string[]
  readonly steps?: number
  readonly trainSteps?: number
  readonly preset?: PresetName
  readonly seeds: number
  readonly views: number
  readonly downscale?: number
  readonly reference?: string
  readonly anchors?: number
  readonly lipschitz: 'with' | 'without' | 'both'
}

export function benchmarkCommand(terminal: Terminal): Command {
  const command = new Command('benchmark')
    .description('train, then every method on every sentence, then tables; run it again to go on where it stopped')
    .argument('<captures...>', 'captures; with true edits (edits/edits.json) results are compared with them')
    .option('-o, --output <folder>', 'where everything goes', 'out/benchmark')
    .addOption(
      new Option('--methods <names...>', `what to compare: ${Object.keys(EDIT_METHODS).join(', ')}`).default(Object.keys(EDIT_METHODS), 'all'),
    )
    .addOption(
      new Option(
        '--prompts <names...>',
        "true edits by id or reach (mix, partial, outside), the paper's expressions (happy …), or sentences",
      ).default([...USUAL_PROMPTS], USUAL_PROMPTS.join(' ')),
    )
    .option('--steps <n>', 'steps of each edit, the same for all methods', count)
    .option('--seeds <n>', 'repeat every edit with so many seeds', count, 1)
    .option('--views <n>', 'novel views that networks judge; the paper has 200', count, 40)
    .addOption(new Option('--preset <name>', 'sizes and recipe (default: tiny on the CPU, fast on a GPU)').choices(Object.keys(PRESETS)))
    .option('--train-steps <n>', "training steps (default: the preset's)", count)
    .addOption(
      new Option('--lipschitz <which>', 'scenes with Lipschitz layers, without, or one of each').choices(['with', 'without', 'both']).default('with'),
    )
    .option('--downscale <n>', 'use the pictures in rgb/{n}x (default: the largest there are)', count)
    .option('--anchors <k>', 'number of anchors (default: found by clustering)', several)
    .option('--reference <frame>', 'frame whose face is the neutral one (default: that of the true edits, else of the most frequent expression)')
  return withDevice(withInstruments(command)).action((captures: string[], options: BenchmarkOptions) => benchmarkVerb(captures, options, terminal))
}

/** A scene with its finished rows. */
interface Finished {
  readonly name: string
  readonly rows: readonly BenchmarkRow[]
  readonly truth?: readonly TrueEdit[] | undefined
  readonly judged?: JudgedCapture | undefined
  readonly facts: string
}

async function benchmarkVerb(captures: readonly string[], options: BenchmarkOptions, terminal: Terminal): Promise<void> {
  const { output, steps, seeds } = options
  for (const name of options.methods) editMethod(name)
  const methods = [...new Set(options.methods)] as EditMethodName[]
  const reporter = createReporter(terminal, options)
  await requireFolder(output)
  const opened = await openCaptures(captures, options)
  using device = await openChosen(options, reporter)
  const instruments = await openInstruments(device, options)
  const preset = options.preset ?? (device.kind === 'gpu' ? 'fast' : 'tiny')
  const { views, trainSteps, downscale, reference, anchors } = options
  const networks = { encoder: instruments.encoder.name, judge: instruments.judge?.name, lpips: instruments.lpips?.name }
  await keepSettings(output, { preset, trainSteps, steps, views, downscale, reference, anchors, ...networks })
  const finished: Finished[] = []
  for (const { capture, truth, prompts } of opened) {
    const plan: BenchmarkPlan = { methods, prompts, seeds: Array.from({ length: seeds }, (_, seed) => seed), steps }
    for (const lipschitz of options.lipschitz === 'both' ? [true, false] : [options.lipschitz === 'with'])
      finished.push(await runScene(device, capture, truth, plan, { ...options, preset, lipschitz }, instruments, reporter, terminal))
  }
  const lines = [
    `${preset}, ${trainSteps ?? PRESETS[preset].training.steps} training steps; ${steps ?? 'the usual'} steps an edit; ${views} novel views; ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}; ${device.description}`,
    ...finished.map(({ facts }) => facts),
    `encoder ${networks.encoder}, which also steers the edits; judge of faces: ${networks.judge ?? 'none'}; ${networks.lpips ?? 'no LPIPS'}`,
  ]
  const header: BenchmarkHeader = { title: 'Benchmark', facts: lines, missing: missing(options, instruments, finished) }
  await writeReport(output, header, finished, reporter)
}

interface Opened {
  readonly capture: Capture
  readonly truth?: readonly TrueEdit[] | undefined
  readonly prompts: readonly BenchmarkPrompt[]
}

/** Reads the captures and what is asked of each: a mistake is told before anything is trained. */
async function openCaptures(paths: readonly string[], { downscale, prompts }: BenchmarkOptions): Promise<Opened[]> {
  const opened: Opened[] = []
  for (const path of paths) {
    const source = await folder(path)
    const capture = await loadCapture(source, { downscale })
    if (opened.some(other => other.capture.name === capture.name))
      throw new Error(`benchmark: two captures called ${capture.name}; rename a folder, rows are kept by name`)
    const truth = (await source.exists('edits/edits.json')) ? await loadGroundTruth(source, capture) : undefined
    opened.push({ capture, truth, prompts: benchmarkPrompts(prompts, truth) })
  }
  return opened
}

type SceneOptions = Omit<BenchmarkOptions, 'lipschitz'> & { readonly preset: PresetName; readonly lipschitz: boolean }

/** Trains where needed, computes the rows that are missing, and gives all of them. */
async function runScene(
  device: Device,
  capture: Capture,
  truth: readonly TrueEdit[] | undefined,
  plan: BenchmarkPlan,
  options: SceneOptions,
  instruments: OpenInstruments,
  reporter: Reporter,
  { signal }: Terminal,
): Promise<Finished> {
  const name = options.lipschitz ? capture.name : `${capture.name} without Lipschitz`
  const path = join(options.output, 'scenes', `${capture.name}${options.lipschitz ? '' : '.plain'}.scene`)
  const scene = await trainedScene(device, capture, path, options, reporter, signal)
  const reference = options.reference ?? truth?.[0].pose
  const anchors = await sceneAnchors(scene, path, instruments.encoder, { reference, anchors: options.anchors }, signal)
  const { judge } = instruments
  const judged = judge && (await judgedCapture(join(options.output, 'scenes', `${capture.name}.expressions.json`), capture, judge, signal))
  const measured = instruments.of(scene)
  const views = evaluationViews(scene, options.views, truth)
  const rows: BenchmarkRow[] = []
  for await (const step of benchmark({ name, scene, anchors, views, truth }, plan, measured, rowFiles(options.output), { signal })) {
    if (step.kind === 'edit') {
      const { key, report } = step
      reporter.step(`${key.method} "${key.prompt}"`, report, [`loss ${report.loss.toFixed(4)}`])
      continue
    }
    const { row, fresh, step: done, steps, eta } = step
    rows.push(row)
    if (fresh) reporter.result('row', { ...row, row: done, rows: steps, eta }, `${done} of ${steps}  ${rowLine(row)}`)
  }
  measured.reader[Symbol.dispose]()
  const all = rowKeys(name, plan).length
  scene.release()
  if (rows.length < all) throw new Interrupted(`${rows.length} of ${all} rows of ${name} are in ${options.output}; run the benchmark again to go on`)
  return { name, rows, truth, judged, facts: `${name}: ${scene.step} steps, anchors ${anchors.frames.join(', ')} (neutral first)` }
}

function rowLine({ method, prompt, seed, seconds, measures: { truth, clip } }: BenchmarkRow): string {
  const face = truth?.psnr.face
  const gained = face ? `  ${face.edited.toFixed(2)} dB (${(face.edited - face.unedited).toFixed(2)} over no edit)` : ''
  return `${method}, "${prompt}", seed ${seed}: ${seconds.toFixed(1)} s${clip ? `  CLIP ${clip.directional.toFixed(3)}` : ''}${gained}`
}

/** Which expressions the capture shows, noted beside its scene. */
async function judgedCapture(
  path: string,
  capture: Capture,
  judge: NonNullable<OpenInstruments['judge']>,
  signal: AbortSignal,
): Promise<JudgedCapture> {
  if (existsSync(path)) return (await readJson(path, 'delete it')) as JudgedCapture
  const judged = { reachable: await reachableExpressions(judge, capture.frames, { signal }), classes: judge.expressions }
  await writeJson(path, judged)
  return judged
}

function missing({ judge: wanted }: BenchmarkOptions, { judge, lpips, encoder }: OpenInstruments, finished: readonly Finished[]): string[] {
  const lines: string[] = []
  if (!judge) lines.push(`R-precision, identity: no judge of faces; ${wanted ? FACE_JUDGE_REMEDY : 'leave out --no-judge'}`)
  if (!lpips) lines.push('LPIPS: no weights; give them with --lpips (safetensors)')
  for (const { name, truth } of finished)
    if (!truth) lines.push(`PSNR, SSIM, expression error, change by region of ${name}: its capture has no true edits (edits/edits.json)`)
  if (!encoder.expressionHead) lines.push(`expression error: the encoder ${encoder.name} has no expression head`)
  const looks = finished.flatMap(({ rows }) => rows.flatMap(({ measures }) => measures.judge ?? []))
  if (judge && looks.length > 0 && looks.every(({ found }) => found.edited === 0))
    lines.push('identity: the judge found no face; larger pictures help')
  return lines
}

async function writeReport(output: string, header: BenchmarkHeader, finished: readonly Finished[], reporter: Reporter): Promise<void> {
  const rows = finished.flatMap(scene => scene.rows)
  const tables = benchmarkTables(rows, new Map(finished.flatMap(({ name, judged }) => (judged ? [[name, judged] as const] : []))))
  const store = rowFiles(output)
  const sheet: SheetRow[] = []
  for (const scene of finished) sheet.push(...(await sheetOf(scene, store, finished.length > 1)))
  const text = benchmarkMarkdown(header, tables)
  const file = (name: string): string => join(output, name)
  const bytes = (of: string): Uint8Array => new TextEncoder().encode(of)
  await writeJson(file('benchmark.json'), { ...header, tables, rows })
  await writeAtomic(file('benchmark.md'), bytes(text))
  await writeAtomic(file('index.html'), bytes(await benchmarkPage(header, tables, sheet)))
  const paths = ['index.html', 'benchmark.md', 'benchmark.json'].map(file)
  reporter.result('benchmark', { paths: paths.map(path => resolve(path)), tables }, `${text}\nwrote ${paths.join(', ')}`)
}

/** Two views of every sentence, by the first seed of each method. */
async function sheetOf({ name, rows, truth }: Finished, store: RowStore, several: boolean): Promise<SheetRow[]> {
  const sheet: SheetRow[] = []
  for (const prompt of new Set(rows.map(row => row.prompt))) {
    const own = rows.filter(row => row.prompt === prompt && row.seed === rows[0].seed)
    const pictures = await Promise.all(own.map(row => store.pictures(row)))
    const goal = truth?.find(({ text }) => text === prompt)
    for (const view of new Set([0, pictures[0].length - 1])) {
      const { width, height } = pictures[0][view]
      sheet.push({
        label: several ? `${name}: ${prompt}` : prompt,
        truth: goal && { width, height, rgb: goal.views[view].image },
        methods: own.map((row, i) => ({ row, picture: pictures[i][view] })),
      })
    }
  }
  return sheet
}
