/** The .scene file: one safetensors file with everything that rendering, editing and further training need. */
import { parseSafetensors, type SafetensorsFile, type TensorToStore, writeSafetensors } from '../io/safetensors.ts'
import type { Device } from '../tensor/device.ts'
import { type SceneDescription, SceneManipulator } from './sceneManipulator.ts'

const FORMAT = 'faceclipnerf.scene'
/** Raised when old readers can no longer read new files. */
const VERSION = 2

interface Header {
  readonly description: SceneDescription
  readonly step: number
  readonly reference: number
}

/** What a .scene file holds besides the scene, and at which precision. */
export interface SaveSceneOptions {
  /** Adds the optimiser's moments, so that training can go on exactly as if never interrupted. */
  readonly training?: boolean
  /** 'half' stores weights and density grid in 16 bits: half the bytes, for showing. Latent codes stay exact, since edits name them. Default 'f32'. */
  readonly precision?: 'f32' | 'half'
}

/** What edits compare bit by bit. */
const EXACT = 'codes'

/** Bytes of a scene file. Throws when it is to serve for training in half precision: moments and weights that small would be lost. */
export async function saveScene(scene: SceneManipulator, { training = false, precision = 'f32' }: SaveSceneOptions = {}): Promise<Uint8Array> {
  if (training && precision === 'half') throw new Error("saveScene: training goes on from f32 weights; leave precision 'half' or training out")
  const half = precision === 'half'
  const tensors = new Map<string, TensorToStore>()
  for (const [name, { shape, data }] of await scene.parameters.read()) tensors.set(name, { shape: [...shape], data, half: half && name !== EXACT })
  const flat = (name: string, data: Float32Array): unknown => tensors.set(name, { shape: [data.length], data, half })
  if (scene.grid) flat('grid/density', await scene.grid.read())
  if (training && scene.optimizer) {
    flat('adam/m', await scene.optimizer.m.read())
    flat('adam/v', await scene.optimizer.v.read())
    if (scene.rayErrors) flat('rays/errors', scene.rayErrors)
  }
  const header: Header = { description: scene.description, step: scene.step, reference: scene.referenceCode }
  return writeSafetensors(tensors, { format: FORMAT, version: String(VERSION), header: JSON.stringify(header) })
}

/** A scene from its file. Throws, naming the file, for anything that is not a whole scene file of this version. */
export async function loadScene(device: Device, bytes: Uint8Array, name: string): Promise<SceneManipulator> {
  const { tensors, metadata } = parseSafetensors(bytes, name)
  if (metadata.format !== FORMAT)
    throw new Error(`${name}: not a scene file (format "${metadata.format ?? 'none'}"); make one with faceclipnerf train`)
  if (Number(metadata.version) !== VERSION)
    throw new Error(
      `${name}: scene version ${metadata.version}, this program reads ${VERSION}; ${Number(metadata.version) > VERSION ? 'update faceclipnerf' : 'train again or use a matching release'}`,
    )
  const header = parseHeader(metadata.header, name)
  const scene = new SceneManipulator(device, header.description)
  try {
    await fill(scene, header, tensors, name)
    return scene
  } catch (error) {
    scene.release()
    throw error
  }
}

async function fill(scene: SceneManipulator, header: Header, tensors: SafetensorsFile['tensors'], name: string): Promise<void> {
  const floats = (key: string): Float32Array | undefined => {
    const data = tensors.get(key)?.data
    return data instanceof Float32Array ? data : undefined
  }
  const values = new Map([...tensors].flatMap(([key, { shape, data }]) => (data instanceof Float32Array ? [[key, { shape, data }] as const] : [])))
  scene.parameters.write(values, name)
  if (scene.grid) {
    const grid = floats('grid/density')
    if (grid?.length !== scene.grid.length)
      throw new Error(`${name}: grid/density has ${grid?.length ?? 0} cells, expected ${scene.grid.length}; the file was cut or altered`)
    scene.grid.write(grid)
  }
  scene.setStep(header.step)
  await scene.setReference(header.reference)
  const m = floats('adam/m')
  const v = floats('adam/v')
  if (m && v) {
    const adam = scene.adam()
    if (m.length !== adam.m.length || v.length !== adam.v.length)
      throw new Error(`${name}: the optimiser's moments do not fit the parameters; train again`)
    adam.m.write(m)
    adam.v.write(v)
    scene.rayErrors = floats('rays/errors')?.slice()
  }
}

function parseHeader(text: string | undefined, name: string): Header {
  try {
    const header = JSON.parse(text ?? '') as Header
    if (header.description.space.radius > 0 && header.step >= 0 && header.description.frames.length > 0) return header
  } catch {
    // Falls through: one message for every way a header can be broken.
  }
  throw new Error(`${name}: the scene header is missing or broken; the file was cut or altered`)
}
