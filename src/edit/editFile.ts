/** The .edit file: the weights of an edited code field and the codes it builds on, with the words they came from. Needs the scene it was made on. */
import { parseSafetensors, type TensorData, writeSafetensors } from '../io/safetensors.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { AnchorCompositor } from './anchorCompositor.ts'
import type { AnchorReport } from './anchors.ts'
import { FreeCode } from './freeCode.ts'

const FORMAT = 'faceclipnerf.edit'
/** 2 added the kind 'code'. */
const VERSION = 2
const READS = [1, VERSION]

export interface EditDescription {
  readonly prompt: string
  /** Strength it is shown at unless told otherwise: code (1 − s)·w_R + s·w*(x). */
  readonly strength: number
  readonly steps: number
  readonly seed: number
}

interface MadeOn extends EditDescription {
  readonly scene: string
  readonly sceneStep: number
  /** Codes of the scene that the edit builds on, w_R first; their numbers are in the tensor `BASE[kind]`. */
  readonly indices: readonly number[]
}

interface AnchorsHeader extends MadeOn {
  /** Absent in version 1. */
  readonly kind?: 'anchors'
  /** The compositor's initial share of the neutral anchor, which its weights build on. */
  readonly neutral: number
  readonly frames: readonly string[]
  readonly report: AnchorReport
}

interface CodeHeader extends MadeOn {
  readonly kind: 'code'
}

type Header = AnchorsHeader | CodeHeader

/** Name of the tensor [K, d_w] of the scene's codes that an edit builds on: the anchors, or w_R alone. */
const BASE = { anchors: 'anchors', code: 'reference' } as const

/** What an edit file holds: a code field that renders, and can be edited on. */
export interface LoadedEdit {
  readonly field: AnchorCompositor | FreeCode
  readonly description: EditDescription
}

/** Bytes of an edit file. A free code is shown with the w_R that its scene has now. */
export async function saveEdit(field: AnchorCompositor | FreeCode, description: EditDescription): Promise<Uint8Array> {
  const { scene, parameters } = field
  const tensors = new Map<string, { shape: number[]; data: TensorData }>()
  for (const [name, { shape, data }] of await parameters.read()) tensors.set(name, { shape: [...shape], data })
  const { codes, ...about } = await baseOf(field)
  const madeOn = { ...description, scene: scene.description.name, sceneStep: scene.step }
  const header: Header = { ...madeOn, ...about }
  tensors.set(BASE[about.kind], { shape: [about.indices.length, scene.config.codeSize], data: codes })
  return writeSafetensors(tensors, { format: FORMAT, version: String(VERSION), header: JSON.stringify(header) })
}

/** The scene's codes that a field builds on, and what else of it is no weight. */
async function baseOf(field: AnchorCompositor | FreeCode) {
  if (field instanceof AnchorCompositor) {
    const { neutral, anchors } = field
    const { codes, indices, frames, report } = anchors
    return { kind: 'anchors' as const, neutral, indices, frames, report, codes }
  }
  const { scene } = field
  return { kind: 'code' as const, indices: [scene.referenceCode], codes: await scene.readCode(scene.referenceCode) }
}

/** The code field of an edit file; sets the scene's w_R to the one it was made with. Throws when the file is broken or belongs to another scene. */
export async function loadEdit(scene: SceneManipulator, bytes: Uint8Array, name: string): Promise<LoadedEdit> {
  const { tensors, metadata } = parseSafetensors(bytes, name)
  if (metadata.format !== FORMAT)
    throw new Error(`${name}: not an edit file (format "${metadata.format ?? 'none'}"); make one with faceclipnerf edit`)
  if (!READS.includes(Number(metadata.version)))
    throw new Error(`${name}: edit version ${metadata.version}, this program reads ${READS.join(' and ')}`)
  const header = parseHeader(metadata.header, name)
  const { name: sceneName } = scene.description
  const needs = (found: string): Error =>
    new Error(`${name}: made on scene "${header.scene}" at step ${header.sceneStep}, this is ${found}; use that scene or edit again`)
  if (header.scene !== sceneName || header.sceneStep !== scene.step) throw needs(`"${sceneName}" at step ${scene.step}`)
  const { codeSize } = scene.config
  const { indices } = header
  const codes = tensors.get(BASE[header.kind ?? 'anchors'])?.data
  if (!(codes instanceof Float32Array) || codes.length !== indices.length * codeSize)
    throw new Error(`${name}: the ${header.kind === 'code' ? 'reference code is' : 'anchor codes are'} missing or of another size; edit again`)
  for (const [k, index] of indices.entries()) {
    const code = await scene.readCode(index)
    if (code.some((value, i) => value !== codes[k * codeSize + i])) throw needs('another training of it, with other latent codes')
  }
  const field = emptyField(scene, header, codes)
  field.parameters.write(
    new Map([...tensors].flatMap(([key, { shape, data }]) => (data instanceof Float32Array ? [[key, { shape, data }] as const] : []))),
    name,
  )
  await scene.setReference(indices[0])
  const { prompt, strength, steps, seed } = header
  return { field, description: { prompt, strength, steps, seed } }
}

/** A field whose weights are yet to be written. */
function emptyField(scene: SceneManipulator, header: Header, codes: Float32Array): AnchorCompositor | FreeCode {
  if (header.kind === 'code') return new FreeCode(scene, codes)
  const { indices, frames, report, neutral } = header
  return new AnchorCompositor(scene, { codes, indices, frames, report }, { neutral })
}

function parseHeader(text: string | undefined, name: string): Header {
  let header: Header | undefined
  try {
    header = JSON.parse(text ?? '') as Header
    const { kind = 'anchors', indices, strength } = header
    const enough = kind === 'code' ? indices.length === 1 : indices.length > 1
    if (Object.hasOwn(BASE, kind) && enough && Number.isFinite(strength)) return header
  } catch {
    header = undefined // one message for every way a header can be broken
  }
  const kind: string = header?.kind ?? 'anchors'
  if (!Object.hasOwn(BASE, kind)) throw new Error(`${name}: an edit of kind "${kind}"; this program reads ${Object.keys(BASE).join(' and ')}`)
  throw new Error(`${name}: the edit header is missing or broken; the file was cut or altered`)
}
