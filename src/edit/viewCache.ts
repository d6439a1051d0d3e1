/** What an edit need not compute twice: per view, everything about the frozen scene that does not depend on the codes H is given. */
import type { Camera } from '../camera/camera.ts'
import { imageRays } from '../camera/rays.ts'
import type { Rays } from '../nerf/coarseFine.ts'
import type { CodeField } from '../nerf/codeField.ts'
import { lastLevel, renderRays } from '../nerf/rayLevels.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { widestLayer } from '../nerf/templateNerf.ts'
import { Storage } from '../tensor/device.ts'
import { HostRandom } from '../tensor/hostRandom.ts'
import { concat, sliceColumns } from '../tensor/ops/concat.ts'
import { rayWeights } from '../tensor/ops/rayWeights.ts'
import { concatRows, sliceRows } from '../tensor/ops/rows.ts'
import { sumSamples } from '../tensor/ops/sumSamples.ts'
import { compile } from '../tensor/plan.ts'
import { inRowBlocks, rowRanges } from '../tensor/rowBlocks.ts'
import { lastAxis, reshape, type Tensor } from '../tensor/tensor.ts'
import type { Guidance } from './guidance.ts'

const JITTER_STREAM = 5

/** Template features of all views above this are not kept but looked up anew in every step: 48 numbers a sample are most of what there is to keep. */
const MOST_FEATURE_BYTES = 2 ** 28
/** Above this, the rays of a view are rendered in blocks: one layer's values then fit the 128 MiB that every WebGPU device binds. */
const MOST_LAYER_BYTES = 2 ** 27

export interface CacheOptions {
  /** Per ray. */
  readonly samples: number
  readonly seed: number
  /** Codes of the picture that the edit starts from, beside which it is guided; default w_R, the unedited face. */
  readonly codes?: CodeField
  /** Views that can be selected at once; default 1. */
  readonly slots?: number
  readonly mostFeatureBytes?: number
  readonly mostLayerBytes?: number
}

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

type RayTables = Omit<ViewTables, 'reference'>

export interface ViewCache {
  readonly width: number
  readonly height: number
  readonly samples: number
  readonly count: number
  /** Parts in which the rays of a view are rendered. */
  readonly blocks: number
  /** The numbers of the view selected in each slot. */
  readonly slots: readonly ViewTables[]
  /** Those of slot 0. */
  readonly selected: ViewTables
  /** Brings a view's numbers, by a copy on the device, to where recorded steps find them: before the next run. @param slot default 0. */
  select(view: number, slot?: number): void
  release(): void
}

/**
 * Samples the rays of `cameras` (space units, one picture size) and notes what F needs of every sample and what the guidance keeps of
 * the unedited picture. Throws for no views and for views of different sizes.
 */
export async function cacheViews(
  scene: SceneManipulator,
  guidance: Guidance,
  cameras: readonly Camera[],
  {
    samples: M,
    seed,
    codes = scene.referenceField,
    slots: slotCount = 1,
    mostFeatureBytes = MOST_FEATURE_BYTES,
    mostLayerBytes = MOST_LAYER_BYTES,
  }: CacheOptions,
): Promise<ViewCache> {
  const { device, config } = scene
  if (cameras.length === 0) throw new Error('edit: no views; give at least one camera')
  const [width, height] = cameras[0].imageSize
  if (cameras.some(c => c.imageSize[0] !== width || c.imageSize[1] !== height))
    throw new Error('edit: the views differ in size; scale the cameras to one size')
  const R = width * height
  const Q = R * M
  const rays = { origins: new Storage(device, R * 3), directions: new Storage(device, R * 3), jitter: new Storage(device, Q) }
  const o = rays.origins.tensor([R, 3])
  const d = rays.directions.tensor([R, 3])
  const blocksOf = (samples: number): number => Math.ceil((R * samples * widestLayer(config.template, config.ambientSize) * 4) / mostLayerBytes)
  const mostSamples = Math.max(M, config.sampling.kind === 'coarseFine' ? config.sampling.coarse : 0)
  const {
    x,
    warped,
    position,
    starts,
    color: picture,
    surface,
  } = joined(
    rowRanges(R, blocksOf(mostSamples)).map(([begin, end]) => {
      const rows = (all: Tensor): Tensor => (end - begin === R ? all : sliceRows(all, begin, end))
      return referenceRays(scene, codes, { origins: rows(o), directions: rows(d) }, rows(rays.jitter.tensor([R, M])))
    }),
  )
  const number = new Storage(device, 1, 'u32')
  const reference = guidance.describe(reshape(picture, [1, height, width, 3]), number.tensor([1]), surface)
  const tables: { readonly work: readonly Storage[]; readonly kept: readonly Storage[] }[] = []
  const into: { value: Tensor; leaf: Tensor }[] = []
  /** Where each slot has a value. */
  const keep = (value: Tensor): Tensor[] => {
    const work = Array.from({ length: slotCount }, () => new Storage(device, value.length))
    tables.push({ work, kept: cameras.map(() => new Storage(device, value.length)) })
    const leaves = work.map(storage => storage.tensor(value.shape))
    into.push({ value, leaf: leaves[0] })
    return leaves
  }
  const keepsFeatures = position.length * 4 * cameras.length <= mostFeatureBytes
  const values = { x: keep(x), warped: keep(warped), starts: keep(starts), directions: keep(d), reference: keep(reference) }
  const features = keepsFeatures ? keep(position) : undefined
  const slots = values.x.map(
    (x, slot): ViewTables => ({
      x,
      warped: values.warped[slot],
      starts: values.starts[slot],
      directions: values.directions[slot],
      reference: values.reference[slot],
      position: features?.[slot],
    }),
  )
  using plan = compile(device, { into })
  for (const [view, camera] of cameras.entries()) {
    const all = imageRays(camera)
    const random = new HostRandom(seed + view, JITTER_STREAM)
    number.write(Uint32Array.of(view))
    rays.origins.write(all.origins)
    rays.directions.write(all.directions)
    rays.jitter.write(Float32Array.from({ length: Q }, () => random.next()))
    plan.run()
    for (const { work, kept } of tables) kept[view].copyFrom(work[0])
  }
  await device.sync()
  for (const storage of [...Object.values(rays), number]) storage.release()
  return {
    width,
    height,
    samples: M,
    count: cameras.length,
    blocks: blocksOf(M),
    slots,
    selected: slots[0],
    select(view, slot = 0) {
      for (const { work, kept } of tables) work[slot].copyFrom(kept[view])
    },
    release() {
      for (const { work, kept } of tables) for (const storage of [...work, ...kept]) storage.release()
    },
  }
}

