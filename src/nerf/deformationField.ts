/** T, the deformation field (paper §3.2; Nerfies): where a point of the frame lies in the template. An SE(3) motion per point and code. */
import { linearSpecs } from '../nn/linear.ts'
import { mlpHeads, mlpSpecs } from '../nn/mlp.ts'
import { type ParameterSet, type ParameterSpecs, uniformInit } from '../nn/parameters.ts'
import { frequencyEncoding } from '../tensor/ops/frequencyEncoding.ts'
import { se3Transform } from '../tensor/ops/se3.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { FieldConfig } from './sceneConfig.ts'

/** Heads start at almost no motion, so that T begins near the identity. */
const HEAD_INIT = uniformInit(0, 1e-4)

export function deformationSpecs(config: FieldConfig, codeSize: number): ParameterSpecs {
  const nIn = 6 * config.bands + codeSize
  const group = 'deformation'
  const head = { nIn: config.width, nOut: 3, init: HEAD_INIT, group }
  return {
    ...mlpSpecs('T/trunk', { ...config, nIn, group }),
    ...linearSpecs('T/branches_w/logit', head),
    ...linearSpecs('T/branches_v/logit', head),
  }
}

export interface DeformationInput {
  /** Points to move, [Q, 3]. */
  readonly x: Tensor
  /** What T's encoding sees of them (the same, or contracted), [Q, 3]. */
  readonly seen: Tensor
  /** Latent codes, [Q, d_w], or [1, d_w] for all points. */
  readonly codes: Tensor
  /** Coarse-to-fine window over the bands, [bands]; all open without. */
  readonly window?: Tensor
}

/** Warped points x', [Q, 3]. */
export function deformationField(parameters: ParameterSet, config: FieldConfig, { x, seen, codes, window }: DeformationInput): Tensor {
  const encoded = frequencyEncoding(seen, { minBand: 0, bands: config.bands, window })
  const heads = [{ name: 'T/branches_w/logit' }, { name: 'T/branches_v/logit' }]
  const [w, v] = mlpHeads(parameters, 'T/trunk', encoded, config, heads, codes)
  return se3Transform(w, v, x)
}
