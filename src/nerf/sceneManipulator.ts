/** G(x, d, w) = F(T(x, w_R), H(x, w), d) (paper Eq. 6): a recorded face with its expressions laid out by latent codes. */
import type { Camera } from '../camera/camera.ts'
import type { Capture } from '../capture/capture.ts'
import { Adam } from '../nn/optimizer.ts'
import { ParameterSet, type ParameterSpecs, uniformInit } from '../nn/parameters.ts'
import { type Device, Storage } from '../tensor/device.ts'
import { contract } from '../tensor/ops/contract.ts'
import { cosineWindow, frequencyEncoding } from '../tensor/ops/frequencyEncoding.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type CodeField, constantCode } from './codeField.ts'
import { deformationField, deformationSpecs } from './deformationField.ts'
import { type PresetName, preset as presetConfig, type SceneConfig } from './presets.ts'
import { encodePoints, slicingSpecs, slicingSurface } from './slicingSurface.ts'
import { intoSpace, type Space, spaceOf } from './space.ts'
import { encodePosition, templateNerf, templateSpecs } from './templateNerf.ts'
import { trainingSchedules } from './trainingSchedules.ts'

/** What the scene remembers of a frame: enough to render it, not its picture. */
export interface SceneFrame {
  readonly id: string
  /** In space units. */
  readonly camera: Camera
  readonly split: 'train' | 'val'
  /** Row of the latent codes. */
  readonly code: number
}

/** Everything about a scene that is not a trained number. */
export interface SceneDescription {
  readonly name: string
  readonly preset: PresetName
  readonly config: SceneConfig
  readonly space: Space
  /** Where the capture's scene units come from: scene = (world − center) · scale. Absent in older files. */
  readonly world?: Pick<Capture, 'center' | 'scale'>
  /** Along the ray, space units. */
  readonly near: number
  readonly far: number
  readonly frames: readonly SceneFrame[]
  readonly codeCount: number
  readonly seed: number
}

export interface SceneOptions {
  /** Default 'tiny' on the CPU, 'fast' on a GPU. */
  readonly preset?: PresetName
  /** Changes to the preset's sizes and recipe. */
  readonly config?: (base: SceneConfig) => SceneConfig
  readonly seed?: number
}

/** A scene's description from its capture. Throws for an unknown preset. */
export function describeScene(capture: Capture, name: PresetName, { config = c => c, seed = 0 }: SceneOptions = {}): SceneDescription {
  const train = capture.frames.filter(f => f.split === 'train')
  const space = spaceOf(
    train.map(f => f.camera),
    capture.near,
    capture.far,
  )
  return {
    name: capture.name,
    preset: name,
    config: config(presetConfig(name)),
    space,
    world: { center: capture.center, scale: capture.scale },
    near: capture.near / space.radius,
    far: capture.far / space.radius,
    frames: capture.frames.map(({ id, camera, split, code }) => ({ id, camera: intoSpace(camera, space), split, code })),
    codeCount: capture.codeCount,
    seed,
  }
}

/** Uniform in [0, 0.3): six times the official 0.05, which a run of a thousand steps cannot tell apart soon enough (0.5 dB). */
const CODE_INIT = uniformInit(0, 0.3)

function sceneSpecs({ config, codeCount }: SceneDescription): ParameterSpecs {
  return {
    codes: { shape: [codeCount, config.codeSize], init: CODE_INIT, group: 'codes' },
    ...deformationSpecs(config.deformation, config.codeSize),
    ...slicingSpecs(config.slicing, config.codeSize, config.ambientSize),
    ...templateSpecs(config.template, config.ambientSize),
  }
}

/** Short memory of the squared gradients: hash-grid entries see a gradient only now and then. */
const ADAM = { beta2: 0.99, epsilon: 1e-10 }

/** Density the grid believes in before anything was seen: low enough to see through the whole ray, high enough to be sampled. */
const UNSEEN_DENSITY = 1

export interface RadianceQuery {
  readonly warped: Tensor
  readonly position: Tensor
  readonly directions: Tensor
}

/** A scene on a device: its networks, latent codes and density grid, and w_R, the code that T keeps during edits. */
export class SceneManipulator {
  readonly description: SceneDescription
  readonly config: SceneConfig
  readonly parameters: ParameterSet
  /** Densities of the contracted cube's cells, which guide the samples. */
  readonly grid: Storage
  /** Moments of the optimiser, while training goes on. */
  optimizer: Adam | undefined
  /** How wrong each block of training pixels came out last, while training goes on (see rayBatches). */
  rayErrors: Float32Array | undefined
  /** Coarse-to-fine parameters of T and of the ambient coordinates, [2] x 64 apart. */
  private readonly alphas: Storage
  private readonly reference: Storage
  private referenceIndex = 0
  private stepsDone = 0

