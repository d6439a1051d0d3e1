/**
 * The original two-level renderer (NeRF §5.2, HyperNeRF): a coarse pass over stratified samples tells where the fine pass looks, and the fine pass
 * sees the samples of both. T and H serve both levels, F is trained once for each. Positions are not contracted, and F sees them in frequency
 * bands instead of a hash grid; otherwise the roles are those of the scene manipulator.
 */
import type { ParameterSet, ParameterSpecs } from '../nn/parameters.ts'
import { concat } from '../tensor/ops/concat.ts'
import { add, affine } from '../tensor/ops/elementwise.ts'
import { frequencyEncoding } from '../tensor/ops/frequencyEncoding.ts'
import { medianSample, pickSample } from '../tensor/ops/medianSample.ts'
import { rayPoints } from '../tensor/ops/rayPoints.ts'
import { rayWeights } from '../tensor/ops/rayWeights.ts'
import { repeatRows } from '../tensor/ops/rows.ts'
import { fineSamples, sortedUnion, stratifiedSamples } from '../tensor/ops/sampling.ts'
import { sumSamples } from '../tensor/ops/sumSamples.ts'
import { reshape, type Tensor } from '../tensor/tensor.ts'
import type { CodeField } from './codeField.ts'
import { deformationField, deformationSpecs } from './deformationField.ts'
import { displacementLoss, photometricLoss, squaredErrors } from './losses.ts'
import type { FieldConfig } from './presets.ts'
import { encodePoints, slicingSpecs, slicingSurface } from './slicingSurface.ts'
import { type RadianceConfig, radianceMlp, radianceSpecs } from './templateNerf.ts'

/** F of one level: the radiance MLP on frequency bands 0 … n − 1 of x', of the ambient coordinates and of the viewing direction. */
export interface FrequencyTemplateConfig extends Omit<RadianceConfig, 'nIn' | 'conditionSize'> {
  readonly positionBands: number
  readonly ambientBands: number
  readonly directionBands: number
}

export interface CoarseFineConfig {
  readonly codeSize: number
  readonly ambientSize: number
  readonly deformation: FieldConfig
  readonly slicing: FieldConfig
  readonly template: FrequencyTemplateConfig
  /** Range of the samples along the ray, in the units of the points. */
  readonly near: number
  readonly far: number
}

const LEVELS = ['F/coarse', 'F/fine'] as const

function radianceConfig({ template, ambientSize }: CoarseFineConfig): RadianceConfig {
  const { positionBands, ambientBands, directionBands, ...sizes } = template
  return { ...sizes, nIn: 6 * positionBands + 2 * ambientBands * ambientSize, conditionSize: 6 * directionBands }
}

/** Parameters of T, H and the two F; the table of codes is the caller's. */
export function coarseFineSpecs(config: CoarseFineConfig): ParameterSpecs {
  const templates = LEVELS.map(name => radianceSpecs(name, radianceConfig(config)))
  return Object.assign(
    {},
    deformationSpecs(config.deformation, config.codeSize),
    slicingSpecs(config.slicing, config.codeSize, config.ambientSize),
    ...templates,
  )
}

export interface CoarseFineInput {
  /** [R, 3] each; directions have unit length. */
  readonly origins: Tensor
  readonly directions: Tensor
  /** Code of T at every point; in training the frame's own, in edits w_R. */
  readonly warp: CodeField
  /** Code of H at every point. */
  readonly codes: CodeField
  /** Uniforms of the stratified samples [R, M_c] and of the importance samples [R, M_f], in [0, 1). */
  readonly uCoarse: Tensor
  readonly uFine: Tensor
  /** Coarse-to-fine windows [bands] of T's positions and of the ambient coordinates; all open without. */
  readonly windows?: { readonly warp?: Tensor; readonly ambient?: Tensor }
}

