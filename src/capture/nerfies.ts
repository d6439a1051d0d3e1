import type { Vector3 } from '../camera/vector.ts'
import { type FileSource, NotAFolderError, openSource } from '../io/files.ts'
import { parseNpy } from '../io/npy.ts'

/** What the three JSON files of a Nerfies / HyperNeRF folder say. */
export interface NerfiesIndex {
  /** By id, training frames first, in dataset.json's order. */
  frames: Map<string, { split: 'train' | 'val'; code: number }>
  near: number
  far: number
  center: Vector3
  scale: number
}

/** The factors in use: Nerfies exports 1 to 16. */
const FACTORS = [1, 2, 4, 8, 16, 32]

/** What people pass for a capture has often to be imported first. */
const IMPORT = 'make one of it with faceclipnerf import'

/** The folder or web address of a capture. Throws for a file, naming what makes a capture of it. */
export async function openCapture(path: string): Promise<FileSource> {
  return openSource(path).catch((error: unknown) => {
    throw error instanceof NotAFolderError ? new Error(`${path}: a file, and a capture is a folder; ${IMPORT}`) : error
  })
}

/** Whether a folder can be looked into and holds no capture; a web address cannot be. */
async function isOtherFolder(source: FileSource): Promise<boolean> {
  if (await source.exists('dataset.json')) return false
  return source.list('').then(
    () => true,
    () => false,
  )
}

/** Read dataset.json, scene.json and metadata.json. Throws, naming file, value and remedy, when one of them makes no sense. */
export async function readIndex(source: FileSource): Promise<NerfiesIndex> {
  if (await isOtherFolder(source)) throw new Error(`${source.describe('dataset.json')}: not there, so this is no capture; ${IMPORT}`)
  const [dataset, scene, metadata] = await Promise.all(['dataset.json', 'scene.json', 'metadata.json'].map(path => readObject(source, path)))
  const bounds = readScene(scene, source.describe('scene.json'))
  const frames: NerfiesIndex['frames'] = new Map()
  const where = source.describe('dataset.json')
  for (const split of ['train', 'val'] as const) {
    for (const id of readIds(dataset, `${split}_ids`, where)) {
      const other = frames.get(id)
      if (other) throw new Error(`${where}: "${id}" is twice in the ids (${other.split}_ids and ${split}_ids); keep it once`)
      frames.set(id, { split, code: readCode(metadata, id, source.describe('metadata.json')) })
    }
  }
  return { frames, ...bounds }
}

/** Which rgb/{factor}x folders hold images, smallest factor first. Asks for the first and the last id, so one lost file hides no folder. */
export async function resolutions(source: FileSource, ids: string[]): Promise<number[]> {
  const there = await Promise.all(
    FACTORS.map(async factor => {
      const path = (id: string): string => `rgb/${factor}x/${id}.png`
      return (await source.exists(path(ids[0]))) || (await source.exists(path(ids[ids.length - 1])))
    }),
  )
  return FACTORS.filter((_, i) => there[i])
}

/** points.npy in scene units, [n, 3]; empty when there is none. */
export async function readBackgroundPoints(source: FileSource, { center, scale }: NerfiesIndex): Promise<Float32Array> {
  if (!(await source.exists('points.npy'))) return new Float32Array(0)
  return Float32Array.from(await readNpyPoints(source), (value, i) => (value - center[i % 3]) * scale)
}

/** points.npy as it is, [n, 3] world units. Throws when it has another shape or values that are not finite. */
export async function readNpyPoints(source: FileSource): Promise<Float32Array> {
  const name = source.describe('points.npy')
  const { shape, data } = parseNpy(await source.read('points.npy'), name)
  if (shape.length !== 2 || shape[1] !== 3) throw new Error(`${name}: shape is (${shape}); save the background points as [n, 3]`)
  const bad = data.findIndex(value => !Number.isFinite(value))
  if (bad >= 0) throw new Error(`${name}: point ${Math.floor(bad / 3)} has the value ${data[bad]}; remove points that are not finite`)
  return data instanceof Float32Array ? data : Float32Array.from(data)
}

/**
 * Parse a JSON file. Python writes NaN and Infinity, which JSON does not have; they become text here, so that the check of the field
 * names the field and the value instead of a character position. Comments and trailing commas, left by people, are read over where there is
 * a `note` to say so.
 */
