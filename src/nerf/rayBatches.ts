/**
 * Training rays: pixels are drawn by blocks, in proportion to how much of the person a block shows and how wrong it was rendered last time.
 * Eyelids are 0.4 % of the pixels; drawn evenly, the run is over before a closed eye is learnt.
 */
import type { Camera } from '../camera/camera.ts'
import { pixelsToRays } from '../camera/rays.ts'
import { cross, length, transformTransposed } from '../camera/vector.ts'
import type { Capture } from '../capture/capture.ts'
import { HostRandom } from '../tensor/hostRandom.ts'
import { intoSpace, type Space } from './space.ts'

export interface RayBatch {
  /** [R, 3], space units. */
  readonly origins: Float32Array
  /** [R, 3], unit length. */
  readonly directions: Float32Array
  /** [R, 3], sRGB 0..1. */
  readonly colors: Float32Array
  /** Latent code of each ray, [R]. */
  readonly codes: Uint32Array
}

export interface RayBatches {
  /** Block errors: the only state, kept with a checkpoint. */
  readonly errors: Float32Array
  /** Fills and returns the batch of a step; its arrays are reused. A function of (seed, step, errors). */
  draw(step: number): RayBatch
  /** Tells how wrong the rays of the last draw came out, squared error [R]. */
  observe(squaredErrors: Float32Array): void
}

export interface RayOptions {
  readonly rays: number
  /** Weight of a block that shows nothing of the person, beside 1 for one that shows nothing else. 1 draws both alike. */
  readonly roomShare: number
  /** Weight of a block away from the point that all cameras look at, the face, beside 1 for one near it. 1 draws both alike. */
  readonly rimShare: number
  /** See `TrainingConfig.errorPower`. */
  readonly errorPower: number
  readonly seed: number
  /** Errors of an interrupted run. Throws when they belong to another capture. */
  readonly errors?: Float32Array
}

/** Stream of the host's draws for ray batches; others use other numbers. */
const STREAM = 1
/** Edge of a block in pixels: about an eye at 64². */
const BLOCK = 4
/** Share of a new observation in a block's error. */
const NOVELTY = 0.3
/** Probability of a block without error, beside 1 for the mean error. */
const LEAST = 0.1

interface Source {
  readonly camera: Camera
  /** World to camera, row by row. */
  readonly orientation: Float64Array
  readonly image: Float32Array
  readonly code: number
  /** Directions in camera axes, [H · W, 3]; shared by frames with one lens. */
  readonly lens: Float32Array
  /** Blocks per row, and this frame's first block. */
  readonly columns: number
  readonly firstBlock: number
}

/** Prepares a capture's training frames. */
export function rayBatches(capture: Capture, space: Space, { rays, roomShare, rimShare, errorPower, seed, errors: known }: RayOptions): RayBatches {
  const lenses = new Map<string, Float32Array>()
  const sources: Source[] = []
  const shares: Float32Array[] = []
  let blocks = 0
  for (const frame of capture.frames.filter(f => f.split === 'train')) {
    const share = personShares(frame.camera.imageSize, frame.mask)
    const columns = Math.ceil(frame.camera.imageSize[0] / BLOCK)
    const camera = intoSpace(frame.camera, space)
    sources.push({
      camera,
      orientation: Float64Array.from(camera.orientation.flat()),
      image: frame.image,
      code: frame.code,
      lens: lensOf(frame.camera, lenses),
      columns,
      firstBlock: blocks,
    })
    const near = nearFocus(sources[sources.length - 1], share.length)
    shares.push(share.map((s, b) => (roomShare + (1 - roomShare) * s) * (near[b] ? 1 : rimShare)))
    blocks += share.length
  }
  if (known && known.length !== blocks)
    throw new Error(`train: the checkpoint knows ${known.length} blocks of pixels, the capture has ${blocks}; resume with the same capture`)
  const errors = known ?? new Float32Array(blocks).fill(1)
  const share = Float32Array.from(shares.flatMap(s => [...s]))
  const sourceOfBlock = Uint32Array.from(shares.flatMap((s, i) => [...s].map(() => i)))
  const powered = Float64Array.from(errors, e => e ** errorPower)
  const cumulative = new Float64Array(blocks)
  // The block in which each of the R equal parts of the whole begins.
  const firsts = new Uint32Array(rays + 1)
  let stale = true
  const drawn = new Uint32Array(rays)
  const stride = coprimeStride(rays)
  const sums = new Float64Array(blocks)
  const counts = new Uint32Array(blocks)
  const batch: RayBatch = {
    origins: new Float32Array(rays * 3),
    directions: new Float32Array(rays * 3),
    colors: new Float32Array(rays * 3),
    codes: new Uint32Array(rays),
  }
  return {
    errors,
    draw(step) {
      if (stale) {
        accumulate(errors, powered, share, errorPower, cumulative)
        divide(cumulative, firsts)
      }
      stale = false
      const random = new HostRandom(seed + Math.imul(step, 0x9e3779b1), STREAM)
      // One draw from each of R equal parts of the whole: less left to chance, and a short way to each draw's block.
      const part = cumulative[blocks - 1] / rays
      for (let r = 0; r < rays; r++) {
        const block = firstAbove(cumulative, (r + random.next()) * part, firsts[r], firsts[r + 1])
        const source = sources[sourceOfBlock[block]]
        const { lens, image, orientation, columns, camera } = source
        const [width, height] = camera.imageSize
        const local = block - source.firstBlock
        const column = Math.min((local % columns) * BLOCK + random.integer(BLOCK), width - 1)
        const row = Math.min(Math.floor(local / columns) * BLOCK + random.integer(BLOCK), height - 1)
        const at = (row * width + column) * 3
        // Neighbouring draws lie apart in the batch: side by side they would wait for each other where gradients of one place are added up.
        const slot = (r * stride) % rays
        const to = 3 * slot
        // Written out: thousands of small arrays per step would cost more than the rest of a step on a GPU.
        for (let c = 0; c < 3; c++) {
          batch.directions[to + c] = orientation[c] * lens[at] + orientation[3 + c] * lens[at + 1] + orientation[6 + c] * lens[at + 2]
          batch.origins[to + c] = camera.position[c]
          batch.colors[to + c] = image[at + c]
        }
        batch.codes[slot] = source.code
        drawn[slot] = block
      }
      return batch
    },
    observe(squaredErrors) {
      for (const [r, block] of drawn.entries()) {
        sums[block] += squaredErrors[r]
        counts[block]++
      }
      for (const block of drawn) {
        if (counts[block] === 0) continue
        errors[block] += NOVELTY * (sums[block] / counts[block] - errors[block])
        powered[block] = errors[block] ** errorPower
        sums[block] = 0
        counts[block] = 0
      }
      stale = true
    },
  }
}

