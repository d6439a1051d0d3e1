/** What a scene's sizes and recipe consist of. Presets fill them in; a scene file carries them. */

import type { LipschitzKind } from '../nn/linear.ts'
import type { AdamOptions } from '../nn/optimizer.ts'

export interface FieldConfig {
  /** Frequency bands 0 … bands − 1 of the position. */
  readonly bands: number
  readonly depth: number
  readonly width: number
  /** Layer before which the input is concatenated again; none when ≥ depth. */
  readonly skip: number
  /** Bounds the norms of its layers as F's are (paper Eq. 8-9); default 'none', as in the paper. */
  readonly lipschitz?: LipschitzKind
  /** Weight of the log product of these bounds; default that of F's (`training.lipschitzWeight`). */
  readonly lipschitzWeight?: number
}

/** F behind its encoding of the position. */
export interface TemplateSizes {
  readonly ambientBands: number
  /** 0 leaves the viewing direction out: with one moving camera a direction is as good as a frame number, and F would tell expressions apart by it. */
  readonly directionBands: number
  readonly trunkDepth: number
  readonly trunkWidth: number
  /** Layer of the trunk before which its input is concatenated again; none when ≥ trunkDepth. */
  readonly skip: number
  readonly rgbDepth: number
  readonly rgbWidth: number
  readonly lipschitz: LipschitzKind
  /** Initial density per unit of the networks' coordinates is softplus(this): a start that lets the light through finds surfaces 2–3 dB sooner than a foggy one. */
  readonly densityBias: number
}

/** F on a multi-resolution hash encoding of the warped position; the networks see space units, contracted. */
export interface HashTemplateConfig extends TemplateSizes {
  readonly kind: 'hash'
  readonly levels: number
  readonly features: number
  readonly log2Entries: number
  readonly baseResolution: number
  readonly finestResolution: number
}

/** F on frequency bands 0 … positionBands − 1 of the warped position, as in the original; the networks see the capture's scene units. */
export interface FrequencyTemplateConfig extends TemplateSizes {
  readonly kind: 'frequency'
  readonly positionBands: number
}

export type TemplateConfig = HashTemplateConfig | FrequencyTemplateConfig

/** One F, whose samples are drawn from a grid of the densities seen so far. */
export interface GridSamplingConfig {
  readonly kind: 'grid'
  /** Samples per ray. */
  readonly samples: number
  /** Bins along the ray in which the density grid is looked up. */
  readonly bins: number
  /** Share of the samples spread evenly, so that what the grid believes empty is still visited. */
  readonly uniformShare: number
  readonly gridResolution: number
  /** A visited cell keeps at least this share of its old density per step. */
  readonly gridDecay: number
  /** An unvisited cell keeps this share. */
  readonly gridFade: number
}

/** Two F: a coarse one on stratified samples tells where the fine one, which sees the samples of both, looks closer. */
export interface CoarseFineSamplingConfig {
  readonly kind: 'coarseFine'
  /** Samples per ray of the coarse pass, and how many the fine pass adds. */
  readonly coarse: number
  readonly fine: number
  /** Samples per ray in edits, which see the fine network alone, where the unedited scene is dense. */
  readonly edit: number
}

export type SamplingConfig = GridSamplingConfig | CoarseFineSamplingConfig

export interface TrainingConfig {
  readonly steps: number
  readonly rays: number
  /** Weight of pixels of the room when rays are drawn, beside 1 for the person's. */
  readonly roomShare: number
  /** Weight of pixels away from the middle of the face, beside 1 near it. */
  readonly rimShare: number
  /** Blocks are drawn by their error to this power; above 1 the worst come yet more often, 0 draws all alike. */
  readonly errorPower: number
  /** Share of the steps after which samples lie in the middle of their stretch of the ray instead of anywhere in it. */
  readonly jitterUntil: number
  /** Steps between looks at how wrong the rays came out, which steers where the next are drawn; 0 never looks. Each look waits for the device. */
  readonly observeEvery: number
  /** Learning rates at the start; all fall exponentially to `finalRate` times that. */
  readonly rates: { readonly networks: number; readonly deformation: number; readonly grid: number; readonly codes: number }
  readonly finalRate: number
  /** Steps over which the learning rates rise from nothing. */
  readonly warmUp: number
  readonly adam: Required<Pick<AdamOptions, 'beta2' | 'epsilon'>>
  /** Window of T opens from warpAlpha[0] to [1] bands over the share [2] of the steps. */
  readonly warpAlpha: readonly [number, number, number]
  /** Ambient window: 0 until the share [0], then 0 -> bands until the share [1]. */
  readonly ambientAlpha: readonly [number, number]
  readonly warpWeight: number
  /** Scale of the robust loss on how far T moves visible points, in the networks' coordinates: displacements well above it all cost the same. */
  readonly warpScale: number
  /** The same for the background's points. */
  readonly backgroundScale: number
  readonly backgroundWeight: number
  readonly backgroundPoints: number
  /** Deviation of the noise on background points, in units of the networks' coordinates. */
  readonly backgroundNoise: number
  /** Deviation of the noise on each ray's code. Codes that must serve in a neighbourhood cannot each explain one picture: held-out views gain. 0 adds none. */
  readonly codeNoise: number
  /** Weight of Σ log softplus(c) over the layers of F, and of H where it has Lipschitz layers and no weight of its own: the log of the Lipschitz product (paper Eq. 10). */
  readonly lipschitzWeight: number
}

/** Sizes of T, H, F, P and the codes, how rays are sampled, and the recipe of the training. */
export interface SceneConfig {
  readonly codeSize: number
  /** Codes start uniform in [0, codeInit). */
  readonly codeInit: number
  readonly ambientSize: number
  /** Deviation of the normal distribution that H's output layer starts from. */
  readonly ambientInit: number
  readonly deformation: FieldConfig
  readonly slicing: FieldConfig
  /** Where H looks: at the warped point, or at the observed one as in HyperNeRF. */
  readonly slicingSees: 'warped' | 'observed'
  /** P, the anchor compositor. */
  readonly compositor: FieldConfig
  readonly template: TemplateConfig
  readonly sampling: SamplingConfig
  readonly training: TrainingConfig
}
