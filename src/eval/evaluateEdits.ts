/** Measures edits of a scene beside the unedited face, one after the other, and puts the numbers into a report. */
import { AnchorCompositor } from '../edit/anchorCompositor.ts'
import type { EditableCodes } from '../edit/editableCodes.ts'
import { type LoadedEdit, type LossPoint, loadEdit } from '../edit/editFile.ts'
import { regionWeight } from '../edit/faceRegion.ts'
import { blend } from '../nerf/codeField.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { reshape, rowCount, type Tensor } from '../tensor/tensor.ts'
import { type EvaluationViews, evaluationViews } from './evaluationViews.ts'
import { type FaceJudge, namedExpression } from './faceJudge.ts'
import { type TrueEdit, trueEditOf } from './groundTruth.ts'
import { type EditMeasures, type Instruments, type Measured, measureEdit } from './measureEdit.ts'
import { type Retrieval, retrieve } from './retrieval.ts'
import { type FacePictures, type ShownFace, showFace } from './shownFace.ts'

/** An edit file that is to be measured. */
export interface EditToMeasure {
  readonly name: string
  readonly bytes: Uint8Array
}

/** One edit, measured. */
export interface EditResult {
  readonly name: string
  readonly prompt: string
  readonly strength: number
  readonly steps: number
  /** Frame of the neutral anchor, w_R. */
  readonly reference: string
  /** What is mixed, frames of anchors and the earlier edit; their ratios are the channels of `pictures.shown`. */
  readonly shares: readonly string[]
  readonly measures: EditMeasures
  /** Loss of the descent, where the file has it. */
  readonly curve: readonly LossPoint[]
  /** What the numbers may mislead about. */
  readonly notes: readonly string[]
  readonly pictures: Pick<FacePictures, 'shown'>
  readonly unedited: Pick<FacePictures, 'shown'>
}

/** From how many views edits are measured, and against what. */
export interface EvaluationOptions {
  /** Novel views that networks judge; the paper has 200. Default 16. */
  readonly views?: number
  readonly truth?: readonly TrueEdit[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** One edit has been measured. */
export interface EvaluationStep {
  readonly step: number
  readonly steps: number
  readonly eta: number
  readonly result: EditResult
}

const VIEWS = 16

/** Measures edit files of a scene. Throws for none, and for one of another scene. */
export async function* evaluateEdits(
  scene: SceneManipulator,
  edits: readonly EditToMeasure[],
  instruments: Instruments,
  { views: count = VIEWS, truth, signal }: EvaluationOptions = {},
): AsyncGenerator<EvaluationStep> {
  if (edits.length === 0) throw new Error('evaluate: no edits; give at least one .edit file')
  const views = evaluationViews(scene, count, truth)
  const known = new Map<number, FacePictures>()
  const began = performance.now()
  for (const [i, { name, bytes }] of edits.entries()) {
    const loaded = await loadEdit(scene, bytes, name)
    const unedited = known.get(scene.referenceCode) ?? (await showFace({ scene, codes: scene.referenceField }, views, { signal }))
    known.set(scene.referenceCode, unedited)
    const edited = await showFace(shown(scene, loaded), views, { signal })
    const region = await regionOf(scene, loaded, views, signal)
    const result = await resultOf(scene, name, loaded, { edited, unedited, views, truth, region }, instruments)
    loaded.field.release()
    const step = i + 1
    yield { step, steps: edits.length, eta: ((performance.now() - began) / 1000 / step) * (edits.length - step), result }
  }
}

/** An edit at the strength it is meant to be shown at. */
function shown(scene: SceneManipulator, { field, description: { strength } }: LoadedEdit): ShownFace {
  const ratios = field instanceof AnchorCompositor ? field.ratios : undefined
  const { codes, warp }: EditableCodes = field
  return { scene, codes: blend(scene.referenceField, codes, strength), warp, ratios }
}

/** The edit's region in the shown views, on the face that the edit started from; undefined for an edit that has none. */
async function regionOf(
  scene: SceneManipulator,
  { field }: LoadedEdit,
  { shown: views }: EvaluationViews,
  signal: AbortSignal | undefined,
): Promise<Measured['region']> {
  if (!(field instanceof AnchorCompositor) || !field.region) return undefined
  const { region, earlier } = field
  const weight = regionWeight(scene.device, region)
  const codes = earlier ?? scene.referenceField
  const ratios = (x: Tensor): Tensor => reshape(weight(x), [rowCount(x.shape), 1])
  const { shown: before } = await showFace({ scene, codes, ratios }, { novel: [], neighbours: [], shown: views }, { signal })
  return { name: region.name, before, masks: before.map(({ channels }) => channels.map(value => Math.min(1, Math.max(0, value)))) }
}

type Pictures = Omit<Measured, 'prompt' | 'guidedBy' | 'space'>

async function resultOf(
  scene: SceneManipulator,
  name: string,
  { field, description: { prompt, guidedBy, strength, steps, curve = [] } }: LoadedEdit,
  pictures: Pictures,
  instruments: Instruments,
): Promise<EditResult> {
  const { edited, unedited, truth } = pictures
  const reference = frameOf(scene, scene.referenceCode)
  const measures = await measureEdit({ ...pictures, prompt, guidedBy, space: scene.description.space }, instruments)
  return {
    name,
    prompt,
    strength,
    steps,
    reference,
    shares: field instanceof AnchorCompositor ? field.shares : [],
    measures,
    curve,
    notes: truth ? notesOn(truth, prompt, reference) : [],
    pictures: { shown: edited.shown },
    unedited: { shown: unedited.shown },
  }
}

function frameOf(scene: SceneManipulator, code: number): string {
  return scene.description.frames.find(frame => frame.code === code && frame.split === 'train')?.id ?? `code ${code}`
}

function notesOn(truth: readonly TrueEdit[], prompt: string, reference: string): string[] {
  const goal = trueEditOf(truth, prompt)
  if (!goal) return [`The capture has no true edit "${prompt}"; it has ${truth.map(({ id }) => id).join(', ')}.`]
  const { pose } = goal
  if (pose === undefined || pose === reference) return []
  return [
    `Edited in the head pose of frame ${reference}, while the true pictures have that of ${pose}: the numbers against them also measure the difference. Edit with --reference ${pose}.`,
  ]
}

/** R-precision over edits whose sentences name different expressions of the judge; undefined where fewer than two do, or there is no judge. */
export function retrievalOf(results: readonly Pick<EditResult, 'prompt' | 'measures'>[], judge: FaceJudge | undefined): Retrieval | undefined {
  if (!judge) return undefined
  const named = results.flatMap(({ prompt, measures }) => {
    const expression = namedExpression(judge, prompt)
    return expression && measures.judge ? [{ expression, scores: measures.judge.scores }] : []
  })
  return retrieve(named, judge.expressions)
}