/** A number without a common factor with n, near 0.618 n: its multiples modulo n visit everything, neighbours far apart. */
function coprimeStride(n: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  let stride = Math.max(1, Math.round(0.618 * n))
  while (divisor(n, stride) > 1) stride++
  return stride
}

/** Running sums of the blocks' weights: share · ((error / mean error)^power + least). `powered` holds error^power: a capture has 200,000 blocks. */
function accumulate(errors: Float32Array, powered: Float64Array, share: Float32Array, power: number, cumulative: Float64Array): void {
  let total = 0
  for (let b = 0; b < errors.length; b++) total += errors[b]
  const scale = (errors.length / Math.max(total, 1e-12)) ** power
  let sum = 0
  for (let b = 0; b < errors.length; b++) {
    sum += share[b] * (powered[b] * scale + LEAST)
    cumulative[b] = sum
  }
}

/** Where each of equal parts of the whole begins: the first index whose running sum is above it. */
function divide(cumulative: Float64Array, firsts: Uint32Array): void {
  const part = cumulative[cumulative.length - 1] / (firsts.length - 1)
  let index = 0
  for (let r = 0; r < firsts.length; r++) {
    while (index < cumulative.length - 1 && cumulative[index] <= r * part) index++
    firsts[r] = index
  }
}

/** The first index in low..high whose running sum is above `value`; `high` where none before it is. */
function firstAbove(cumulative: Float64Array, value: number, low: number, high: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    if (cumulative[middle] <= value) low = middle + 1
    else high = middle
  }
  return low
}

/** Share of the person in each block; 1 everywhere without a mask. */
function personShares([width, height]: readonly [number, number], mask: Float32Array | undefined): Float32Array {
  const columns = Math.ceil(width / BLOCK)
  const share = new Float32Array(columns * Math.ceil(height / BLOCK))
  if (!mask) return share.fill(1)
  const counts = new Float32Array(share.length)
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const block = Math.floor(row / BLOCK) * columns + Math.floor(column / BLOCK)
      share[block] += mask[row * width + column]
      counts[block]++
    }
  }
  return share.map((s, b) => s / counts[b])
}

/** A ray this near to the focus, in space units, shows the middle of the face: half of the half picture. */
const FOCUS_RADIUS = 0.5

/** Which blocks' middle rays pass near the origin of space. */
function nearFocus({ camera, lens, columns }: Source, blocks: number): boolean[] {
  const [width, height] = camera.imageSize
  return Array.from({ length: blocks }, (_, b) => {
    const column = Math.min((b % columns) * BLOCK + BLOCK / 2, width - 1)
    const row = Math.min(Math.floor(b / columns) * BLOCK + BLOCK / 2, height - 1)
    const at = (row * width + column) * 3
    const direction = transformTransposed(camera.orientation, [lens[at], lens[at + 1], lens[at + 2]])
    return length(cross(camera.position, direction)) < FOCUS_RADIUS
  })
}

const IDENTITY: Camera['orientation'] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]

/** Unit directions of all pixel centres in camera axes, computed once per lens. */
function lensOf(camera: Camera, known: Map<string, Float32Array>): Float32Array {
  const { orientation: _, position: __, ...lens } = camera
  const key = JSON.stringify(lens)
  const found = known.get(key)
  if (found) return found
  const [width, height] = camera.imageSize
  const pixels = Float32Array.from({ length: width * height * 2 }, (_, i) => {
    const pixel = i >> 1
    return (i % 2 === 0 ? pixel % width : Math.floor(pixel / width)) + 0.5
  })
  const directions = pixelsToRays({ ...camera, orientation: IDENTITY, position: [0, 0, 0] }, pixels)
  known.set(key, directions)
  return directions
}
