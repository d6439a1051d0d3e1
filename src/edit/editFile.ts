/**
 * The .edit file: a chain of layers, each the weights of an edited code field and the codes it builds on, with the words they came from; a layer starts from
 * the one before it. How many of them are shown is data too: undoing an edit shows one less. Needs the scene it was made on, and nothing else.
 */
import { parseSafetensors, type SafetensorsFile, type TensorData, writeSafetensors } from '../io/safetensors.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { AnchorCompositor } from './anchorCompositor.ts'
import { type EditHeader, type EditLayer, headerBytes, readHeader } from './editHeader.ts'
import { FreeCode } from './freeCode.ts'

/** What an .edit file says of an edit. */
export interface EditDescription {
  readonly prompt: string
  /** What `prompt` is: a sentence unless told otherwise, else a label of the pictures or coefficients that the edit was guided by. */
  readonly guidedBy?: 'text' | 'pictures' | 'expression' | undefined
  /** Strength it is shown at unless told otherwise: code (1 − s)·w_R + s·w*(x). The layer after it starts from that. */
  readonly strength: number
  readonly steps: number
  readonly seed: number
  /** The loss on the way, for reports. */
  readonly curve?: readonly LossPoint[] | undefined
}

/** The loss after a step of the descent. */
export interface LossPoint {
  readonly step: number
  readonly loss: number
}

/** Name of the tensor [K, d_w] of the scene's codes that a layer builds on: the anchors, or w_R alone. */
const BASE = { anchors: 'anchors', code: 'reference' } as const

/** Names of a layer's tensors begin with its number, but for the first's, which are named as when there were no others. */
const prefix = (layer: number): string => (layer === 0 ? '' : `${layer}/`)

/** What an edit file holds: a code field that renders, and can be edited on. */
export interface LoadedEdit {
  /** The last layer shown, on those before it. */
  readonly field: AnchorCompositor | FreeCode
  /** Its description. */
  readonly description: EditDescription
  /** Of the layers shown, in order. */
  readonly history: readonly EditDescription[]
}

/**
 * Bytes of an edit file: the field and, before it, the edits it builds on (`base`). A free code is shown with the w_R that its scene has now.
 * @param earlier descriptions of those edits, in order. Throws when they are not as many as the edits, and for a code that moves T.
 */
export async function saveEdit(
  field: AnchorCompositor | FreeCode,
  description: EditDescription,
  earlier: readonly EditDescription[] = [],
): Promise<Uint8Array> {
  const { scene } = field
  const fields = chainOf(field)
  if (fields.length !== earlier.length + 1)
    throw new Error(
      `saveEdit: ${earlier.length} earlier descriptions for an edit on ${fields.length - 1} others; give the history of what it builds on`,
    )
  const tensors = new Map<string, { shape: number[]; data: TensorData }>()
  const layers: EditLayer[] = []
  for (const [i, layer] of fields.entries()) {
    for (const [name, { shape, data }] of await layer.parameters.read()) tensors.set(prefix(i) + name, { shape: [...shape], data })
    const { codes, ...about } = await baseOf(layer)
    layers.push({ ...(earlier[i] ?? description), ...about })
    tensors.set(prefix(i) + BASE[about.kind], { shape: [about.indices.length, scene.config.codeSize], data: codes })
  }
  const header: EditHeader = { scene: scene.description.name, sceneStep: scene.step, layers, shown: layers.length }
  return writeSafetensors(tensors, headerBytes(header))
}

/** An edit and what it builds on, first to last. */
function chainOf(field: AnchorCompositor | FreeCode): (AnchorCompositor | FreeCode)[] {
  const base = field instanceof AnchorCompositor ? field.base : undefined
  return [...(base ? chainOf(base) : []), field]
}

/** The scene's codes that a field builds on, and what else of it is no weight. */
async function baseOf(field: AnchorCompositor | FreeCode) {
  if (field instanceof AnchorCompositor) {
    const { neutral, anchors, region, gains } = field
    const { codes, indices, frames, report } = anchors
    return { kind: 'anchors' as const, neutral, indices, frames, report, codes, ...(region && { region }), ...(gains && { gains }) }
  }
  const { scene, into } = field
  if (into !== 'H') throw new Error(`saveEdit: a code into ${into === 'T' ? 'T' : 'T and H'} is a baseline, not an edit to keep; render it instead`)
  return { kind: 'code' as const, indices: [scene.referenceCode], codes: await scene.readCode(scene.referenceCode) }
}

