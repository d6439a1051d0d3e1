/**
 * The coordinates that T, H and F think in. Cameras, rays and code fields are in space units (see space.ts) for every preset; a scene's networks take
 * points over into their own here.
 */
import { contract } from '../tensor/ops/contract.ts'
import { add, affine } from '../tensor/ops/elementwise.ts'
import { repeatRows } from '../tensor/ops/rows.ts'
import { reshape, rowCount, type Source, type Tensor } from '../tensor/tensor.ts'

export interface Coordinates {
  /** One unit of these coordinates, in space units. */
  readonly unit: number
  /** Points [Q, 3] in space units -> in these coordinates. */
  from(x: Tensor): Tensor
  /** What encodings see of points [Q, 3] in these coordinates. */
  seen(points: Tensor): Tensor
}

const folded = new WeakMap<Source, Tensor>()

/** `contract` of points [Q, 3]; asked again of the same points, the same tensor: T, H, F and the density grid all look at it. */
export function contracted(points: Tensor): Tensor {
  const found = folded.get(points.source) ?? contract(points)
  folded.set(points.source, found)
  return reshape(found, points.shape)
}

/** Space units; encodings see the room folded into the ball of radius 2, so that a hash grid has bounds. */
export const CONTRACTED: Coordinates = { unit: 1, from: x => x, seen: contracted }

/** The units of space themselves, as they are. */
export const PLAIN: Coordinates = { unit: 1, from: x => x, seen: points => points }

/** The capture's scene units, as in the original: its origin and scale decide what 2^k bands resolve and what T turns about. @param center of space, [1, 3]. */
export function sceneUnits(radius: number, center: Tensor): Coordinates {
  return { unit: 1 / radius, from: x => add(affine(x, radius), repeatRows(center, rowCount(x.shape))), seen: points => points }
}