  /** A new scene for a capture, or the shell that `loadScene` fills. */
  constructor(
    readonly device: Device,
    source: Capture | SceneDescription,
    options: SceneOptions = {},
  ) {
    this.description = 'space' in source ? source : describeScene(source, options.preset ?? (device.kind === 'gpu' ? 'fast' : 'tiny'), options)
    this.config = this.description.config
    this.parameters = new ParameterSet(device, sceneSpecs(this.description), this.description.seed)
    const cells = this.config.sampling.gridResolution ** 3
    this.grid = new Storage(device, cells)
    this.grid.write(new Float32Array(cells).fill(UNSEEN_DENSITY))
    this.alphas = new Storage(device, 128)
    this.reference = new Storage(device, this.config.codeSize)
    this.setStep(0)
  }

  /** Training steps done. */
  get step(): number {
    return this.stepsDone
  }

  /** Notes that `step` steps are done, and opens the windows of T and of the ambient encoding as far as that step says. */
  setStep(step: number): void {
    this.stepsDone = step
    const { warp, ambient } = trainingSchedules(this.config)
    this.alphas.write(Float32Array.of(warp(step)), 0)
    this.alphas.write(Float32Array.of(ambient(step)), 64)
  }

  /** Index of w_R, the code that T keeps during edits. */
  get referenceCode(): number {
    return this.referenceIndex
  }

  /** Makes code `index` the reference w_R. Throws when there is no such code. */
  async setReference(index: number): Promise<void> {
    const code = await this.readCode(index)
    this.referenceIndex = index
    this.reference.write(code)
  }

  /** A copy of latent code `index`, [d_w]. */
  async readCode(index: number): Promise<Float32Array> {
    const { codeCount, config } = this.description
    if (!Number.isInteger(index) || index < 0 || index >= codeCount)
      throw new Error(`scene ${this.description.name}: no code ${index}; there are ${codeCount} (0 … ${codeCount - 1})`)
    const all = await this.parameters.flat.read(this.parameters.offset('codes'), codeCount * config.codeSize)
    return all.slice(index * config.codeSize, (index + 1) * config.codeSize)
  }

  /** w_R everywhere. */
  get referenceField(): CodeField {
    return constantCode(this.reference.tensor([this.config.codeSize]))
  }

  /** T: points [Q, 3] and codes [Q, d_w] -> warped points [Q, 3]. */
  warp(x: Tensor, codes: Tensor, seen: Tensor = contract(x)): Tensor {
    const window = cosineWindow(this.alphas.tensor([], 0), this.config.deformation.bands)
    return deformationField(this.parameters, this.config.deformation, { x, seen, codes, window })
  }

  /** Template features of warped points, [Q, levels · features]: all that F sees of a position. */
  encodeTemplate(warped: Tensor): Tensor {
    return encodePosition(this.parameters, this.config.template, contract(warped))
  }

  /**
   * H then F: rgb [Q, 3] in 0..1 and sigma [Q] at points whose warped positions [Q, 3] and template features (`encodeTemplate`) are known, on rays
   * with unit directions [R, 3], Q = R · samples, under codes [Q, d_w].
   *
   * H sees the warped point, not the observed one as in HyperNeRF: an edit freezes T at one head pose, and a slicing surface learnt at the head
   * poses of other frames would miss the eyelids by the millimetres between them.
   */
  radiance({ warped, position, directions }: RadianceQuery, codes: Tensor): { rgb: Tensor; sigma: Tensor } {
    const { slicing, template, ambientSize } = this.config
    const ambient = slicingSurface(this.parameters, slicing, encodePoints(slicing, contract(warped)), codes)
    const window = cosineWindow(this.alphas.tensor([], 64), template.ambientBands)
    const ambientEncoded = frequencyEncoding(ambient, { minBand: 0, bands: template.ambientBands, window })
    return templateNerf(this.parameters, template, ambientSize, { position, ambient: ambientEncoded, directions })
  }

  /** The optimiser, made on first use. */
  adam(): Adam {
    this.optimizer ??= new Adam(this.device, this.parameters, ADAM)
    return this.optimizer
  }

  /** Training cameras in space units. */
  get trainingCameras(): Camera[] {
    return this.description.frames.filter(f => f.split === 'train').map(f => f.camera)
  }
}
