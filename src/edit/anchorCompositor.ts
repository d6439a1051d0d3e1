/**
 * PAC, the position-conditional anchor compositor (paper §4.3): every point gets its own barycentric mix of the anchor codes,
 * w*(x) = Σ_k α_k(x) w_k with α = softmax_k P(x, w_k) (Eq. 13). The mix cannot leave the anchors' hull.
 */

import type { CodeField } from '../nerf/codeField.ts'
import type { FieldConfig } from '../nerf/sceneConfig.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { encodePoints } from '../nerf/slicingSurface.ts'
import { mlp, mlpSpecs } from '../nn/mlp.ts'
import { normalInit, ParameterSet, type ParameterSpecs } from '../nn/parameters.ts'
import { Storage } from '../tensor/device.ts'
import { concat } from '../tensor/ops/concat.ts'
import { dense } from '../tensor/ops/dense.ts'
import { add } from '../tensor/ops/elementwise.ts'
import { repeatRows, sliceRows } from '../tensor/ops/rows.ts'
import { softmax } from '../tensor/ops/softmax.ts'
import { rowCount, type Tensor } from '../tensor/tensor.ts'
import type { AnchorCodes } from './anchors.ts'
import type { CodesAt, EditableCodes, SearchStep } from './editableCodes.ts'
import type { Guidance } from './guidance.ts'
import { searchRegions } from './regionSearch.ts'
import type { ViewCache } from './viewCache.ts'

/** Nearly the same logit everywhere, as in the official code (normal 1e-5), which a search or a descent in seconds cannot wait for. */
const OUTPUT_INIT = normalInit(0.01)

/** Parameters of P: H's shape, with one logit as output. */
export function compositorSpecs(config: FieldConfig, codeSize: number): ParameterSpecs {
  return mlpSpecs('P', { ...config, nIn: 6 * config.bands + codeSize, output: { size: 1, init: OUTPUT_INIT }, group: 'compositor' })
}

/** P of every point and anchor, whose weights all anchors share: encoded points [Q, 6 · bands] and anchors [K, d_w] -> logits [Q, K]. */
export function anchorLogits(parameters: ParameterSet, config: FieldConfig, encoded: Tensor, anchors: Tensor): Tensor {
  const [K] = anchors.shape
  const logits = Array.from({ length: K }, (_, k) => {
    const code = sliceRows(anchors, k, k + 1) // [1, d_w]
    return mlp(parameters, 'P', encoded, { ...config, output: { size: 1 } }, 'none', code) // [Q, 1]
  })
  return concat(logits)
}

export interface CompositorOptions {
  readonly seed?: number
  /** α of the neutral anchor before any step: an edit starts near the unedited face instead of at the mean of all expressions. 1/K is the original's uniform mix. */
  readonly neutral?: number
}

/** P with its anchors: the code field that an edit trains. */
export class AnchorCompositor implements EditableCodes {
  readonly rates = [1e-2, 1e-3] as const
  readonly parameters: ParameterSet
  readonly neutral: number
  private readonly anchorCodes: Storage
  /** Added to the logits, [K]. */
  private readonly bias: Storage

  /** Throws when there are fewer than two anchors or `neutral` is not strictly between 0 and 1. */
  constructor(
    readonly scene: SceneManipulator,
    readonly anchors: AnchorCodes,
    { seed = 0, neutral = 0.7 }: CompositorOptions = {},
  ) {
    const { codeSize, compositor } = scene.config
    const K = anchors.indices.length
    if (K < 2) throw new Error(`AnchorCompositor: ${K} anchor; a mix needs at least two`)
    if (anchors.codes.length !== K * codeSize)
      throw new Error(`AnchorCompositor: ${anchors.codes.length} numbers for ${K} codes of ${codeSize}; give one code per anchor`)
    if (!(neutral > 0 && neutral < 1)) throw new Error(`AnchorCompositor: neutral = ${neutral}; give a share between 0 and 1`)
    this.neutral = neutral
    this.parameters = new ParameterSet(scene.device, compositorSpecs(compositor, codeSize), seed)
    this.anchorCodes = new Storage(scene.device, K * codeSize)
    this.anchorCodes.write(anchors.codes)
    this.bias = new Storage(scene.device, K)
    this.bias.write(Float32Array.of(Math.log((neutral * (K - 1)) / (1 - neutral))))
  }

  /** The anchors' codes as a leaf, [K, d_w]. */
  private get codeTable(): Tensor {
    return this.anchorCodes.tensor([this.anchors.indices.length, this.scene.config.codeSize])
  }

  /** Anchor composition ratios α [Q, K] of points [Q, 3] in space units; rows sum to 1. What the heat maps composite. */
  readonly ratios = (x: Tensor): Tensor => {
    const { config, coordinates } = this.scene
    const encoded = encodePoints(config.compositor, coordinates.seen(coordinates.from(x)))
    const logits = anchorLogits(this.parameters, config.compositor, encoded, this.codeTable)
    return softmax(add(logits, repeatRows(this.bias.tensor([1, this.bias.length]), rowCount(x.shape))))
  }

  /** w*(x) [Q, d_w] from ratios [Q, K]. */
  mix(ratios: Tensor): Tensor {
    return dense(ratios, this.codeTable)
  }

  /** w* as a code field. */
  get codes(): CodeField {
    return x => this.mix(this.ratios(x))
  }

  at(x: Tensor): CodesAt {
    const ratios = this.ratios(x)
    return { codes: this.mix(ratios), ratios }
  }

  /** Learns the best patchwork of whole anchors over regions of the face (see regionSearch). */
  search(guidance: Guidance, views: ViewCache, options: { seed: number; signal?: AbortSignal }): AsyncGenerator<SearchStep> {
    return searchRegions(this.scene, this, guidance, views, options)
  }

  /** Gives its memory back; its code field must no longer be used. */
  release(): void {
    this.parameters.release()
    this.anchorCodes.release()
    this.bias.release()
  }
}
