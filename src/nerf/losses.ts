/** Training losses of the scene manipulator (paper §3.2 and the terms the official code adds). */
import { mul } from '../tensor/ops/elementwise.ts'
import { medianSample, pickSample } from '../tensor/ops/medianSample.ts'
import { mean, scaledSum } from '../tensor/ops/reduce.ts'
import { robustLoss } from '../tensor/ops/robust.ts'
import { squaredDistance } from '../tensor/ops/squaredDistance.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { RenderedLevel } from './coarseFine.ts'

/** Geman–McClure: the robust loss at α = −2, which stops growing for points that truly move. */
const GEMAN_MCCLURE = -2

/**
 * How far T moves points, ‖x' − x‖² under a robust kernel; mean over points, optionally weighted. [Q, 3] each -> [].
 * With `scale` in the units of x: displacements well above it all cost the same.
 */
export function displacementLoss(warped: Tensor, x: Tensor, scale: number, weights?: Tensor): Tensor {
  const rho = robustLoss(squaredDistance(warped, x), { alpha: GEMAN_MCCLURE, scale })
  return mean(weights ? mul(weights, rho) : rho)
}

/** What one level of rays contributes to the loss. */
export interface LevelLoss {
  /** Squared colour difference of each ray, [R]. */
  readonly errors: Tensor
  /** Their mean over rays and channels, [] (paper Eq. 11). */
  readonly photometric: Tensor
  /** How far T moves the samples of median depth, [], unweighted: the authors' regulariser, which the paper leaves out. */
  readonly warp: Tensor
}

/** @param observed colours of the pixels, sRGB 0..1, [R, 3]. @param warpScale of the robust kernel, in the networks' coordinates. */
export function levelLoss({ weights, points, warped, color }: RenderedLevel, observed: Tensor, warpScale: number): LevelLoss {
  const errors = squaredDistance(color, observed)
  const photometric = scaledSum(errors, 1 / color.length)
  const median = medianSample(weights)
  return { errors, photometric, warp: displacementLoss(pickSample(warped, median), pickSample(points, median), warpScale) }
}
