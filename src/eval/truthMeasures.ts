/** Numbers that need a capture's true edits: how near the pictures come to them, which expression is read off, and where the edit changed anything. */
import { type RegionChange, regionChange } from '../metrics/change.ts'
import { psnr } from '../metrics/psnr.ts'
import { ssim } from '../metrics/ssim.ts'
import type { RenderedImage } from '../nerf/render.ts'
import type { EvaluationViews } from './evaluationViews.ts'
import type { FaceRegion } from './faceMask.ts'
import type { TrueEdit } from './groundTruth.ts'
import type { Lpips } from './lpips.ts'
import { mean } from './means.ts'
import type { PictureReader } from './pictureReader.ts'

/** A number of the edit beside the same number of the unedited face. */
export interface Pair {
  readonly edited: number
  readonly unedited: number
}

export const FACE_REGIONS = ['eyes', 'brows', 'mouth'] as const satisfies readonly FaceRegion[]

export interface TruthMeasures {
  readonly id: string
  readonly reach: string
  /** dB within the face and its regions. */
  readonly psnr: Readonly<Record<'face' | FaceRegion, Pair>>
  /** Within the face. */
  readonly ssim: Pair
  /** To the true pictures, whole. */
  readonly lpips?: Pair | undefined
  /** Error of the coefficients that the encoder's head reads, see `coefficientError`; `truth` is its error on the true pictures, the least it can have. */
  readonly coefficients?: (Pair & { readonly truth: number }) | undefined
}

/** Mean squared change of sRGB inside each region and outside of it, and their ratio (absent where nothing changed inside). */
export type ChangeMeasures = Readonly<Record<'face' | FaceRegion, RegionChange>>

/** Scores pictures of the true edit's views. */
export async function measureTruth(
  edited: readonly RenderedImage[],
  unedited: readonly RenderedImage[],
  goal: TrueEdit,
  shown: EvaluationViews['shown'],
  { reader, lpips }: { reader: PictureReader; lpips?: Lpips | undefined },
): Promise<TruthMeasures> {
  const pair = async (value: (picture: RenderedImage, v: number) => number | Promise<number>): Promise<Pair> => {
    const over = async (pictures: readonly RenderedImage[]): Promise<number> => {
      const values: number[] = []
      for (const [v, picture] of pictures.entries()) values.push(await value(picture, v))
      return mean(values)
    }
    return { edited: await over(edited), unedited: await over(unedited) }
  }
  const within = (mask: (v: number) => Float32Array): Promise<Pair> => pair(({ rgb }, v) => psnr(rgb, goal.views[v].image, { mask: mask(v) }))
  const region = (name: FaceRegion): Promise<Pair> => within(v => goal.views[v].regions[name])
  const names = reader.coefficientNames
  const truth = names.map(name => goal.coefficients[name] ?? 0)
  const read = async (rgb: ArrayLike<number>, v: number): Promise<number> =>
    coefficientError((await reader.read(rgb, shown[v].camera)).coefficients ?? [], truth)
  const coefficients = async (): Promise<TruthMeasures['coefficients']> => {
    const errors: Record<'edited' | 'unedited' | 'truth', number[]> = { edited: [], unedited: [], truth: [] }
    for (const [v, { image }] of goal.views.entries()) {
      errors.edited.push(await read(edited[v].rgb, v))
      errors.unedited.push(await read(unedited[v].rgb, v))
      errors.truth.push(await read(image, v))
    }
    return { edited: mean(errors.edited), unedited: mean(errors.unedited), truth: mean(errors.truth) }
  }
  return {
    id: goal.id,
    reach: goal.reach,
    psnr: {
      face: await within(v => goal.views[v].face),
      eyes: await region('eyes'),
      brows: await region('brows'),
      mouth: await region('mouth'),
    },
    ssim: await pair(({ rgb, width, height }, v) => ssim(rgb, goal.views[v].image, { width, height, mask: goal.views[v].face })),
    lpips: lpips && (await pair((picture, v) => lpips.distance(picture.rgb, goal.views[v].image, picture))),
    coefficients: names.length > 0 ? await coefficients() : undefined,
  }
}

/** Root of the mean squared difference of coefficients: 0 for the right expression. */
export function coefficientError(read: ArrayLike<number>, truth: readonly number[]): number {
  return Math.sqrt(mean(truth.map((value, i) => (read[i] - value) ** 2)))
}

/** Change between unedited and edited pictures by the regions of an edit's views, or of neutral's. */
export function measureChange(edited: readonly RenderedImage[], unedited: readonly RenderedImage[], { views }: TrueEdit): ChangeMeasures {
  const by = (mask: (v: number) => Float32Array): RegionChange => meanChange(unedited, edited, mask)
  const region = (name: FaceRegion): RegionChange => by(v => views[v].regions[name])
  return { face: by(v => views[v].face), eyes: region('eyes'), brows: region('brows'), mouth: region('mouth') }
}

/** Means over views of the change inside and outside of masks, and the means' ratio. */
export function meanChange(before: readonly RenderedImage[], after: readonly RenderedImage[], mask: (v: number) => ArrayLike<number>): RegionChange {
  const all = before.map(({ rgb }, v) => regionChange(rgb, after[v].rgb, mask(v)))
  const [inside, outside] = [mean(all.map(change => change.inside)), mean(all.map(change => change.outside))]
  return inside > 0 ? { inside, outside, ratio: outside / inside } : { inside, outside }
}
