/**
 * The benchmark: every method on every sentence with every seed, one row at a time, on one trained scene. A row that is there already is not computed again. Edits see
 * the scene, the encoder and the sentence; the true edits of a capture are read by the scoring alone.
 */
import type { AnchorCodes } from '../edit/anchors.ts'
import type { EditStep } from '../edit/edit.ts'
import { editViews } from '../edit/editViews.ts'
import { textGuidance } from '../edit/guidance.ts'
import { type EditMethodName, editMethod } from '../edit/methods.ts'
import type { Picture } from '../io/sheet.ts'
import { psnr } from '../metrics/psnr.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import type { BenchmarkPrompt } from './benchmarkPrompts.ts'
import type { EvaluationViews } from './evaluationViews.ts'
import { type TrueEdit, trueEditOf } from './groundTruth.ts'
import { mean } from './means.ts'
import { type EditMeasures, type Instruments, measureEdit } from './measureEdit.ts'
import { type FacePictures, showFace } from './shownFace.ts'

/** What a row is of. */
export interface RowKey {
  /** Name of the scene: the capture, and how its networks differ from the usual. */
  readonly scene: string
  readonly method: EditMethodName
  readonly prompt: string
  readonly seed: number
}

/** One finished edit of the benchmark. */
export interface BenchmarkRow extends RowKey {
  /** The expression of the paper's R-precision that the sentence stands for. */
  readonly expression?: string | undefined
  readonly steps: number
  /** Of the edit, guidance and search included, pictures not. */
  readonly seconds: number
  /** Guidance after the last step; absent where nothing is edited. */
  readonly guidance?: number | undefined
  readonly measures: EditMeasures
  /** PSNR (dB) between this result and the first seed's, in the face, mean over the shown views. */
  readonly repeat?: { readonly seed: number; readonly psnr: number } | undefined
}

/** Where finished rows are kept, e.g. a folder. `write` must be all or nothing. */
export interface RowStore {
  read(key: RowKey): Promise<BenchmarkRow | undefined>
  write(row: BenchmarkRow, pictures: readonly Picture[]): Promise<void>
  /** The pictures of a finished row, one per shown view. */
  pictures(key: RowKey): Promise<readonly Picture[]>
}

/** The scene that the rows are about, and from where its edits are looked at. */
export interface BenchmarkTask {
  /** As rows call it. */
  readonly name: string
  readonly scene: SceneManipulator
  /** Neutral first; its code is the scene's w_R. */
  readonly anchors: AnchorCodes
  readonly views: EvaluationViews
  readonly truth?: readonly TrueEdit[] | undefined
}

/** Methods by sentences by seeds. */
export interface BenchmarkPlan {
  readonly methods: readonly EditMethodName[]
  readonly prompts: readonly BenchmarkPrompt[]
  readonly seeds: readonly number[]
  /** Of each edit; default those of `edit`. */
  readonly steps?: number | undefined
}

/** A step of an edit under way, or a finished row. */
export type BenchmarkStep =
  | { readonly kind: 'edit'; readonly key: RowKey; readonly report: EditStep }
  | {
      readonly kind: 'row'
      readonly row: BenchmarkRow
      /** Whether it was computed now. */
      readonly fresh: boolean
      readonly step: number
      readonly steps: number
      readonly eta: number
    }

/** Rows of a plan in order, sentence by sentence: every method on the first, then on the second. The control has no seeds to differ by: one row. */
export function rowKeys(scene: string, { methods, prompts, seeds }: BenchmarkPlan): (RowKey & { readonly asked: BenchmarkPrompt })[] {
  const seedsOf = (method: EditMethodName): readonly number[] => (editMethod(method).kind === 'control' ? seeds.slice(0, 1) : seeds)
  return prompts.flatMap(asked => methods.flatMap(method => seedsOf(method).map(seed => ({ scene, method, prompt: asked.text, seed, asked }))))
}