/** What one level saw; Q = R · M. */
export interface RenderedLevel {
  /** Sample distances, ascending, [R, M]. */
  readonly z: Tensor
  /** Sample points before and after T, [Q, 3], and their ambient coordinates, [Q, ambientSize]. */
  readonly x: Tensor
  readonly warped: Tensor
  readonly ambient: Tensor
  /** [R, M]; the last sample reaches to infinity, so that rows sum to about 1. */
  readonly weights: Tensor
  /** sRGB 0..1, [R, 3]. */
  readonly color: Tensor
}

/** Both levels of rays R: M_c coarse samples, then M_c + M_f fine ones. Sample positions carry no gradient. */
export function coarseFine(
  parameters: ParameterSet,
  config: CoarseFineConfig,
  input: CoarseFineInput,
): { coarse: RenderedLevel; fine: RenderedLevel } {
  const { uCoarse, uFine } = input
  const z = stratifiedSamples(uCoarse, { near: config.near, far: config.far, count: uCoarse.shape[1] })
  const coarse = renderLevel(parameters, LEVELS[0], config, input, z)
  const fine = renderLevel(parameters, LEVELS[1], config, input, sortedUnion(z, fineSamples(z, coarse.weights, uFine)))
  return { coarse, fine }
}

/** G(x, d, w) = F(T(x, w), H(x, w), d) at the samples z [R, M] of every ray, composited (paper Eq. 1 and 6). */
function renderLevel(parameters: ParameterSet, name: string, config: CoarseFineConfig, input: CoarseFineInput, z: Tensor): RenderedLevel {
  const { origins, directions, windows } = input
  const { deformation, slicing, template } = config
  const [, M] = z.shape
  const x = rayPoints(origins, directions, z) // [R, M] -> [Q, 3]
  const warped = deformationField(parameters, deformation, { x, seen: x, codes: input.warp(x), window: windows?.warp })
  const ambient = slicingSurface(parameters, slicing, encodePoints(slicing, x), input.codes(x))
  const position = frequencyEncoding(warped, { minBand: 0, bands: template.positionBands })
  const slice = frequencyEncoding(ambient, { minBand: 0, bands: template.ambientBands, window: windows?.ambient })
  const direction = repeatRows(frequencyEncoding(directions, { minBand: 0, bands: template.directionBands }), M)
  const { rgb, sigma } = radianceMlp(parameters, name, concat([position, slice]), direction, radianceConfig(config))
  const weights = rayWeights(reshape(sigma, z.shape), z, undefined, { infinity: true })
  return { z, x, warped, ambient, weights, color: sumSamples(weights, rgb) }
}

export interface CoarseFineLossOptions {
  /** Colours of the pixels, sRGB 0..1, [R, 3]. */
  readonly observed: Tensor
  /** Weight of the displacement of the samples of median depth, and the scale of its robust kernel in the units of the points. */
  readonly warpWeight: number
  readonly warpScale: number
  /** Weighted Lipschitz penalty []; added for each level, as the authors' code does. */
  readonly penalty?: Tensor
}

/** Terms of one level, all []; the total counts `warp` with its weight. */
export interface LevelLoss {
  readonly photometric: Tensor
  readonly warp: Tensor
  readonly total: Tensor
}

/** Losses of both levels (paper Eq. 11 and the authors' warp regulariser); the sum of the totals is what trains. */
export function coarseFineLoss(
  levels: { coarse: RenderedLevel; fine: RenderedLevel },
  options: CoarseFineLossOptions,
): { coarse: LevelLoss; fine: LevelLoss } {
  return { coarse: levelLoss(levels.coarse, options), fine: levelLoss(levels.fine, options) }
}

function levelLoss({ weights, x, warped, color }: RenderedLevel, { observed, warpWeight, warpScale, penalty }: CoarseFineLossOptions): LevelLoss {
  const photometric = photometricLoss(squaredErrors(color, observed))
  const median = medianSample(weights)
  const warp = displacementLoss(pickSample(warped, median), pickSample(x, median), warpScale)
  const data = add(photometric, affine(warp, warpWeight))
  return { photometric, warp, total: penalty ? add(data, penalty) : data }
}
