/** All numbers of one edit: its pictures against those of the unedited face from the same views, and against the true ones where a capture has them. */
import type { Camera } from '../camera/camera.ts'
import { length, subtract, type Vector3 } from '../camera/vector.ts'
import type { EditDescription } from '../edit/editFile.ts'
import type { RegionChange } from '../metrics/change.ts'
import { reprojectionError } from '../metrics/multiView.ts'
import { cosineSimilarity, directionalSimilarity } from '../metrics/similarity.ts'
import type { RenderedImage } from '../nerf/render.ts'
import type { Space } from '../nerf/space.ts'
import type { EvaluationViews } from './evaluationViews.ts'
import { type FaceJudge, type FaceVerdict, judgeFace } from './faceJudge.ts'
import { type TrueEdit, trueEditOf } from './groundTruth.ts'
import type { Lpips } from './lpips.ts'
import { mean, meanOfKnown } from './means.ts'
import type { PictureReader } from './pictureReader.ts'
import type { FacePictures } from './shownFace.ts'
import { type ChangeMeasures, FACE_REGIONS, meanChange, measureChange, measureTruth, type Pair, type TruthMeasures } from './truthMeasures.ts'

/** The networks that measure. */
export interface Instruments {
  readonly reader: PictureReader
  readonly judge?: FaceJudge | undefined
  readonly lpips?: Lpips | undefined
}

/** The numbers of one edit; means over views. What needs a network or true pictures that are not there is absent. */
export interface EditMeasures {
  /** Cosine of the change of the pictures and the change of the words; and of pictures and words. The encoder's opinion; absent where there are no words. */
  readonly clip?: { readonly directional: number; readonly similarity: Pair } | undefined
  /** Root mean square difference between views 4° apart, head only (see metrics/multiView); absent for a fog without surfaces. */
  readonly consistency?: Pair | undefined
  /** What the judge says. */
  readonly judge?: JudgeMeasures | undefined
  /** LPIPS between edited and unedited pictures. Least for no edit at all: only to be shown beside it. */
  readonly lpips?: number | undefined
  /** Change inside and outside the region that the edit was confined to, where it was. */
  readonly region?: RegionMeasures | undefined
  /** Where the edit changed the picture; needs the capture's landmarks. */
  readonly change?: ChangeMeasures | undefined
  readonly truth?: TruthMeasures | undefined
}

/** `mask`: the region by the true landmarks of the view, or, where there are none of that name, by the region of the edit itself, rendered. */
export interface RegionMeasures extends RegionChange {
  readonly name: string
  readonly mask: 'landmarks' | 'rendered'
}

export interface JudgeMeasures {
  /** Novel views looked at, and in how many of the edited and of the unedited ones a face was found. */
  readonly views: number
  readonly found: Pair
  /** Scores of the judge's expressions in every novel view; null where it found no face. */
  readonly scores: readonly (readonly number[] | null)[]
  /** Mean of the scores where a face was found. */
  readonly expressions?: Readonly<Record<string, number>> | undefined
  /** Cosine of the identity features of the edited and the unedited face (the paper's CFS), over views where both were found. */
  readonly faceSimilarity?: number | undefined
}

export interface Measured {
  readonly edited: FacePictures
  readonly unedited: FacePictures
  readonly views: EvaluationViews
  readonly prompt: string
  /** Whether `prompt` is a sentence ('text', the default) or a label. */
  readonly guidedBy?: EditDescription['guidedBy']
  readonly space: Space
  readonly truth?: readonly TrueEdit[] | undefined
  /** The region that the edit was confined to: in every shown view its weight [H · W], and the face that the edit started from. */
  readonly region?: { readonly name: string; readonly masks: readonly ArrayLike<number>[]; readonly before: readonly RenderedImage[] } | undefined
}

/** Distance from the middle of the face, in space units, within which consistency is measured: the head. */
const HEAD = 0.7

