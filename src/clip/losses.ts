/** Losses between images and text in an encoder's space; scalars [] with a gradient to the image features. */
import { dense } from '../tensor/ops/dense.ts'
import { affine, sub } from '../tensor/ops/elementwise.ts'
import { l2Normalize } from '../tensor/ops/l2Normalize.ts'
import { mean } from '../tensor/ops/reduce.ts'
import { transpose } from '../tensor/ops/transpose.ts'
import { lastAxis, reshape, rowCount, sameShape, showShape, type Tensor } from '../tensor/tensor.ts'

export interface ClipLossOptions {
  /** As the authors' code: the text side enters as given, not brought to unit norm. Default false: the full cosine. */
  readonly coded?: boolean
}

/**
 * Image differences shorter than this keep their length (relative to it) instead of being blown up to 1: an edit that has not
 * moved yet has ΔI = 0, and its direction would be rounding noise with a gradient of any size. Features are of norm 1 to 10; true edits change
 * them by more than 1.
 */
const LEAST_CHANGE = 0.1
/** The authors' code divides by |ΔI| whatever it is; this only keeps 0/0 out. */
const CODED_LEAST_CHANGE = 1e-6

/**
 * Directional loss 1 − mean over images of cos(ΔT, ΔI) (Gal et al. 2022, StyleGAN-NADA Eq. 2; what the authors' code optimises instead of the
 * paper's absolute loss). ΔI = features − reference.
 * @param features of the edited images [B, D]; @param reference of the same views unedited [B, D]; @param direction ΔT [D] or [1, D].
 * `coded`: ΔT is not normalised, and ΔI always is. Throws when the shapes do not fit.
 */
export function directionalLoss(features: Tensor, reference: Tensor, direction: Tensor, { coded = false }: ClipLossOptions = {}): Tensor {
  const size = lastAxis(features.shape)
  if (!sameShape(features.shape, reference.shape))
    throw new Error(`directionalLoss: features ${showShape(features.shape)} and reference ${showShape(reference.shape)} differ; give the same views`)
  if (direction.length !== size)
    throw new Error(`directionalLoss: direction ${showShape(direction.shape)} for features of ${size}; give one direction of the same encoder`)
  const change = l2Normalize(sub(features, reference), coded ? CODED_LEAST_CHANGE : LEAST_CHANGE) // [B, D]
  const text = reshape(direction, [1, size])
  return oneMinusMean(change, coded ? text : l2Normalize(text))
}

/**
 * Absolute loss 1 − mean over images and texts of cos(image, text) (paper Eq. 14).
 * @param features [B, D]; @param text embeddings [T, D] or [D]. `coded`: the text is used as given. Throws when the sizes differ.
 */
export function absoluteLoss(features: Tensor, text: Tensor, { coded = false }: ClipLossOptions = {}): Tensor {
  const size = lastAxis(features.shape)
  if (lastAxis(text.shape) !== size)
    throw new Error(`absoluteLoss: text ${showShape(text.shape)} for features of ${size}; embed it with the same encoder`)
  const rows = reshape(text, [rowCount(text.shape), size])
  return oneMinusMean(l2Normalize(features), coded ? rows : l2Normalize(rows))
}

/** 1 − mean of all dot products between rows of a [A, D] and b [B, D]. */
function oneMinusMean(a: Tensor, b: Tensor): Tensor {
  return affine(mean(dense(a, transpose(b))), -1, 1)
}