/** Views by which starts of an edit are judged. */
const JUDGED_VIEWS = 3

/** Numbers of the views, spread evenly over all, that starts of an edit are judged by. */
export function judgedNumbers({ count }: ViewCache): number[] {
  const few = Math.min(JUDGED_VIEWS, count)
  return Array.from({ length: few }, (_, v) => Math.floor((v * count) / few))
}

/** Mean over the judged views, each selected in turn, of what `judge` finds there; lets other tasks run between views. */
export async function judgedViews(views: ViewCache, judge: (v: number) => Promise<number>): Promise<number> {
  const numbers = judgedNumbers(views)
  let total = 0
  for (const [v, view] of numbers.entries()) {
    views.select(view)
    total += await judge(v)
    await new Promise(resolve => setTimeout(resolve))
  }
  return total / numbers.length
}

/** What an edit keeps of rays under w_R, their colours, and where their surface is, [R, 3]. */
type ReferenceRays = Pick<ViewTables, 'x' | 'warped' | 'starts'> & { readonly position: Tensor; readonly color: Tensor; readonly surface: Tensor }

/** T sees w_R, H `codes`. @param jitter uniforms [R, M] of the samples. */
function referenceRays(scene: SceneManipulator, codes: CodeField, rays: Rays, jitter: Tensor): ReferenceRays {
  const draw = (pass: 'coarse' | 'last'): Tensor | undefined => (pass === 'last' ? jitter : undefined)
  const query = { ...rays, warp: scene.referenceField, codes, draw, samples: lastAxis(jitter.shape) }
  const { x, warped, position, starts, color, weights } = lastLevel(renderRays(scene, query))
  return { x, warped, position, starts, color, surface: sumSamples(weights, x) }
}

function joined(parts: readonly ReferenceRays[]): ReferenceRays {
  if (parts.length === 1) return parts[0]
  const join = (name: keyof ReferenceRays): Tensor => concatRows(parts.map(part => part[name]))
  return {
    x: join('x'),
    warped: join('warped'),
    position: join('position'),
    starts: join('starts'),
    color: join('color'),
    surface: join('surface'),
  }
}

/**
 * Codes [Q, d_w] at points [Q, 3] and, if wanted, further values [Q, K] to composite with the colours. With codes of T's own the points are warped anew;
 * where they were sampled stays, which the colour of a ray allows, as long as what the edit shows is not far from what was dense.
 */
export type CodesAndChannels<C extends Tensor | undefined> = (x: Tensor) => { readonly codes: Tensor; readonly warp?: Tensor; readonly channels: C }

/**
 * Volume rendering of the view selected in a slot: the picture [1, H, W, 3] and the composited channels [R, K]. Gradients go to `sources`, the leaves that `values`
 * computes with; where a view is rendered in blocks, to them alone.
 */
export function renderSelected<C extends Tensor | undefined>(
  scene: SceneManipulator,
  views: ViewCache,
  values: CodesAndChannels<C>,
  sources: readonly Tensor[] = [],
  slot = 0,
): { picture: Tensor; channels: C } {
  const { width, height, samples: M, blocks } = views
  const selected = views.slots[slot]
  const R = width * height
  const pictureOf = (color: Tensor): Tensor => reshape(color, [1, height, width, 3])
  if (blocks === 1) {
    const { color, channels } = composited(scene, selected, values)
    return { picture: pictureOf(color), channels }
  }
  const all = inRowBlocks(
    (begin, end) => {
      const { color, channels } = composited(scene, rowsOf(selected, begin, end, M), values)
      return channels ? concat([color, channels]) : color
    },
    R,
    blocks,
    sources,
  )
  const columns = lastAxis(all.shape)
  return { picture: pictureOf(sliceColumns(all, 0, 3)), channels: (columns > 3 ? sliceColumns(all, 3, columns) : undefined) as C }
}

function composited<C extends Tensor | undefined>(
  scene: SceneManipulator,
  rays: RayTables,
  values: CodesAndChannels<C>,
): { color: Tensor; channels: C } {
  const { codes, warp, channels } = values(rays.x)
  const moved = warp ? { ...rays, warped: scene.warp(rays.x, warp), position: undefined } : rays
  const { rgb, sigma } = scene.radiance(moved, codes)
  const weights = rayWeights(reshape(sigma, rays.starts.shape), rays.starts, undefined, { infinity: true })
  return { color: sumSamples(weights, rgb), channels: (channels && sumSamples(weights, channels)) as C }
}

/** Rays [begin, end) of a view. */
function rowsOf({ x, warped, starts, directions, position }: RayTables, begin: number, end: number, M: number): RayTables {
  const points = (table: Tensor): Tensor => sliceRows(table, begin * M, end * M)
  return {
    x: points(x),
    warped: points(warped),
    starts: sliceRows(starts, begin, end),
    directions: sliceRows(directions, begin, end),
    position: position && points(position),
  }
}
