/**
 * The original two-level renderer (NeRF §5.2, HyperNeRF): a coarse pass over stratified samples tells where the fine pass looks, and the fine pass
 * sees the samples of both. T and H serve both levels, F is trained once for each.
 */
import { rayPoints } from '../tensor/ops/rayPoints.ts'
import { rayWeights } from '../tensor/ops/rayWeights.ts'
import { fineSamples, sortedUnion, stratifiedSamples } from '../tensor/ops/sampling.ts'
import { sumSamples } from '../tensor/ops/sumSamples.ts'
import { reshape, rowCount, type Tensor } from '../tensor/tensor.ts'
import type { FieldValues, RadianceField } from './radianceField.ts'

/** R rays in space units. */
export interface Rays {
  /** [R, 3] each; directions have unit length. */
  readonly origins: Tensor
  readonly directions: Tensor
}

/** What one level saw; Q = R · M. */
export interface RenderedLevel extends FieldValues {
  /** Sample distances, ascending, [R, M]. */
  readonly z: Tensor
  /** Where the stretch of the ray that a sample stands for begins, [R, M]. */
  readonly starts: Tensor
  /** [R, M]; the last sample reaches to infinity, so that rows sum to about 1. */
  readonly weights: Tensor
  /** sRGB 0..1, [R, 3]. */
  readonly color: Tensor
}

/** A field at samples of every ray, composited (paper Eq. 1). */
export function renderLevel(field: RadianceField, { origins, directions }: Rays, { z, starts }: { z: Tensor; starts: Tensor }): RenderedLevel {
  const values = field(rayPoints(origins, directions, z), directions) // [R, M] -> [Q, 3]
  const weights = rayWeights(reshape(values.sigma, z.shape), starts, undefined, { infinity: true })
  return { ...values, z, starts, weights, color: sumSamples(weights, values.rgb) }
}

/** How many samples a pass takes, and the uniforms [R, count] in [0, 1) that place them; evenly spaced without. */
export interface Pass {
  readonly count: number
  readonly u?: Tensor
}

export interface CoarseFineOptions {
  /** Range of the samples along the ray, space units. */
  readonly near: number
  readonly far: number
  readonly coarse: Pass
  readonly fine: Pass
  /** The fine level sees its own samples alone, instead of those of both. */
  readonly fineAlone?: boolean
}

/** Both levels of rays R: M_c coarse samples, then M_c + M_f fine ones. Sample positions carry no gradient. */
export function coarseFine(
  fields: { readonly coarse: RadianceField; readonly fine: RadianceField },
  rays: Rays,
  { near, far, coarse: { count, u }, fine, fineAlone = false }: CoarseFineOptions,
): { coarse: RenderedLevel; fine: RenderedLevel } {
  const z = stratifiedSamples(u, { near, far, count, rays: rowCount(rays.origins.shape) })
  const coarse = renderLevel(fields.coarse, rays, { z, starts: z })
  // Alone, the samples have to come in ascending order: their uniforms are spread over strata of [0, 1].
  const spread = fineAlone && fine.u ? stratifiedSamples(fine.u, { near: 0, far: 1, count: fine.count }) : fine.u
  const closer = fineSamples(z, coarse.weights, spread, fine.count)
  const all = fineAlone ? closer : sortedUnion(z, closer)
  return { coarse, fine: renderLevel(fields.fine, rays, { z: all, starts: all }) }
}
