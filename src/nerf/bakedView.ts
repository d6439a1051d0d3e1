/**
 * Baked views: a code field that stands still (a frame's code, an edit, a blend) makes the scene a plain radiance field. Its densities and colours are
 * computed once on a sparse grid of bricks (tensor/ops/bricks.ts), and a picture is then lookups along rays: no network runs.
 *
 * Fine bricks lie where the scene's density grid holds surfaces, coarse ones where it holds haze: leaving the haze of a trained face and its room out
 * costs 2 dB and more, and it needs no resolution.
 */
import type { Camera } from '../camera/camera.ts'
import { Storage } from '../tensor/device.ts'
import { brickMarch } from '../tensor/ops/brickMarch.ts'
import { BRICK, brickPoints, COARSER, CORNERS, DENSITY_CODES, packBricks } from '../tensor/ops/bricks.ts'
import { fill } from '../tensor/ops/fill.ts'
import { compileRepeated } from '../tensor/repeatedPlan.ts'
import { brickIndex, brickMaxima, type OccupiedBricks, occupiedBricks } from './brickIndex.ts'
import type { CodeField } from './codeField.ts'
import { type DrawnImage, PictureRenderer, type RenderedImage, type Renderer } from './pictureRenderer.ts'
import { type SceneManipulator, UNSEEN_DENSITY } from './sceneManipulator.ts'

/** How finely a face is baked. */
export interface BakeOptions {
  /** T's code; default w_R, as edits are shown. */
  readonly warp?: CodeField
  /** Cells along an edge of the contracted cube, a multiple of 32; default by the preset's hash encoding, and lower where that takes more than `mostBytes`. */
  readonly resolution?: number
  /** Bytes of all bricks, at most; default what every WebGPU device binds, on the CPU what some seconds compute. */
  readonly mostBytes?: number
}

/** Densities per space unit. A ray crosses few units: what lies below `haze` takes less than a hundredth of its light. */
const THRESHOLDS = { surface: 0.5, haze: 3e-3 }
/** Cells per cell of the finest level of the hash encoding: more gain 1 to 2 dB against the exact picture, at twice the bytes. */
const CELLS_PER_FINEST = 1.25
const MOST_CELLS = 512
const MOST_BYTES = { gpu: 2 ** 27, cpu: 2 ** 24 }
const UNIT = BRICK * COARSER
/** Density code 0: softplus makes 3e-4 of it. */
const LOWEST = -8
/** Above the largest density of the grid, which has not seen all there is. */
const HEADROOM = 1.5
/** In cells. Half of it gains 0.1 to 0.5 dB against the exact picture, at twice the time. */
const STEP = 1
/** A ray ends when this share of its light is left: below half a step of 8-bit colours. */
const LEAST_LIGHT = 1e-3
/** Corners that go through the networks at once. */
const POINTS_AT_ONCE = { gpu: 2 ** 18, cpu: 2 ** 14 }
/** Rays at once: a picture of 1024². */
const RAYS_AT_ONCE = 2 ** 20

/** A scene under one code field, ready to be looked at from anywhere. Bake again when the codes or the scene have changed. */
export class BakedView implements Renderer {
  private readonly renderer: PictureRenderer

  constructor(
    scene: SceneManipulator,
    /** Cells along an edge of the contracted cube. */
    readonly resolution: number,
    /** Fine and coarse bricks. */
    readonly bricks: number,
    private readonly storages: { readonly scale: Storage; readonly index: Storage; readonly voxels: Storage },
  ) {
    const { near, far, space } = scene.description
    const { scale, index, voxels } = storages
    const leaves = { scale: scale.tensor([2]), index: index.tensor([index.length]), voxels: voxels.tensor([voxels.length]) }
    const options = { near, far, resolution, step: STEP, leastLight: LEAST_LIGHT }
    this.renderer = new PictureRenderer(scene.device, rays => brickMarch(rays, leaves, options), { rays: RAYS_AT_ONCE, radius: space.radius })
  }

  /** Bytes of device memory, without pictures. */
  get bytes(): number {
    return Object.values(this.storages).reduce((sum, { length }) => sum + 4 * length, 0)
  }

  render(camera: Camera): Promise<RenderedImage> {
    return this.renderer.render(camera)
  }

  draw(camera: Camera): DrawnImage {
    return this.renderer.draw(camera)
  }

  /** The plan of the present picture size, for profiles; undefined before the first picture. */
  get plan(): PictureRenderer['plan'] {
    return this.renderer.plan
  }

  [Symbol.dispose](): void {
    this.renderer[Symbol.dispose]()
    for (const storage of Object.values(this.storages)) storage.release()
  }
}

/**
 * Bakes a scene under codes. Throws for a scene whose colours depend on the viewing direction (preset paper), for a resolution that is not a multiple of
 * 32, and when bricks of that resolution take more than `mostBytes`.
 */
