/** Sizes and recipes. `tiny` is what two CPU cores train in minutes; `fast` is its bigger sister for a GPU. */
import type { LipschitzKind } from '../nn/linear.ts'

export interface FieldConfig {
  /** Frequency bands 0 … bands − 1 of the contracted position. */
  readonly bands: number
  readonly depth: number
  readonly width: number
  /** Layer before which the input is concatenated again. */
  readonly skip: number
}

export interface TemplateConfig {
  /** Multi-resolution hash encoding of the warped, contracted position. */
  readonly levels: number
  readonly features: number
  readonly log2Entries: number
  readonly baseResolution: number
  readonly finestResolution: number
  readonly ambientBands: number
  /** 0 leaves the viewing direction out: with one moving camera a direction is as good as a frame number, and F would tell expressions apart by it. */
  readonly directionBands: number
  readonly trunkDepth: number
  readonly trunkWidth: number
  readonly rgbDepth: number
  readonly rgbWidth: number
  readonly lipschitz: LipschitzKind
  /** Initial density per space unit is softplus(this): a start that lets the light through finds surfaces 2–3 dB sooner than a foggy one. */
  readonly densityBias: number
}

export interface SamplingConfig {
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

export interface TrainingConfig {
  readonly steps: number
  readonly rays: number
  /** Weight of pixels of the room when rays are drawn, beside 1 for the person's. */
  readonly roomShare: number
  /** Weight of pixels away from the middle of the face, beside 1 near it. */
  readonly rimShare: number
  /** Blocks are drawn by their error to this power; above 1 the worst come yet more often. */
  readonly errorPower: number
  /** Share of the steps after which samples lie in the middle of their stretch of the ray instead of anywhere in it. */
  readonly jitterUntil: number
  /** Steps between looks at how wrong the rays came out, which steers where the next are drawn. Each look waits for the device. */
  readonly observeEvery: number
  /** Learning rates at the start; all fall exponentially to `finalRate` times that. */
  readonly rates: { readonly networks: number; readonly deformation: number; readonly grid: number; readonly codes: number }
  readonly finalRate: number
  /** Steps over which the learning rates rise from nothing. */
  readonly warmUp: number
  /** Window of T opens from warpAlpha[0] to [1] bands over the share [2] of the steps. */
  readonly warpAlpha: readonly [number, number, number]
  /** Ambient window: 0 until the share [0], then 0 -> bands until the share [1]. */
  readonly ambientAlpha: readonly [number, number]
  readonly warpWeight: number
  /** Scale of the robust losses on displacements, in space units. */
  readonly warpScale: number
  readonly backgroundWeight: number
  readonly backgroundPoints: number
  /** Weight of Σ log softplus(c), the log of the Lipschitz product (paper Eq. 10). */
  readonly lipschitzWeight: number
}

export interface SceneConfig {
  readonly codeSize: number
  readonly ambientSize: number
  readonly deformation: FieldConfig
  readonly slicing: FieldConfig
  /** P, the anchor compositor. */
  readonly compositor: FieldConfig
  readonly template: TemplateConfig
  readonly sampling: SamplingConfig
  readonly training: TrainingConfig
}

const TINY: SceneConfig = {
  codeSize: 8,
  ambientSize: 4,
  deformation: { bands: 4, depth: 3, width: 32, skip: 9 },
  slicing: { bands: 6, depth: 3, width: 32, skip: 9 },
  compositor: { bands: 6, depth: 4, width: 32, skip: 9 },
  template: {
    levels: 6,
    features: 4,
    log2Entries: 14,
    baseResolution: 16,
    finestResolution: 192,
    ambientBands: 1,
    directionBands: 0,
    trunkDepth: 1,
    trunkWidth: 64,
    rgbDepth: 1,
    rgbWidth: 32,
    lipschitz: 'output',
    densityBias: -2.5,
  },
  sampling: { samples: 10, bins: 128, uniformShare: 0.35, gridResolution: 128, gridDecay: 0.8, gridFade: 0.997 },
  training: {
    steps: 2000,
    rays: 1024,
    roomShare: 0.05,
    rimShare: 0.4,
    errorPower: 1.5,
    jitterUntil: 0.4,
    observeEvery: 1,
    rates: { networks: 5e-3, deformation: 5e-3, grid: 2e-2, codes: 1e-2 },
    finalRate: 0.2,
    warmUp: 20,
    warpAlpha: [0, 1, 0.5],
    ambientAlpha: [0.03, 0.3],
    warpWeight: 1e-3,
    warpScale: 0.03,
    backgroundWeight: 0.01,
    backgroundPoints: 256,
    lipschitzWeight: 1e-4,
  },
}

const FAST: SceneConfig = {
  ...TINY,
  deformation: { ...TINY.deformation, depth: 6, width: 64 },
  slicing: { ...TINY.slicing, depth: 6, width: 64 },
  compositor: { ...TINY.compositor, depth: 6, width: 64 },
  template: { ...TINY.template, levels: 12, log2Entries: 16, finestResolution: 1024, trunkDepth: 2, trunkWidth: 64, rgbDepth: 2, rgbWidth: 64 },
  sampling: { ...TINY.sampling, samples: 32, bins: 192 },
  training: { ...TINY.training, steps: 5000, rays: 4096, observeEvery: 8, backgroundPoints: 1024 },
}

export const PRESETS = { tiny: TINY, fast: FAST } as const
export type PresetName = keyof typeof PRESETS

/** A preset by name. Throws with the list of names. */
export function preset(name: string): SceneConfig {
  if (name === 'tiny' || name === 'fast') return PRESETS[name]
  throw new Error(`preset: no preset "${name}"; there are ${Object.keys(PRESETS).join(', ')}`)
}
