/**
 * PAC, the position-conditional anchor compositor (paper §4.3): every point gets its own barycentric mix of the anchor codes,
 * w*(x) = Σ_k α_k(x) w_k with α = softmax_k P(x, w_k) (Eq. 13). The mix cannot leave the anchors' hull.
 */

import { blend, type CodeField } from '../nerf/codeField.ts'
import type { FieldConfig } from '../nerf/sceneConfig.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { encodePoints } from '../nerf/slicingSurface.ts'
import { mlp, mlpSpecs } from '../nn/mlp.ts'
import { normalInit, ParameterSet, type ParameterSpecs } from '../nn/parameters.ts'
import { Storage } from '../tensor/device.ts'
import { concat, sliceColumns } from '../tensor/ops/concat.ts'
import { dense } from '../tensor/ops/dense.ts'
import { add, affine, mul } from '../tensor/ops/elementwise.ts'
import { mulRows } from '../tensor/ops/reduce.ts'
import { repeatRows, sliceRows } from '../tensor/ops/rows.ts'
import { softmax } from '../tensor/ops/softmax.ts'
import { reshape, rowCount, type Tensor } from '../tensor/tensor.ts'
import type { AnchorCodes } from './anchors.ts'
import type { CodesAt, EditableCodes, SearchStep } from './editableCodes.ts'
import { type FaceRegion, regionWeight } from './faceRegion.ts'
import type { FreeCode } from './freeCode.ts'
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

/** The same of one code that differs from point to point, [Q, d_w] -> [Q, 1]. */
function pointLogits(parameters: ParameterSet, config: FieldConfig, encoded: Tensor, codes: Tensor): Tensor {
  return mlp(parameters, 'P', encoded, { ...config, output: { size: 1 } }, 'none', codes)
}

/** How a compositor starts, on what, and where it may act. */
export interface CompositorOptions {
  /** Of the weights; default 0. */
  readonly seed?: number
  /** α of the neutral anchor before any step: an edit starts near the unedited face instead of at the mean of all expressions. 1/K is the original's uniform mix. */
  readonly neutral?: number
  /** The earlier edit that this one starts from: one more share of the mix, before the anchors, with the code it has at each point. `neutral` is then its share at the start. */
  readonly base?: AnchorCompositor | FreeCode
  /** Strength at which the earlier edit is taken: code (1 − s)·w_R + s·w*(x). Default 1. */
  readonly baseStrength?: number
  /** Only there may codes differ from those of the earlier edit, or of the neutral anchor without one; elsewhere α is 1 for it, whatever P says. */
  readonly region?: FaceRegion
  /** How far each anchor's code is taken from the neutral one's, w_0 + g_k (w_k − w_0), where it is mixed: 1 as it is, 0 leaves it out. Its ratios stay. */
  readonly gains?: readonly number[]
}

/** P with its anchors: the code field that an edit trains. */
export class AnchorCompositor implements EditableCodes {
  readonly rates = [1e-2, 1e-3] as const
  /** At 1e-2 the first step after a search took "closed eyes and opened mouth" from 0.47 to 1.10, from where it never came back. */
  readonly refiningRates = [4e-3, 1e-3] as const
  readonly parameters: ParameterSet
  readonly neutral: number
  readonly base?: AnchorCompositor | FreeCode
  readonly earlier?: CodeField
  readonly region?: FaceRegion
  /** What each share of the mix is of: the earlier edit, if there is one, and the anchors' frames. */
  readonly shares: readonly string[]
  private readonly within: ((x: Tensor) => Tensor) | undefined
  /** One per anchor where they differ from 1. */
  readonly gains?: readonly number[]
  private readonly anchorCodes: Storage
  /** What is mixed: the anchors' codes, with their gains. */
  private readonly mixedCodes: Storage
  /** Added to the logits, [K]. */
  private readonly bias: Storage

  /** Throws when there are fewer than two anchors or `neutral` is not strictly between 0 and 1. */
  constructor(
    readonly scene: SceneManipulator,
    readonly anchors: AnchorCodes,
    { seed = 0, neutral = 0.7, base, baseStrength = 1, region, gains }: CompositorOptions = {},
  ) {
    const { codeSize, compositor } = scene.config
    const K = anchors.indices.length
    if (K < 2) throw new Error(`AnchorCompositor: ${K} anchor; a mix needs at least two; select more`)
    if (anchors.codes.length !== K * codeSize)
      throw new Error(`AnchorCompositor: ${anchors.codes.length} numbers for ${K} codes of ${codeSize}; give one code per anchor`)
    if (!(neutral > 0 && neutral < 1)) throw new Error(`AnchorCompositor: neutral = ${neutral}; give a share between 0 and 1`)
    if (base && (base.scene !== scene || ('into' in base && base.into !== 'H')))
      throw new Error(
        'AnchorCompositor: the earlier edit is of another scene, or moves T; start from an edit of this scene by anchors or by one code into H',
      )
    if (gains && (gains.length !== K || !gains.every(Number.isFinite)))
      throw new Error(`AnchorCompositor: gains [${gains.join(', ')}] for ${K} anchors; give one finite number each, usually 0..1.5`)
    if (gains?.some(gain => gain !== 1)) this.gains = gains
    this.neutral = neutral
    this.base = base
    this.earlier = base && blend(scene.referenceField, base.codes, baseStrength)
    this.region = region
    this.within = region && regionWeight(scene.device, region)
    this.shares = [...(base ? ['the earlier edit'] : []), ...anchors.frames]
    const shares = this.shares.length
    this.parameters = new ParameterSet(scene.device, compositorSpecs(compositor, codeSize), seed)
    this.anchorCodes = new Storage(scene.device, K * codeSize)
    this.anchorCodes.write(anchors.codes)
    this.mixedCodes = this.gains ? new Storage(scene.device, K * codeSize) : this.anchorCodes
    if (this.gains) this.mixedCodes.write(scaled(anchors.codes, codeSize, this.gains))
    this.bias = new Storage(scene.device, shares)
    this.bias.write(Float32Array.of(Math.log((neutral * (shares - 1)) / (1 - neutral))))
  }

