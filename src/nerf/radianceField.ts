/** G(x, d, w) = F(T(x, w_R), H(x, w), d) (paper Eq. 6) as functions of its parts: what one network F sees of points on rays. */
import type { Weights } from '../nn/linear.ts'
import { boundedWeights } from '../nn/lipschitz.ts'
import type { ParameterSet } from '../nn/parameters.ts'
import { affine } from '../tensor/ops/elementwise.ts'
import { frequencyEncoding } from '../tensor/ops/frequencyEncoding.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type CodeField, codesAt } from './codeField.ts'
import type { Coordinates } from './coordinates.ts'
import { deformationField } from './deformationField.ts'
import type { SceneConfig } from './sceneConfig.ts'
import { encodePoints, slicingSurface } from './slicingSurface.ts'
import { encodePosition, templateNerf } from './templateNerf.ts'

/** T, H and every F, and the coordinates they think in. */
export interface Networks {
  readonly parameters: ParameterSet
  readonly config: Pick<SceneConfig, 'ambientSize' | 'deformation' | 'slicing' | 'slicingSees' | 'template'>
  readonly coordinates: Coordinates
  /** Coarse-to-fine windows [bands] of T's positions and of the ambient coordinates; all open without. */
  readonly windows?: { readonly warp?: Tensor; readonly ambient?: Tensor }
}

/** Q points on R rays, Q = R · samples, ray by ray. */
export interface RadianceQuery {
  /** In space units, [Q, 3]. */
  readonly x: Tensor
  /** Moved by T, in the networks' coordinates, [Q, 3]. */
  readonly warped: Tensor
  /** What F sees of the warped points, if it is known already (`encodeWarped`). */
  readonly position?: Tensor | undefined
  /** Unit directions of the rays, [R, 3]. */
  readonly directions: Tensor
}

/** T: points [Q, 3] in space units and codes [Q, d_w] or [1, d_w] -> warped points [Q, 3] in the networks' coordinates, with the points T moved. */
export function warpPoints({ parameters, config, coordinates, windows }: Networks, x: Tensor, codes: Tensor): { points: Tensor; warped: Tensor } {
  const points = coordinates.from(x)
  const seen = coordinates.seen(points)
  return { points, warped: deformationField(parameters, config.deformation, { x: points, seen, codes, window: windows?.warp }) }
}

/** What the network `F` sees of warped points [Q, 3], all that it sees of a position. */
export function encodeWarped({ parameters, config, coordinates }: Networks, F: string, warped: Tensor): Tensor {
  return encodePosition(parameters, F, config.template, coordinates.seen(warped))
}

/** H then F: rgb [Q, 3] in 0..1, sigma [Q] per space unit and ambient coordinates [Q, ambientSize], under codes [Q, d_w] or [1, d_w]. */
export function radiance(networks: Networks, F: string, query: RadianceQuery, codes: Tensor): { rgb: Tensor; sigma: Tensor; ambient: Tensor } {
  const { parameters, config, coordinates, windows } = networks
  const { slicing, slicingSees, template, ambientSize } = config
  const { x, warped, position = encodeWarped(networks, F, warped), directions } = query
  const seen = coordinates.seen(slicingSees === 'warped' ? warped : coordinates.from(x))
  const weights = boundedNetworks(parameters, F, config)
  const ambient = slicingSurface(weights.H, slicing, encodePoints(slicing, seen), codes)
  const slice = frequencyEncoding(ambient, { minBand: 0, bands: template.ambientBands, window: windows?.ambient })
  const { rgb, sigma } = templateNerf(weights.F, F, template, ambientSize, { position, ambient: slice, directions })
  return { rgb, ambient, sigma: coordinates.unit === 1 ? sigma : affine(sigma, 1 / coordinates.unit) }
}

/** The weights of H and of network `F` under their bounds (Eq. 9): of both at once, where they are bounded alike. */
function boundedNetworks(
  parameters: ParameterSet,
  F: string,
  { slicing: { lipschitz = 'none' }, template }: Pick<SceneConfig, 'slicing' | 'template'>,
): { H: Weights; F: Weights } {
  if (lipschitz === template.lipschitz) {
    const both = boundedWeights(parameters, ['H', F], lipschitz)
    return { H: both, F: both }
  }
  return { H: boundedWeights(parameters, ['H'], lipschitz), F: boundedWeights(parameters, [F], template.lipschitz) }
}

/** What a field tells of points [Q, 3]; its `points` and `warped` are in the networks' coordinates. */
export interface FieldValues extends RadianceQuery {
  readonly points: Tensor
  readonly position: Tensor
  readonly rgb: Tensor
  readonly sigma: Tensor
  readonly ambient: Tensor
}

/** Points [Q, 3] in space units on rays with unit directions [R, 3] -> their radiance. */
export type RadianceField = (x: Tensor, directions: Tensor) => FieldValues

/** Codes of T (in training the frame's own, in edits w_R) and of H at every point. */
export interface FieldCodes {
  readonly warp: CodeField
  readonly codes: CodeField
}

/** G with network `F` under codes. */
export function radianceField(networks: Networks, F: string, { warp, codes }: FieldCodes): RadianceField {
  return (x, directions) => {
    const w = codesAt(codes, x)
    // One field for both is asked once: its gradient then comes back through one place.
    const { points, warped } = warpPoints(networks, x, warp === codes ? w : codesAt(warp, x))
    const position = encodeWarped(networks, F, warped)
    const query = { x, warped, position, directions }
    return { ...query, points, ...radiance(networks, F, query, w) }
  }
}
