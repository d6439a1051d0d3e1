/** What an edit need not compute twice: per view, everything about the frozen scene that does not depend on the codes H is given. */
import type { Camera } from '../camera/camera.ts'
import { imageRays } from '../camera/rays.ts'
import { lastLevel, type RayQuery, renderRays } from '../nerf/rayLevels.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { Storage } from '../tensor/device.ts'
import { HostRandom } from '../tensor/hostRandom.ts'
import { rayWeights } from '../tensor/ops/rayWeights.ts'
import { sumSamples } from '../tensor/ops/sumSamples.ts'
import { compile } from '../tensor/plan.ts'
import { reshape, type Tensor } from '../tensor/tensor.ts'
import type { Guidance } from './guidance.ts'

const JITTER_STREAM = 5

/** Template features of all views above this are not kept but looked up anew in every step: 48 numbers a sample are most of what there is to keep. */
const MOST_FEATURE_BYTES = 2 ** 28

/** The numbers of one view, Q = R · M samples. */
export interface ViewTables {
  /** Sample points [Q, 3], space units. */
  readonly x: Tensor
  /** Where T moves them, [Q, 3]. */
  readonly warped: Tensor
  /** Distances at which the samples' stretches of the ray begin, [R, M]. */
  readonly starts: Tensor
  /** [R, 3] */
  readonly directions: Tensor
  /** What the guidance keeps of the unedited picture, [1, featureSize]. */
  readonly reference: Tensor
  /** What F sees of the warped points, [Q, features], unless that is too much to keep. */
  readonly position?: Tensor
}

export interface ViewCache {
  readonly width: number
  readonly height: number
  readonly samples: number
  readonly count: number
  /** The selected view's numbers. */
  readonly selected: ViewTables
  /** Brings a view's numbers, by a copy on the device, to where recorded steps find them: before the next run. */
  select(view: number): void
  release(): void
}

/**
 * Samples `cameras` (space units, one picture size) with M samples per ray and notes what F needs of every sample and what the guidance keeps of
 * the unedited picture. Throws for no views and for views of different sizes.
 */
export async function cacheViews(
  scene: SceneManipulator,
  guidance: Guidance,
  cameras: readonly Camera[],
  M: number,
  seed: number,
  mostFeatureBytes = MOST_FEATURE_BYTES,
): Promise<ViewCache> {
  const { device } = scene
  if (cameras.length === 0) throw new Error('edit: no views; give at least one camera')
  const [width, height] = cameras[0].imageSize
  if (cameras.some(c => c.imageSize[0] !== width || c.imageSize[1] !== height))
    throw new Error('edit: the views differ in size; scale the cameras to one size')
  const R = width * height
  const Q = R * M
  const rays = { origins: new Storage(device, R * 3), directions: new Storage(device, R * 3), jitter: new Storage(device, Q) }
  const o = rays.origins.tensor([R, 3])
  const d = rays.directions.tensor([R, 3])
  const { referenceField } = scene
  const draw: RayQuery['draw'] = pass => (pass === 'last' ? rays.jitter.tensor([R, M]) : undefined)
  const levels = renderRays(scene, { origins: o, directions: d, warp: referenceField, codes: referenceField, draw, samples: M })
  const { x, warped, position, starts, color: picture } = lastLevel(levels)
  const number = new Storage(device, 1, 'u32')
  const reference = guidance.describe(reshape(picture, [1, height, width, 3]), number.tensor([1]))
  const tables: { readonly work: Storage; readonly kept: readonly Storage[] }[] = []
  const into: { value: Tensor; leaf: Tensor }[] = []
  const keep = (value: Tensor): Tensor => {
    const work = new Storage(device, value.length)
    const leaf = work.tensor(value.shape)
    tables.push({ work, kept: cameras.map(() => new Storage(device, value.length)) })
    into.push({ value, leaf })
    return leaf
  }
  const keepsFeatures = position.length * 4 * cameras.length <= mostFeatureBytes
  const selected: ViewTables = {
    x: keep(x),
    warped: keep(warped),
    starts: keep(starts),
    directions: keep(d),
    reference: keep(reference),
    position: keepsFeatures ? keep(position) : undefined,
  }
  using plan = compile(device, { into })
  for (const [view, camera] of cameras.entries()) {
    const all = imageRays(camera)
    const random = new HostRandom(seed + view, JITTER_STREAM)
    number.write(Uint32Array.of(view))
    rays.origins.write(all.origins)
    rays.directions.write(all.directions)
    rays.jitter.write(Float32Array.from({ length: Q }, () => random.next()))
    plan.run()
    for (const { work, kept } of tables) kept[view].copyFrom(work)
  }
  await device.sync()
  for (const storage of [...Object.values(rays), number]) storage.release()
  return {
    width,
    height,
    samples: M,
    count: cameras.length,
    selected,
    select(view) {
      for (const { work, kept } of tables) work.copyFrom(kept[view])
    },
    release() {
      for (const { work, kept } of tables) for (const storage of [work, ...kept]) storage.release()
    },
  }
}

/** Volume rendering of the selected view under codes [Q, d_w]: the picture [1, H, W, 3] and the samples' weights [R, M]. */
export function renderSelected(scene: SceneManipulator, views: ViewCache, codes: Tensor): { picture: Tensor; weights: Tensor } {
  const { width, height, selected } = views
  const { starts } = selected
  const { rgb, sigma } = scene.radiance(selected, codes)
  const weights = rayWeights(reshape(sigma, starts.shape), starts, undefined, { infinity: true })
  return { picture: reshape(sumSamples(weights, rgb), [1, height, width, 3]), weights }
}