  /** Codes of the anchors as a leaf, [K, d_w]. */
  private tableOf(codes: Storage): Tensor {
    return codes.tensor([this.anchors.indices.length, this.scene.config.codeSize])
  }

  /** Anchor composition ratios α [Q, K] of points [Q, 3] in space units, one for each of `shares`; rows sum to 1. What the heat maps composite. */
  readonly ratios = (x: Tensor): Tensor => this.ratiosBeside(x, this.earlier?.(x))

  private ratiosBeside(x: Tensor, earlier: Tensor | undefined): Tensor {
    const { parameters } = this
    const { config, coordinates } = this.scene
    const encoded = encodePoints(config.compositor, coordinates.seen(coordinates.from(x)))
    const anchors = anchorLogits(parameters, config.compositor, encoded, this.tableOf(this.anchorCodes))
    const logits = earlier ? concat([pointLogits(parameters, config.compositor, encoded, earlier), anchors]) : anchors
    return this.confine(softmax(add(logits, repeatRows(this.bias.tensor([1, this.bias.length]), rowCount(x.shape)))), x)
  }

  /** Ratios [Q, K] at points [Q, 3] within the region as they are, outside of it 1 for the first share: m · α + (1 − m) · e₀. */
  confine(ratios: Tensor, x: Tensor): Tensor {
    if (!this.within) return ratios
    const weight = this.within(x) // [Q]
    const Q = rowCount(x.shape)
    const first = add(mul(weight, reshape(sliceColumns(ratios, 0, 1), [Q])), affine(weight, -1, 1))
    return concat([reshape(first, [Q, 1]), mulRows(sliceColumns(ratios, 1, this.shares.length), weight)])
  }

  /** w*(x) [Q, d_w] from ratios [Q, K] at points [Q, 3]. */
  mix(ratios: Tensor, x: Tensor): Tensor {
    return this.mixBeside(ratios, this.earlier?.(x))
  }

  private mixBeside(ratios: Tensor, earlier: Tensor | undefined): Tensor {
    if (!earlier) return dense(ratios, this.tableOf(this.mixedCodes))
    const share = reshape(sliceColumns(ratios, 0, 1), [rowCount(ratios.shape)])
    return add(mulRows(earlier, share), dense(sliceColumns(ratios, 1, this.shares.length), this.tableOf(this.mixedCodes)))
  }

  /** w* as a code field. */
  get codes(): CodeField {
    return x => this.at(x).codes
  }

  at(x: Tensor): CodesAt & { readonly ratios: Tensor } {
    const earlier = this.earlier?.(x)
    const ratios = this.ratiosBeside(x, earlier)
    return { codes: this.mixBeside(ratios, earlier), ratios }
  }

  /** Learns the best patchwork of whole anchors over regions of the face (see regionSearch). */
  search(guidance: Guidance, views: ViewCache, options: { seed: number; signal?: AbortSignal }): AsyncGenerator<SearchStep> {
    return searchRegions(this.scene, this, guidance, views, options)
  }

  /** Takes over the weights of another edit of the scene: a warm start. P is asked about each anchor apart, so that those need not be the same. */
  startFrom(other: AnchorCompositor): void {
    if (other.scene !== this.scene) throw new Error('AnchorCompositor: a start from an edit of another scene; load it on this one')
    this.parameters.flat.copyFrom(other.parameters.flat)
  }

  /** Gives its memory back, not that of the earlier edit; its code field must no longer be used. */
  release(): void {
    this.parameters.release()
    this.anchorCodes.release()
    if (this.gains) this.mixedCodes.release()
    this.bias.release()
  }
}

/** Codes [K · d_w] moved away from the first one by their gains. */
const scaled = (codes: Float32Array, size: number, gains: readonly number[]): Float32Array =>
  codes.map((value, i) => codes[i % size] + gains[Math.floor(i / size)] * (value - codes[i % size]))