export async function bake(
  scene: SceneManipulator,
  codes: CodeField = scene.referenceField,
  { warp = scene.referenceField, resolution, mostBytes = MOST_BYTES[scene.device.kind] }: BakeOptions = {},
): Promise<BakedView> {
  const { device } = scene
  const { grid, cells } = await bakeable(scene)
  const { bricks, maxima, resolution: N } = chosenBricks(grid, cells, { wanted: resolution, finest: finestCells(scene), mostBytes })
  const scale = new Storage(device, 2)
  const highest = HEADROOM * grid.reduce((a, b) => Math.max(a, b), 1)
  scale.write(Float32Array.of(LOWEST, (highest - LOWEST) / DENSITY_CODES))
  const { voxels, largest } = await bakeBricks(scene, { codes, warp }, bricks.bricks, N, scale)
  const numbers = brickIndex(
    maxima,
    bricks,
    N,
    THRESHOLDS,
    largest.map(sigma => (sigma > THRESHOLDS.haze ? 1 : 0)),
  )
  const index = new Storage(device, numbers.length, 'u32')
  index.write(numbers)
  return new BakedView(scene, N, bricks.bricks.length, { scale, index, voxels })
}

/** How far the density of a cell that no sample has met may have got from what fading makes of it, by rounding. */
const FADE_ROUNDING = 1e-2

/**
 * The scene's density grid, in which cells that training has not met hold haze at most: of a scene trained for a hundred steps they would fill the cube
 * with bricks. Throws for scenes that are no plain radiance field under a code.
 */
async function bakeable({ config, description, grid, step }: SceneManipulator): Promise<{ grid: Float32Array; cells: number }> {
  const { sampling, template } = config
  if (template.directionBands > 0 || sampling.kind !== 'grid' || !grid)
    throw new Error(
      `bake: preset ${description.preset} sees the viewing direction (${template.directionBands} bands), so its colours are no grid's; ` +
        'render it exactly (without --baked), or train the preset fast or tiny',
    )
  const unseen = UNSEEN_DENSITY * sampling.gridFade ** step
  const met = (density: number): boolean => Math.abs(density - unseen) > FADE_ROUNDING * unseen
  const densities = await grid.read()
  return { grid: densities.map(v => (met(v) ? v : Math.min(v, THRESHOLDS.surface))), cells: sampling.gridResolution }
}

function finestCells({ config: { template } }: SceneManipulator): number {
  return template.kind === 'hash' ? template.finestResolution : MOST_CELLS
}

interface ChosenBricks {
  readonly resolution: number
  readonly bricks: OccupiedBricks
  readonly maxima: Float32Array
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

/** The bricks of a view, at the resolution asked for or the highest that fits. */
function chosenBricks(
  grid: Float32Array,
  cells: number,
  { wanted, finest, mostBytes }: { wanted: number | undefined; finest: number; mostBytes: number },
): ChosenBricks {
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted > 0 && wanted % UNIT === 0))
    throw new Error(`bake: resolution ${wanted}; give a multiple of ${UNIT}, such as 256`)
  const usual = Math.min(MOST_CELLS, Math.ceil((CELLS_PER_FINEST * finest) / UNIT) * UNIT)
  for (let resolution = wanted ?? usual; ; resolution -= UNIT) {
    const maxima = brickMaxima(grid, cells, resolution)
    const bricks = occupiedBricks(maxima, resolution, THRESHOLDS)
    const bytes = bricks.bricks.length * CORNERS * 4
    if (bytes <= mostBytes) return { resolution, bricks, maxima }
    const needed = `bake: ${bricks.bricks.length} bricks of resolution ${resolution} take ${mebibytes(bytes)}, allowed are ${mebibytes(mostBytes)}`
    if (wanted !== undefined) throw new Error(`${needed}; give a lower resolution, or allow more with mostBytes`)
    if (resolution <= UNIT) throw new Error(`${needed}; allow more with mostBytes`)
  }
}

/** Runs the networks over the corners of all bricks: their words, and each brick's largest density. */
async function bakeBricks(
  scene: SceneManipulator,
  { codes, warp }: { codes: CodeField; warp: CodeField },
  bricks: Uint32Array,
  resolution: number,
  scale: Storage,
): Promise<{ voxels: Storage; largest: Float32Array }> {
  const { device } = scene
  const atOnce = Math.min(Math.max(bricks.length, 1), Math.max(1, Math.floor(POINTS_AT_ONCE[device.kind] / CORNERS)))
  const numbers = new Storage(device, atOnce, 'u32')
  const { sigma, rgb } = scene.field('F', { warp, codes })(brickPoints(numbers.tensor([atOnce]), resolution), fill([1, 3], 0))
  const packed = packBricks(sigma, rgb, scale.tensor([2]))
  // Runs are copied to their place; a run of fewer bricks than its plan has leaves the rest of it behind.
  const voxels = { run: new Storage(device, atOnce * CORNERS, 'u32'), all: new Storage(device, bricks.length * CORNERS, 'u32') }
  const largest = { run: new Storage(device, atOnce), all: new Storage(device, bricks.length) }
  const into = [
    { value: packed.words, leaf: voxels.run.tensor([atOnce * CORNERS]) },
    { value: packed.largest, leaf: largest.run.tensor([atOnce]) },
  ]
  using repeated = compileRepeated(device, { into }, [numbers])
  repeated.prepare()
  for (let begin = 0; begin < bricks.length; begin += atOnce) {
    const count = Math.min(atOnce, bricks.length - begin)
    numbers.write(bricks.subarray(begin, begin + count))
    repeated.plan.run()
    for (const [{ run, all }, width] of [[voxels, CORNERS] as const, [largest, 1] as const])
      device.copy({ ...run.region, length: count * width }, { memory: all.region.memory, offset: begin * width, length: count * width })
  }
  const found = await largest.all.read(0, bricks.length)
  for (const storage of [numbers, voxels.run, largest.run, largest.all]) storage.release()
  return { voxels: voxels.all, largest: found }
}
