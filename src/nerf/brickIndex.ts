/** Which bricks of a baked view there are: found from the scene's density grid, and laid out as the index that rays walk over. Host work, plain numbers. */
import { BRICK, bricksAlong, COARSE, COARSER, EMPTY } from '../tensor/ops/bricks.ts'

/** The largest of each cell and its neighbours along every axis of a grid [G³]: what a place between two cells may hold. */
export function widened(grid: Float32Array, resolution: number): Float32Array {
  let from = grid
  for (const stride of [1, resolution, resolution ** 2]) {
    const to = new Float32Array(from.length)
    for (let i = 0; i < from.length; i++) {
      const at = Math.floor(i / stride) % resolution
      const before = at > 0 ? from[i - stride] : 0
      const after = at < resolution - 1 ? from[i + stride] : 0
      to[i] = Math.max(from[i], before, after)
    }
    from = to
  }
  return from
}

/** The largest value of a density grid [G³], widened, in every brick of a view of `resolution` cells, [(N / 8)³] with x slowest. */
export function brickMaxima(grid: Float32Array, gridResolution: number, resolution: number): Float32Array {
  const along = bricksAlong(resolution)
  let from = widened(grid, gridResolution)
  let [outer, inner] = [1, gridResolution ** 2]
  // One axis after the other, x first: [outer, G, inner] -> [outer, along, inner].
  for (let axis = 0; axis < 3; axis++) {
    const to = new Float32Array(outer * along * inner)
    for (let o = 0; o < outer; o++)
      for (let b = 0; b < along; b++) {
        const end = Math.min(Math.ceil(((b + 1) * gridResolution) / along), gridResolution)
        for (let g = Math.floor((b * gridResolution) / along); g < end; g++)
          for (let i = 0; i < inner; i++) {
            const at = (o * along + b) * inner + i
            to[at] = Math.max(to[at], from[(o * gridResolution + g) * inner + i])
          }
      }
    from = to
    outer *= along
    inner /= gridResolution
  }
  return from
}

/** What a baked view keeps. */
export interface OccupiedBricks {
  /** Fine bricks, then coarse ones with their COARSE bit: what `brickPoints` takes. */
  readonly bricks: Uint32Array
  readonly fine: number
}

/** Densities, per space unit, above which a place gets fine bricks, and above which it gets coarse ones: below, light goes through unchanged. */
export interface BrickThresholds {
  readonly surface: number
  readonly haze: number
}

const COARSE_CELLS = BRICK * COARSER

/** The bricks of a view of `resolution` cells over a density grid. @param maxima of the view's bricks (see `brickMaxima`). */
export function occupiedBricks(maxima: Float32Array, resolution: number, { surface, haze }: BrickThresholds): OccupiedBricks {
  const along = bricksAlong(resolution)
  const coarseAlong = resolution / COARSE_CELLS
  const fine: number[] = []
  const coarse = new Set<number>()
  for (const [b, value] of maxima.entries()) {
    if (value > surface) fine.push(b)
    else if (value > haze) coarse.add(coarseOf(b, along, coarseAlong))
  }
  return { bricks: Uint32Array.from([...fine, ...[...coarse].sort((a, b) => a - b).map(b => b + COARSE)]), fine: fine.length }
}

/** The coarse brick that covers brick b. */
function coarseOf(b: number, along: number, coarseAlong: number): number {
  const [x, y, z] = [Math.floor(b / along ** 2), Math.floor(b / along) % along, b % along].map(v => Math.floor(v / COARSER))
  return (x * coarseAlong + y) * coarseAlong + z
}

/** Farthest distance that the index tells, in bricks. */
const MOST_DISTANCE = 255

/**
 * The index of a view's bricks [(N / 8)³] (see bricks.ts): `bricks[j]` has number j, unless `kept[j]` is 0: it turned out to be empty. Empty ones know how
 * far it is to the next with density, along the axis where that is farthest.
 */
export function brickIndex(
  maxima: Float32Array,
  { bricks, fine }: OccupiedBricks,
  resolution: number,
  { surface, haze }: BrickThresholds,
  kept: ArrayLike<number>,
): Uint32Array {
  const along = bricksAlong(resolution)
  const index = new Uint32Array(along ** 3).fill(EMPTY)
  const coarse = new Map<number, number>()
  for (const [j, b] of bricks.entries()) {
    if (kept[j] === 0) continue
    if (j < fine) index[b] = j
    else coarse.set(b - COARSE, j)
  }
  for (const [b, value] of maxima.entries()) {
    const number = coarse.get(coarseOf(b, along, resolution / COARSE_CELLS))
    if (index[b] === EMPTY && value > haze && value <= surface && number !== undefined) index[b] = number + COARSE
  }
  const distance = distances(index, along)
  return index.map((word, b) => (word === EMPTY ? EMPTY + distance[b] : word))
}

/** Of each empty brick to the nearest other one, along the axis where that is farthest. */
function distances(index: Uint32Array, along: number): Uint32Array {
  let distance = index.map(word => (word === EMPTY ? MOST_DISTANCE : 0))
  // Such a distance is found one axis after the other: the least, over the places along it, of the larger of their way here and of what they have.
  for (const stride of [1, along, along ** 2]) {
    const before = distance
    distance = before.map((least, i) => {
      const at = Math.floor(i / stride) % along
      for (let step = 1; step < least && step < along; step++) {
        if (at >= step) least = Math.min(least, Math.max(step, before[i - step * stride]))
        if (at + step < along) least = Math.min(least, Math.max(step, before[i + step * stride]))
      }
      return least
    })
  }
  return distance
}
