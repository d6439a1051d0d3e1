/** H, the slicing surface (HyperNeRF): ambient coordinates of a point under a latent code. It sees the unwarped point; edits act here. */
import { mlp, mlpSpecs } from '../nn/mlp.ts'
import { normalInit, type ParameterSet, type ParameterSpecs } from '../nn/parameters.ts'
import { concat } from '../tensor/ops/concat.ts'
import { frequencyEncoding } from '../tensor/ops/frequencyEncoding.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { FieldConfig } from './presets.ts'

/**
 * The official code starts ambient coordinates at nearly zero (normal 1e-5). With a hash-encoded template that trains in a minute they then hardly
 * get going; at 0.1 the slicing surface carries more of the expression and held-out views gain 1 dB.
 */
const OUTPUT_INIT = normalInit(0.1)

export function slicingSpecs(config: FieldConfig, codeSize: number, ambientSize: number): ParameterSpecs {
  return mlpSpecs('H', { ...config, nIn: 6 * config.bands + codeSize, output: { size: ambientSize, init: OUTPUT_INIT }, group: 'slicing' })
}

/** What H, and the compositor with a configuration of its own, see of positions: [Q, 3] -> [Q, 6 · bands]. */
export function encodePoints(config: FieldConfig, seen: Tensor, window?: Tensor): Tensor {
  return frequencyEncoding(seen, { minBand: 0, bands: config.bands, window })
}

/** Ambient coordinates [Q, ambientSize] from encoded positions and codes [Q, d_w]. */
export function slicingSurface(parameters: ParameterSet, config: FieldConfig, encoded: Tensor, codes: Tensor): Tensor {
  return mlp(parameters, 'H', concat([encoded, codes]), { ...config, output: { size: 0 } })
}