export async function readJson(source: FileSource, path: string, note?: (text: string) => void): Promise<unknown> {
  const text = decodeText(await source.read(path))
  const parse = (json: string): unknown => JSON.parse(outsideText(json, /-?\b(?:NaN|Infinity)\b/, found => `"${found}"`))
  try {
    return parse(text)
  } catch (error) {
    if (note) {
      const plain = outsideText(outsideText(text, /\/\/[^\n]*|\/\*[\s\S]*?\*\//, ''), /,(?=\s*[}\]])/, '')
      const parsed = plain === text ? undefined : attempt(() => parse(plain))
      if (parsed !== undefined) {
        note(`${source.describe(path)}: has comments or commas before a closing bracket, which JSON does not have; read without them`)
        return parsed
      }
    }
    throw new Error(`${source.describe(path)}: not valid JSON (${error instanceof Error ? error.message : error}); write the file again`)
  }
}

/** UTF-8, or UTF-16 where the byte order mark says so: Windows' shells write that. */
function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes
  const encoding = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
  return new TextDecoder(encoding).decode(bytes)
}

/** Replaces what matches outside of quoted text. */
function outsideText(text: string, pattern: RegExp, by: string | ((found: string) => string)): string {
  const either = new RegExp(`"(?:[^"\\\\]|\\\\.)*"|${pattern.source}`, 'g')
  return text.replace(either, found => (found.startsWith('"') ? found : typeof by === 'string' ? by : by(found)))
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

async function readObject(source: FileSource, path: string): Promise<Record<string, unknown>> {
  const json = await readJson(source, path)
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  throw new Error(`${source.describe(path)}: the file holds ${JSON.stringify(json).slice(0, 40)}, not an object; write it again`)
}

function readIds(dataset: Record<string, unknown>, field: 'train_ids' | 'val_ids', where: string): string[] {
  const ids = dataset[field]
  if (ids === undefined && field === 'val_ids') return []
  if (!Array.isArray(ids)) throw new Error(`${where}: "${field}" is ${JSON.stringify(ids)}; it must be a list of frame ids`)
  if (ids.length === 0 && field === 'train_ids') throw new Error(`${where}: "train_ids" is empty; list at least one training frame`)
  // An id becomes part of a path: a slash or dots could lead out of the capture.
  const bad = ids.findIndex(id => typeof id !== 'string' || !/^[^/\\]+$/.test(id) || /^\.+$/.test(id))
  if (bad >= 0) throw new Error(`${where}: "${field}" has ${JSON.stringify(ids[bad])}; an id is a file name without folder or extension`)
  return ids
}

function readScene(scene: Record<string, unknown>, where: string): Omit<NerfiesIndex, 'frames'> {
  const number = (field: string): number => {
    const value = scene[field]
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw new Error(`${where}: "${field}" is ${value === undefined ? 'missing' : JSON.stringify(value)}; it must be a finite number`)
  }
  const { center } = scene
  if (!Array.isArray(center) || center.length !== 3 || !center.every(Number.isFinite)) {
    throw new Error(`${where}: "center" is ${center === undefined ? 'missing' : JSON.stringify(center)}; it must be three finite numbers`)
  }
  const [scale, near, far] = ['scale', 'near', 'far'].map(number)
  if (!(scale > 0)) throw new Error(`${where}: "scale" is ${scale}; it must be positive`)
  if (near < 0) throw new Error(`${where}: "near" is ${near}, behind the camera; it must be 0 or more`)
  if (near >= far) throw new Error(`${where}: "near" is ${near} and "far" is ${far}; near must be smaller than far (both in scaled units)`)
  return { scale, near, far, center: center as Vector3 }
}

/** The row of the latent code: warp_id, or appearance_id in captures that have only that. */
function readCode(metadata: Record<string, unknown>, id: string, where: string): number {
  const entry = Object.hasOwn(metadata, id) ? metadata[id] : undefined
  if (typeof entry !== 'object' || entry === null)
    throw new Error(`${where}: no entry for "${id}", which dataset.json lists; add it with its warp_id`)
  const { warp_id: warp, appearance_id: appearance } = entry as Record<string, unknown>
  const field = warp === undefined ? 'appearance_id' : 'warp_id'
  const code = warp ?? appearance
  if (typeof code === 'number' && Number.isInteger(code) && code >= 0) return code
  throw new Error(`${where}: "${id}" has ${field} ${code === undefined ? 'missing' : JSON.stringify(code)}; it must be a whole number from 0`)
}