/**
 * The code field of an edit file; sets the scene's w_R to the one it was made with. Throws when the file is broken or belongs to another scene.
 * @param options.shown layers to show, from the first, other than the file says.
 */
export async function loadEdit(scene: SceneManipulator, bytes: Uint8Array, name: string, options: { shown?: number } = {}): Promise<LoadedEdit> {
  const file = parseSafetensors(bytes, name)
  const header = readHeader(file.metadata, name)
  const { name: sceneName } = scene.description
  const needs = (found: string): Error =>
    new Error(`${name}: made on scene "${header.scene}" at step ${header.sceneStep}, this is ${found}; use that scene or edit again`)
  if (header.scene !== sceneName || header.sceneStep !== scene.step) throw needs(`"${sceneName}" at step ${scene.step}`)
  const layers = header.layers.slice(0, checkShown(options.shown ?? header.shown, header.layers.length, name))
  const { codeSize } = scene.config
  const codesOf: Float32Array[] = []
  for (const [i, { kind, indices }] of layers.entries()) {
    const codes = file.tensors.get(prefix(i) + BASE[kind])?.data
    if (!(codes instanceof Float32Array) || codes.length !== indices.length * codeSize)
      throw new Error(`${name}: the ${kind === 'code' ? 'reference code is' : 'anchor codes are'} missing or of another size; edit again`)
    for (const [k, index] of indices.entries()) {
      const code = await scene.readCode(index)
      if (code.some((value, i) => value !== codes[k * codeSize + i])) throw needs('another training of it, with other latent codes')
    }
    codesOf.push(codes)
  }
  await scene.setReference(layers[0].indices[0])
  let field: AnchorCompositor | FreeCode | undefined
  for (const [i, layer] of layers.entries()) {
    field = fieldOf(scene, layer, codesOf[i], field && { field, strength: layers[i - 1].strength })
    field.parameters.write(weights(file, i), name)
  }
  const history = layers.map(
    ({ prompt, guidedBy, strength, steps, seed, curve }): EditDescription => ({
      prompt,
      ...(guidedBy && { guidedBy }),
      strength,
      steps,
      seed,
      ...(curve && { curve }),
    }),
  )
  if (!field) throw new Error(`${name}: no layer to show; the file was cut or altered`)
  return { field, description: history[history.length - 1], history }
}

/** A field whose weights are yet to be written. */
function fieldOf(
  scene: SceneManipulator,
  layer: EditLayer,
  codes: Float32Array,
  before: { field: AnchorCompositor | FreeCode; strength: number } | undefined,
): AnchorCompositor | FreeCode {
  if (layer.kind === 'code') return new FreeCode(scene, codes)
  const { indices, frames, report, neutral, region, gains } = layer
  const base = before && { base: before.field, baseStrength: before.strength }
  return new AnchorCompositor(scene, { codes, indices, frames, report }, { neutral, region, gains, ...base })
}

/** The tensors of a layer, under the names of its parameters. */
function weights({ tensors }: SafetensorsFile, layer: number): Map<string, { shape: readonly number[]; data: Float32Array }> {
  const own = prefix(layer)
  return new Map(
    [...tensors].flatMap(([key, { shape, data }]) =>
      key.startsWith(own) && data instanceof Float32Array ? [[key.slice(own.length), { shape, data }] as const] : [],
    ),
  )
}

/** Throws unless a file of `count` layers can show so many. */
function checkShown(shown: number, count: number, name: string): number {
  if (Number.isInteger(shown) && shown >= 1 && shown <= count) return shown
  throw new Error(`${name}: cannot show ${shown} of its ${count} edit${count === 1 ? '' : 's'}; give a number from 1 to ${count}`)
}

/** The edits in a file, in order, and how many of them are shown: what undo and redo move along. Needs no scene. Throws for a broken file. */
export function readHistory(bytes: Uint8Array, name: string): { readonly edits: readonly EditDescription[]; readonly shown: number } {
  const { layers, shown } = readHeader(parseSafetensors(bytes, name).metadata, name)
  return { edits: layers.map(({ prompt, strength, steps, seed }) => ({ prompt, strength, steps, seed })), shown }
}

/** The file showing its first `shown` edits; what comes after them is kept, so that it can be shown again. Throws for a number it has not got. */
export function withShown(bytes: Uint8Array, shown: number, name: string): Uint8Array {
  const { tensors, metadata } = parseSafetensors(bytes, name)
  const header = readHeader(metadata, name)
  return writeSafetensors(tensors, headerBytes({ ...header, shown: checkShown(shown, header.layers.length, name) }))
}
