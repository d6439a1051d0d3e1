/** How much an edit changed, and where. */
import { meanSquaredError } from './psnr.ts'

export interface RegionChange {
  /** Mean squared change of sRGB within the region. */
  readonly inside: number
  /** The same outside it. */
  readonly outside: number
  /** outside ÷ inside: 0 for an edit that keeps to its region. Absent where nothing changed inside. */
  readonly ratio?: number
}

/**
 * Change between two pictures [H · W · 3] inside a region [H · W] (weights 0..1) and outside it. Throws when the region is empty or the whole picture.
 */
export function regionChange(before: ArrayLike<number>, after: ArrayLike<number>, region: ArrayLike<number>): RegionChange {
  const inside = meanSquaredError(before, after, { mask: region })
  const outside = meanSquaredError(before, after, { mask: Float32Array.from(region, weight => 1 - weight) })
  return inside > 0 ? { inside, outside, ratio: outside / inside } : { inside, outside }
}
