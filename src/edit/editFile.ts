/** The .edit file: the compositor's weights and its anchors, with the words they came from. Needs the scene it was made on. */
import { parseSafetensors, type TensorData, writeSafetensors } from '../io/safetensors.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { AnchorCompositor } from './anchorCompositor.ts'
import type { AnchorReport } from './anchors.ts'

const FORMAT = 'faceclipnerf.edit'
const VERSION = 1

export interface EditDescription {
  readonly prompt: string
  /** Strength it is shown at unless told otherwise: code (1 − s)·w_R + s·w*(x). */
  readonly strength: number
  readonly steps: number
  readonly seed: number
}

interface Header extends EditDescription {
  readonly scene: string
  readonly sceneStep: number
  /** The compositor's initial share of the neutral anchor, which its weights build on. */
  readonly neutral: number
  readonly indices: readonly number[]
  readonly frames: readonly string[]
  readonly report: AnchorReport
}

/** Bytes of an edit file. */
export async function saveEdit(compositor: AnchorCompositor, description: EditDescription): Promise<Uint8Array> {
  const { scene, anchors } = compositor
  const tensors = new Map<string, { shape: number[]; data: TensorData }>()
  for (const [name, { shape, data }] of await compositor.parameters.read()) tensors.set(name, { shape: [...shape], data })
  tensors.set('anchors', { shape: [anchors.indices.length, scene.config.codeSize], data: anchors.codes })
  const { indices, frames, report } = anchors
  const header: Header = {
    ...description,
    scene: scene.description.name,
    sceneStep: scene.step,
    neutral: compositor.neutral,
    indices,
    frames,
    report,
  }
  return writeSafetensors(tensors, { format: FORMAT, version: String(VERSION), header: JSON.stringify(header) })
}

/** The compositor of an edit file, and sets the scene's w_R to its neutral anchor. Throws when the file is broken or belongs to another scene. */
export async function loadEdit(
  scene: SceneManipulator,
  bytes: Uint8Array,
  name: string,
): Promise<{ compositor: AnchorCompositor; description: EditDescription }> {
  const { tensors, metadata } = parseSafetensors(bytes, name)
  if (metadata.format !== FORMAT)
    throw new Error(`${name}: not an edit file (format "${metadata.format ?? 'none'}"); make one with faceclipnerf edit`)
  if (Number(metadata.version) !== VERSION) throw new Error(`${name}: edit version ${metadata.version}, this program reads ${VERSION}`)
  const header = parseHeader(metadata.header, name)
  const { name: sceneName } = scene.description
  const needs = (found: string): Error =>
    new Error(`${name}: made on scene "${header.scene}" at step ${header.sceneStep}, this is ${found}; use that scene or edit again`)
  if (header.scene !== sceneName || header.sceneStep !== scene.step) throw needs(`"${sceneName}" at step ${scene.step}`)
  const codes = tensors.get('anchors')?.data
  if (!(codes instanceof Float32Array) || codes.length !== header.indices.length * scene.config.codeSize)
    throw new Error(`${name}: the anchor codes are missing or of another size; edit again`)
  for (const [k, index] of header.indices.entries()) {
    const code = await scene.readCode(index)
    if (code.some((value, i) => value !== codes[k * code.length + i])) throw needs('another training of it, with other latent codes')
  }
  const { indices, frames, report, neutral } = header
  const compositor = new AnchorCompositor(scene, { codes, indices, frames, report }, { neutral })
  compositor.parameters.write(
    new Map([...tensors].flatMap(([key, { shape, data }]) => (data instanceof Float32Array ? [[key, { shape, data }] as const] : []))),
    name,
  )
  await scene.setReference(indices[0])
  const { prompt, strength, steps, seed } = header
  return { compositor, description: { prompt, strength, steps, seed } }
}

function parseHeader(text: string | undefined, name: string): Header {
  try {
    const header = JSON.parse(text ?? '') as Header
    if (header.indices.length > 1 && Number.isFinite(header.strength)) return header
  } catch {
    // Falls through: one message for every way a header can be broken.
  }
  throw new Error(`${name}: the edit header is missing or broken; the file was cut or altered`)
}
