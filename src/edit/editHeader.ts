/** The header of an .edit file, in the three versions there have been: what of an edit is no number of a network. */
import type { AnchorReport } from './anchors.ts'
import type { EditDescription } from './editFile.ts'
import type { FaceRegion } from './faceRegion.ts'

const FORMAT = 'faceclipnerf.edit'
/** 2 added the kind 'code', 3 layers, regions and gains. */
const VERSION = 3
const READS = [1, 2, VERSION]
const KINDS = ['anchors', 'code'] as const

interface LayerOf extends EditDescription {
  /** Codes of the scene that the layer builds on, w_R first. */
  readonly indices: readonly number[]
}

interface AnchorsLayer extends LayerOf {
  readonly kind: 'anchors'
  /** The compositor's initial share of what it starts from, which its weights build on. */
  readonly neutral: number
  readonly frames: readonly string[]
  readonly report: AnchorReport
  /** The only part of the face that may differ from what it starts from. */
  readonly region?: FaceRegion
  /** How far each anchor's code is taken where they are mixed; 1 each when absent. */
  readonly gains?: readonly number[]
}

interface CodeLayer extends LayerOf {
  readonly kind: 'code'
}

/** One edit of a chain. */
export type EditLayer = AnchorsLayer | CodeLayer

export interface EditHeader {
  readonly scene: string
  readonly sceneStep: number
  /** In order; each starts from the one before. */
  readonly layers: readonly EditLayer[]
  /** How many of them, from the first, are shown. */
  readonly shown: number
}

/** A file's metadata. */
export function headerBytes(header: EditHeader): Record<string, string> {
  return { format: FORMAT, version: String(VERSION), header: JSON.stringify(header) }
}

/** The header of any version, as the newest has it. Throws, naming the file, for another format or version, and when it is broken. */
export function readHeader(metadata: Readonly<Record<string, string>>, name: string): EditHeader {
  if (metadata.format !== FORMAT)
    throw new Error(`${name}: not an edit file (format "${metadata.format ?? 'none'}"); make one with faceclipnerf edit`)
  if (!READS.includes(Number(metadata.version)))
    throw new Error(
      `${name}: edit version ${metadata.version}, this program reads ${READS.slice(0, -1).join(', ')} and ${VERSION}; ${Number(metadata.version) > VERSION ? 'update faceclipnerf' : 'make the edit again'}`,
    )
  const broken = new Error(`${name}: the edit header is missing or broken; the file was cut or altered`)
  let header: EditHeader
  try {
    const parsed: unknown = JSON.parse(metadata.header ?? '')
    header = Number(metadata.version) < 3 ? singleLayer(parsed as SingleLayer) : (parsed as EditHeader)
    for (const layer of header.layers) checkLayer(layer, name)
  } catch (error) {
    throw error instanceof UnknownKind ? error : broken
  }
  const { layers, shown } = header
  const references = new Set(layers.map(({ indices }) => indices[0]))
  const ordered = layers.slice(1).every(({ kind }) => kind === 'anchors')
  if (layers.length === 0 || references.size !== 1 || !ordered || !(shown >= 1 && shown <= layers.length)) throw broken
  return header
}

/** Versions 1 and 2 had one layer, and version 1 one kind. */
interface SingleLayer extends Omit<AnchorsLayer, 'kind'> {
  readonly kind?: 'anchors'
  readonly scene: string
  readonly sceneStep: number
}

function singleLayer({ scene, sceneStep, kind = 'anchors', ...about }: SingleLayer): EditHeader {
  return { scene, sceneStep, layers: [{ kind, ...about }], shown: 1 }
}

class UnknownKind extends Error {}

/** Throws for a kind this program does not know, and for a layer that lacks what its kind needs. */
function checkLayer(layer: EditLayer, name: string): void {
  const { kind, indices, strength } = layer
  const found: string = kind
  if (!KINDS.some(known => known === found)) throw new UnknownKind(`${name}: an edit of kind "${found}"; this program reads ${KINDS.join(' and ')}`)
  const enough = kind === 'code' ? indices.length === 1 : indices.length > 1
  if (!enough || !Number.isFinite(strength)) throw new Error('too few codes')
  if (layer.kind === 'anchors' && layer.gains && !(layer.gains.length === indices.length && layer.gains.every(Number.isFinite)))
    throw new Error('not one gain for each anchor')
}