/** Computes the rows that are missing and yields all. Ends after the step under way when the signal aborts. Throws for an empty plan. */
export async function* benchmark(
  task: BenchmarkTask,
  plan: BenchmarkPlan,
  instruments: Instruments,
  store: RowStore,
  { signal }: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<BenchmarkStep> {
  const keys = rowKeys(task.name, plan)
  if (keys.length === 0) throw new Error('benchmark: no method, no sentence or no seed; give at least one of each')
  let unedited: FacePictures | undefined
  let [computed, seconds] = [0, 0]
  for (const [i, { asked, ...key }] of keys.entries()) {
    if (signal?.aborted) return
    let row = await store.read(key)
    const fresh = row === undefined
    if (!row) {
      const began = performance.now()
      unedited ??= await showFace({ scene: task.scene, codes: task.scene.referenceField }, task.views, { signal })
      const finished = yield* computeRow(task, plan, { key, asked, unedited, instruments, store, signal })
      if (!finished) return
      await store.write(finished.row, finished.pictures)
      row = finished.row
      computed++
      seconds += (performance.now() - began) / 1000
    }
    const step = i + 1
    const eta = computed === 0 ? Number.NaN : (seconds / computed) * (keys.length - step)
    yield { kind: 'row', row, fresh, step, steps: keys.length, eta }
  }
}

interface RowTask {
  readonly key: RowKey
  readonly asked: BenchmarkPrompt
  readonly unedited: FacePictures
  readonly instruments: Instruments
  readonly store: RowStore
  readonly signal?: AbortSignal | undefined
}

/** Edits, renders and measures; undefined when the signal aborted the edit. */
async function* computeRow(
  { scene, anchors, views, truth }: BenchmarkTask,
  { steps, seeds }: BenchmarkPlan,
  { key, asked, unedited, instruments, store, signal }: RowTask,
): AsyncGenerator<BenchmarkStep, { row: BenchmarkRow; pictures: readonly Picture[] } | undefined> {
  const { method: name, prompt, seed } = key
  const method = editMethod(name)
  const began = performance.now()
  const guidance = await textGuidance(instruments.reader.encoder, prompt, method.text ?? {})
  const started = await method.start(scene, anchors, { seed })
  try {
    let last: EditStep | undefined
    for await (const report of started.edit(guidance, editViews(scene), { ...(steps !== undefined && { steps }), seed, ...(signal && { signal }) })) {
      if (report.stage === 'descent') last = report
      yield { kind: 'edit', key, report }
    }
    if (signal?.aborted) return undefined
    const seconds = (performance.now() - began) / 1000
    const edited = await showFace(started, views, { signal })
    const measures = await measureEdit({ edited, unedited, views, prompt, space: scene.description.space, truth }, instruments)
    const first = seeds[0]
    const repeat = seed === first ? undefined : await repeatOf({ ...key, seed: first }, edited.shown, store, truth)
    const row: BenchmarkRow = {
      ...key,
      expression: asked.expression,
      steps: last?.step ?? 0,
      seconds,
      guidance: last?.guidance,
      measures,
      repeat,
    }
    return { row, pictures: edited.shown }
  } finally {
    started.release()
  }
}

/** How like the first seed's result another one is; undefined where that is not there, or identical. */
async function repeatOf(
  first: RowKey,
  pictures: readonly Picture[],
  store: RowStore,
  truth: readonly TrueEdit[] | undefined,
): Promise<BenchmarkRow['repeat']> {
  if (!(await store.read(first))) return undefined
  const others = await store.pictures(first)
  const goal = truth && (trueEditOf(truth, first.prompt) ?? truth[0])
  // what is stored has 8 bits
  const bytes = (picture: Picture): Float32Array => Float32Array.from(picture.rgb, value => Math.round(255 * Math.min(1, Math.max(0, value))) / 255)
  const each = pictures.map((picture, v) => psnr(bytes(picture), others[v].rgb, goal ? { mask: goal.views[v].face } : {}))
  return each.every(Number.isFinite) ? { seed: first.seed, psnr: mean(each) } : undefined
}
