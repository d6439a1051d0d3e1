/** G(x, d, w) = F(T(x, w_R), H(x, w), d) (paper Eq. 6): a recorded face with its expressions laid out by latent codes. */
import type { Camera } from '../camera/camera.ts'
import type { Capture } from '../capture/capture.ts'
import { Adam } from '../nn/optimizer.ts'
import { ParameterSet, type ParameterSpecs, uniformInit } from '../nn/parameters.ts'
import { type Device, Storage, tensor } from '../tensor/device.ts'
import { cosineWindow } from '../tensor/ops/frequencyEncoding.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type CodeField, constantCode } from './codeField.ts'
import { CONTRACTED, type Coordinates, sceneUnits } from './coordinates.ts'
import { deformationSpecs } from './deformationField.ts'
import { type PresetName, preset as presetConfig } from './presets.ts'
import { type FieldCodes, type Networks, type RadianceField, type RadianceQuery, radiance, radianceField, warpPoints } from './radianceField.ts'
import { templateNames } from './rayLevels.ts'
import type { SceneConfig } from './sceneConfig.ts'
import { slicingSpecs } from './slicingSurface.ts'
import { intoSpace, type Space, spaceOf } from './space.ts'
import { templateSpecs } from './templateNerf.ts'
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
  /** Where the capture's scene units come from: scene = (world − center) · scale. */
  readonly world: Pick<Capture, 'center' | 'scale'>
  /** Along the ray, space units. */
  readonly near: number
  readonly far: number
  readonly frames: readonly SceneFrame[]
  readonly codeCount: number
  readonly seed: number
}

/** What a new scene is made with. */
export interface SceneOptions {
  /** Default 'tiny' on the CPU, 'fast' on a GPU. */
  readonly preset?: PresetName
  /** Changes to the preset's sizes and recipe. */
  readonly config?: (base: SceneConfig) => SceneConfig
  /** Of every random number; default 0. */
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

function sceneSpecs({ config, codeCount }: SceneDescription): ParameterSpecs {
  return {
    codes: { shape: [codeCount, config.codeSize], init: uniformInit(0, config.codeInit), group: 'codes' },
    ...deformationSpecs(config.deformation, config.codeSize),
    ...slicingSpecs(config.slicing, config.codeSize, config.ambientSize, config.ambientInit),
    ...Object.assign({}, ...templateNames(config.sampling).map(name => templateSpecs(name, config.template, config.ambientSize))),
  }
}

/** Density the grid believes in before anything was seen: low enough to see through the whole ray, high enough to be sampled. */
export const UNSEEN_DENSITY = 1

function unseenGrid(device: Device, resolution: number): Storage {
  const grid = new Storage(device, resolution ** 3)
  grid.write(new Float32Array(grid.length).fill(UNSEEN_DENSITY))
  return grid
}

/** A scene on a device: its networks, latent codes and density grid, and w_R, the code that T keeps during edits. */
export class SceneManipulator {
  readonly description: SceneDescription
  readonly config: SceneConfig
  readonly parameters: ParameterSet
  /** Densities of the contracted cube's cells, which guide the samples; absent where a coarse network does. */
  readonly grid: Storage | undefined
  /** What the networks take points for. */
  readonly coordinates: Coordinates
  /** Moments of the optimiser, while training goes on. */
  optimizer: Adam | undefined
  /** How wrong each block of training pixels came out last, while training goes on (see rayBatches). */
  rayErrors: Float32Array | undefined
  /** Coarse-to-fine windows of T and of the ambient coordinates. */
  private readonly windows: { readonly warp: Storage; readonly ambient: Storage }
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
    const { sampling, template } = this.config
    const { center, radius } = this.description.space
    this.grid = sampling.kind === 'grid' ? unseenGrid(device, sampling.gridResolution) : undefined
    this.coordinates = template.kind === 'hash' ? CONTRACTED : sceneUnits(radius, tensor(device, center, [1, 3]))
    this.windows = { warp: new Storage(device, this.config.deformation.bands), ambient: new Storage(device, template.ambientBands) }
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
    this.windows.warp.write(cosineWindow(warp(step), this.windows.warp.length))
    this.windows.ambient.write(cosineWindow(ambient(step), this.windows.ambient.length))
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

  /** The density grid of `resolution`³ cells as a leaf. Throws in a scene without one. */
  densityGrid(resolution: number): Tensor {
    if (!this.grid)
      throw new Error(`scene ${this.description.name}: preset ${this.description.preset} has no density grid; a coarse network finds its samples`)
    return this.grid.tensor([resolution ** 3])
  }

  private get networks(): Networks {
    const { parameters, config, coordinates } = this
    const warp = this.windows.warp.tensor([config.deformation.bands])
    const ambient = this.windows.ambient.tensor([config.template.ambientBands])
    return { parameters, config, coordinates, windows: { warp, ambient } }
  }

  /** T: points [Q, 3] in space units and codes [Q, d_w] or [1, d_w] -> warped points [Q, 3] in the networks' coordinates. */
  warp(x: Tensor, codes: Tensor): Tensor {
    return warpPoints(this.networks, x, codes).warped
  }

  /** H then the F that pictures show: rgb [Q, 3] in 0..1 and sigma [Q] per space unit, under codes [Q, d_w]. */
  radiance(query: RadianceQuery, codes: Tensor): { rgb: Tensor; sigma: Tensor } {
    const names = templateNames(this.config.sampling)
    return radiance(this.networks, names[names.length - 1], query, codes)
  }

  /** G with the network of this name (see `templateNames`) under codes, as a function of points on rays. */
  field(name: string, codes: FieldCodes): RadianceField {
    return radianceField(this.networks, name, codes)
  }

  /** The optimiser, made on first use. */
  adam(): Adam {
    this.optimizer ??= new Adam(this.device, this.parameters, this.config.training.adam)
    return this.optimizer
  }

  /** A scene of its own with the same weights, density grid, codes and w_R; without the optimiser's moments. */
  async copy(): Promise<SceneManipulator> {
    const copied = new SceneManipulator(this.device, this.description)
    copied.parameters.flat.copyFrom(this.parameters.flat)
    if (this.grid) copied.grid?.copyFrom(this.grid)
    copied.setStep(this.stepsDone)
    await copied.setReference(this.referenceIndex)
    return copied
  }

  /** Gives its memory back; it must no longer be used. */
  release(): void {
    this.parameters.release()
    this.optimizer?.release()
    this.grid?.release()
    this.windows.warp.release()
    this.windows.ambient.release()
    this.reference.release()
  }

  /** Training cameras in space units. */
  get trainingCameras(): Camera[] {
    return this.description.frames.filter(f => f.split === 'train').map(f => f.camera)
  }
}