/** Measures one edit. */
export async function measureEdit(measured: Measured, instruments: Instruments): Promise<EditMeasures> {
  const { edited, unedited, views, prompt, truth } = measured
  const { reader, judge, lpips } = instruments
  const goal = truth && trueEditOf(truth, prompt)
  return {
    clip: (measured.guidedBy ?? 'text') === 'text' ? await measureWords(measured, reader) : undefined,
    consistency: consistencyPair(measured),
    judge: judge && (await measureFaces(edited.novel, unedited.novel, judge)),
    lpips: lpips && (await meanOf(edited.novel, (picture, i) => lpips.distance(unedited.novel[i].rgb, picture.rgb, picture))),
    region: measured.region && measureRegion(measured, measured.region, goal ?? truth?.[0]),
    change: truth && measureChange(edited.shown, unedited.shown, goal ?? truth[0]),
    truth: goal && (await measureTruth(edited.shown, unedited.shown, goal, views.shown, { reader, lpips })),
  }
}

function measureRegion({ edited }: Measured, { name, masks, before }: NonNullable<Measured['region']>, goal: TrueEdit | undefined): RegionMeasures {
  const known = FACE_REGIONS.find(region => region === name)
  const change = meanChange(before, edited.shown, v => (goal && known ? goal.views[v].regions[known] : masks[v]))
  return { name, mask: goal && known ? 'landmarks' : 'rendered', ...change }
}

async function meanOf<T>(items: readonly T[], value: (item: T, i: number) => Promise<number>): Promise<number> {
  const values: number[] = []
  for (const [i, item] of items.entries()) values.push(await value(item, i))
  return mean(values)
}

async function measureWords({ edited, unedited, views, prompt }: Measured, reader: PictureReader): Promise<EditMeasures['clip']> {
  const words = await reader.words(prompt)
  const directional: number[] = []
  const similarity = { edited: [] as number[], unedited: [] as number[] }
  for (const [i, camera] of views.novel.entries()) {
    const [before, after] = [await reader.read(unedited.novel[i].rgb, camera), await reader.read(edited.novel[i].rgb, camera)]
    directional.push(directionalSimilarity(before.embedding, after.embedding, words.direction))
    similarity.edited.push(cosineSimilarity(after.embedding, words.embedding))
    similarity.unedited.push(cosineSimilarity(before.embedding, words.embedding))
  }
  return { directional: mean(directional), similarity: { edited: mean(similarity.edited), unedited: mean(similarity.unedited) } }
}

function consistencyPair(measured: Measured): Pair | undefined {
  const [edited, unedited] = [consistencyOf(measured.edited, measured), consistencyOf(measured.unedited, measured)]
  return edited !== undefined && unedited !== undefined ? { edited, unedited } : undefined
}

function consistencyOf({ novel, neighbours }: FacePictures, { views, space }: Measured): number | undefined {
  const view = (camera: Camera, { rgb, depth }: RenderedImage) => ({ camera, rgb, depth })
  const head = (point: Vector3): boolean => length(subtract(point, space.center)) < HEAD * space.radius
  const errors = neighbours.map((picture, i) => reprojectionError(view(views.novel[i], novel[i]), view(views.neighbours[i], picture), head)?.error)
  return meanOfKnown(errors)
}

/** What the judge says of edited pictures beside unedited ones of the same views. */
export async function measureFaces(edited: readonly RenderedImage[], unedited: readonly RenderedImage[], judge: FaceJudge): Promise<JudgeMeasures> {
  const look = async (pictures: readonly RenderedImage[]): Promise<(FaceVerdict | undefined)[]> => {
    const verdicts: (FaceVerdict | undefined)[] = []
    for (const picture of pictures) verdicts.push(await judgeFace(judge, picture))
    return verdicts
  }
  const [after, before] = [await look(edited), await look(unedited)]
  const found = after.flatMap(verdict => verdict ?? [])
  const cosines = after.flatMap((verdict, i) => {
    const other = before[i]
    return verdict && other ? [cosineSimilarity(verdict.identity, other.identity)] : []
  })
  const meanScore = (k: number): number => mean(found.map(({ scores }) => scores[k]))
  return {
    views: edited.length,
    found: { edited: found.length, unedited: before.filter(verdict => verdict !== undefined).length },
    scores: after.map(verdict => (verdict ? verdict.scores : null)),
    expressions: found.length > 0 ? Object.fromEntries(judge.expressions.map((name, k) => [name, meanScore(k)])) : undefined,
    faceSimilarity: cosines.length > 0 ? mean(cosines) : undefined,
  }
}
