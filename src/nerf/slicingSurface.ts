/** H, the slicing surface (HyperNeRF): ambient coordinates of a point under a latent code. Edits act here. */
import type { Weights } from '../nn/linear.ts'
import { mlp, mlpSpecs } from '../nn/mlp.ts'
import { normalInit, type ParameterSpecs } from '../nn/parameters.ts'
import { frequencyEncoding } from '../tensor/ops/frequencyEncoding.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { FieldConfig } from './sceneConfig.ts'

/** @param deviation of the output layer's initial kernel, normally distributed: how far apart codes lie in ambient space at the start. */
export function slicingSpecs(config: FieldConfig, codeSize: number, ambientSize: number, deviation: number): ParameterSpecs {
  const output = { size: ambientSize, init: normalInit(deviation) }
  return mlpSpecs('H', { ...config, nIn: 6 * config.bands + codeSize, output, group: 'slicing' })
}

/** What H, and the compositor with a configuration of its own, see of positions: [Q, 3] -> [Q, 6 · bands]. */
export function encodePoints(config: FieldConfig, seen: Tensor, window?: Tensor): Tensor {
  return frequencyEncoding(seen, { minBand: 0, bands: config.bands, window })
}

/** Ambient coordinates [Q, ambientSize] from encoded positions and codes [Q, d_w], or [1, d_w] for all of them. @param weights bounded, where H has Lipschitz layers */
export function slicingSurface(weights: Weights, config: FieldConfig, encoded: Tensor, codes: Tensor): Tensor {
  return mlp(weights, 'H', encoded, { ...config, output: { size: 0 } }, 'none', codes)
}
