/** What an edit need not compute twice: per view, everything about the frozen scene that does not depend on the codes H is given. */
import type { Camera } from '../camera/camera.ts'
import { imageRays } from '../camera/rays.ts'
import { sampleRays } from '../nerf/render.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { Storage } from '../tensor/device.ts'
import { HostRandom } from '../tensor/hostRandom.ts'
import { gatherRows } from '../tensor/ops/gather.ts'
import { rayPoints } from '../tensor/ops/rayPoints.ts'
import { rayWeights } from '../tensor/ops/rayWeights.ts'
import { sumSamples } from '../tensor/ops/sumSamples.ts'
import { compile } from '../tensor/plan.ts'
import { reshape, type Tensor } from '../tensor/tensor.ts'
import type { Guidance } from './guidance.ts'

const JITTER_STREAM = 5

/** One row per view. */
export interface ViewCache {
  readonly width: number
  readonly height: number
  readonly samples: number
  readonly count: number
  /** Sample points, warped points, template features, where each sample's stretch begins, directions, guidance features of the unedited picture. */
  readonly x: Storage
  readonly warped: Storage
  readonly position: Storage
  readonly starts: Storage
  readonly directions: Storage
  readonly reference: Storage
  readonly positionSize: number
  readonly referenceSize: number
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
): Promise<ViewCache> {
  const { device, config } = scene
  if (cameras.length === 0) throw new Error('edit: no views; give at least one camera')
  const [width, height] = cameras[0].imageSize
  if (cameras.some(c => c.imageSize[0] !== width || c.imageSize[1] !== height))
    throw new Error('edit: the views differ in size; scale the cameras to one size')
  const R = width * height
  const Q = R * M
  const V = cameras.length
  const rays = { origins: new Storage(device, R * 3), directions: new Storage(device, R * 3), jitter: new Storage(device, Q) }
  const o = rays.origins.tensor([R, 3])
  const d = rays.directions.tensor([R, 3])
  const { z, starts } = sampleRays(scene, o, d, rays.jitter.tensor([R, M]))
  const x = rayPoints(o, d, z)
  const codes = scene.referenceField(x)
  const warped = scene.warp(x, codes)
  const position = scene.encodeTemplate(warped)
  const { rgb, sigma } = scene.radiance({ warped, position, directions: d }, codes)
  const picture = sumSamples(rayWeights(reshape(sigma, [R, M]), starts, undefined, { infinity: true }), rgb)
  const number = new Storage(device, 1, 'u32')
  const reference = guidance.describe(reshape(picture, [1, height, width, 3]), number.tensor([1]))
  const outputs = [x, warped, position, starts, d, reference]
  using plan = compile(device, { outputs })
  const tables = outputs.map(output => new Storage(device, aligned(output.length) * V))
  for (const [view, camera] of cameras.entries()) {
    const all = imageRays(camera)
    const random = new HostRandom(seed + view, JITTER_STREAM)
    number.write(Uint32Array.of(view))
    rays.origins.write(all.origins)
    rays.directions.write(all.directions)
    rays.jitter.write(Float32Array.from({ length: Q }, () => random.next()))
    plan.run()
    for (const [i, output] of outputs.entries()) tables[i].write(await plan.read(output), view * output.length)
  }
  for (const storage of [...Object.values(rays), number]) storage.release()
  return {
    width,
    height,
    samples: M,
    count: V,
    x: tables[0],
    warped: tables[1],
    position: tables[2],
    starts: tables[3],
    directions: tables[4],
    reference: tables[5],
    positionSize: config.template.levels * config.template.features,
    referenceSize: guidance.featureSize,
    release() {
      for (const table of tables) table.release()
    },
  }
}

/** Room for whole rows of 256 bytes. */
const aligned = (length: number): number => Math.ceil(length / 64) * 64

/** One cached view in a recorded graph. */
export interface RecordedView {
  /** Sample points [Q, 3], space units. */
  readonly x: Tensor
  /** Guidance features of the unedited picture, [1, featureSize]. */
  readonly reference: Tensor
  /** Volume rendering of the view under codes [Q, d_w]: the picture [1, H, W, 3] and the samples' weights [R, M]. */
  render(codes: Tensor): { picture: Tensor; weights: Tensor }
}

/** Records the view whose number `index` (u32, [1]) holds. */
export function recordView(scene: SceneManipulator, views: ViewCache, index: Tensor): RecordedView {
  const { width, height, samples: M, count: V } = views
  const R = width * height
  const Q = R * M
  const pick = (table: Storage, shape: number[]): Tensor => reshape(gatherRows(table.tensor([V, shape.reduce((a, b) => a * b)]), index), shape)
  return {
    x: pick(views.x, [Q, 3]),
    reference: pick(views.reference, [1, views.referenceSize]),
    render(codes) {
      const query = {
        warped: pick(views.warped, [Q, 3]),
        position: pick(views.position, [Q, views.positionSize]),
        directions: pick(views.directions, [R, 3]),
      }
      const { rgb, sigma } = scene.radiance(query, codes)
      const weights = rayWeights(reshape(sigma, [R, M]), pick(views.starts, [R, M]), undefined, { infinity: true })
      return { picture: reshape(sumSamples(weights, rgb), [1, height, width, 3]), weights }
    },
  }
}
