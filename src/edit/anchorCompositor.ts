/**
 * PAC, the position-conditional anchor compositor (paper §4.3): every point gets its own barycentric mix of the anchor codes,
 * w*(x) = Σ_k α_k(x) w_k with α = softmax_k P(x, w_k) (Eq. 13). The mix cannot leave the anchors' hull.
 */
import { mlp, mlpSpecs } from '../nn/mlp.ts'
import { normalInit, ParameterSet } from '../nn/parameters.ts'
import type { CodeField } from '../nerf/codeField.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { tensor } from '../tensor/device.ts'
import { concat } from '../tensor/ops/concat.ts'
import { dense } from '../tensor/ops/dense.ts'
import { add } from '../tensor/ops/elementwise.ts'
import { repeatRows } from '../tensor/ops/rows.ts'
import { softmax } from '../tensor/ops/softmax.ts'
import { rowCount, type Tensor } from '../tensor/tensor.ts'
import type { AnchorCodes } from './anchors.ts'

export interface CompositorOptions {
  readonly seed?: number
  /** α of the neutral anchor before any step: an edit starts near the unedited face instead of at the mean of all expressions. */
  readonly neutral?: number
}

/** Starts all anchors at (nearly) the same logit, as the official code does. */
const OUTPUT_INIT = normalInit(1e-5)

export class AnchorCompositor {
  readonly parameters: ParameterSet
  private readonly anchorCodes: Tensor
  private readonly bias: Tensor

  /** Throws when there are fewer than two anchors or `neutral` is not strictly between 1/K and 1. */
  constructor(
    readonly scene: SceneManipulator,
    readonly anchors: AnchorCodes,
    { seed = 0, neutral = 0.8 }: CompositorOptions = {},
  ) {
    const { codeSize, slicing } = scene.config
    const K = anchors.indices.length
    if (K < 2) throw new Error(`AnchorCompositor: ${K} anchor; a mix needs at least two`)
    if (!(neutral > 0 && neutral < 1)) throw new Error(`AnchorCompositor: neutral = ${neutral}; give a share between 0 and 1`)
    const nIn = 6 * slicing.bands + codeSize
    this.parameters = new ParameterSet(scene.device, mlpSpecs('P', { ...slicing, nIn, output: { size: 1, init: OUTPUT_INIT }, group: 'compositor' }), seed)
    this.anchorCodes = tensor(scene.device, anchors.codes, [K, codeSize])
    const bias = new Float32Array(K)
    bias[0] = Math.log((neutral * (K - 1)) / (1 - neutral))
    this.bias = tensor(scene.device, bias, [1, K])
  }

  /** Anchor composition ratios α [Q, K] from encoded points [Q, 6 · bands]; rows sum to 1. */
  ratiosOf(encoded: Tensor): Tensor {
    const Q = rowCount(encoded.shape)
    const { codeSize } = this.scene.config
    const config = { ...this.scene.config.slicing, output: { size: 1 } }
    const logits = this.anchors.indices.map((_, k) => {
      const code = tensor(this.scene.device, this.anchors.codes.slice(k * codeSize, (k + 1) * codeSize), [1, codeSize])
      return mlp(this.parameters, 'P', concat([encoded, repeatRows(code, Q)]), config) // [Q, 1]
    })
    return softmax(add(concat(logits), repeatRows(this.bias, Q)))
  }

  /** w*(x) [Q, d_w] from ratios [Q, K]. */
  mix(ratios: Tensor): Tensor {
    return dense(ratios, this.anchorCodes)
  }

  /** ACR of points [Q, 3] in space units -> [Q, K]; what the heat maps composite. */
  get ratios(): (x: Tensor) => Tensor {
    return x => this.ratiosOf(this.scene.encodePoints(x))
  }

  /** w* as a code field. */
  get codes(): CodeField {
    return x => this.mix(this.ratios(x))
  }
}
