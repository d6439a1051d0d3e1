/** Training losses of the scene manipulator (paper §3.2 and the terms the official code adds). */
import { affine, mul, square, sub } from '../tensor/ops/elementwise.ts'
import { medianSample, pickSample } from '../tensor/ops/medianSample.ts'
import { mean, sumLast } from '../tensor/ops/reduce.ts'
import { robustLoss } from '../tensor/ops/robust.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { RenderedLevel } from './coarseFine.ts'

/** Squared colour difference of each ray, summed over the channels; [R, 3] each -> [R]. */
export function squaredErrors(rendered: Tensor, observed: Tensor): Tensor {
  return sumLast(square(sub(rendered, observed)))
}

/** Mean squared colour difference over rays and channels, from `squaredErrors`; [R] -> []. */
export function photometricLoss(errors: Tensor): Tensor {
  return affine(mean(errors), 1 / 3)
}

/** Geman–McClure: the robust loss at α = −2, which stops growing for points that truly move. */
const GEMAN_MCCLURE = -2

/**
 * How far T moves points, ‖x' − x‖² under a robust kernel; mean over points, optionally weighted. [Q, 3] each -> [].
 * With `scale` in the units of x: displacements well above it all cost the same.
 */
export function displacementLoss(warped: Tensor, x: Tensor, scale: number, weights?: Tensor): Tensor {
  const rho = robustLoss(sumLast(square(sub(warped, x))), { alpha: GEMAN_MCCLURE, scale })
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
  const errors = squaredErrors(color, observed)
  const photometric = photometricLoss(errors)
  const median = medianSample(weights)
  return { errors, photometric, warp: displacementLoss(pickSample(warped, median), pickSample(points, median), warpScale) }
}
