/** What was opened, sorted by what it is: one scene, its edits, and which codes are its anchors. */
import type { NamedBytes } from '../protocol/messages.ts'
import { isZip, unzip } from './zip.ts'

export interface AnchorsFile {
  readonly scene: string
  readonly sceneStep: number
  readonly indices: readonly number[]
  readonly report: {
    readonly encoder: string
    readonly method: 'dbscan' | 'k-medoids'
    readonly labels: readonly number[]
    readonly sizes: readonly number[]
  }
}

export interface SortedFiles {
  readonly scene?: NamedBytes
  readonly edits: readonly NamedBytes[]
  readonly anchors?: AnchorsFile
  /** The files of a capture in the layout of Nerfies, by path. */
  readonly capture?: { readonly name: string; readonly files: ReadonlyMap<string, Uint8Array> }
}

const OPENS = 'the studio opens .scene and .edit files, zips of them, and zips of a .capture'

/** Throws, naming the file, for what the studio does not open. */
export async function sortFiles(given: readonly NamedBytes[]): Promise<SortedFiles> {
  const files: NamedBytes[] = []
  let capture: SortedFiles['capture']
  for (const file of given) {
    if (!isZip(file.bytes)) {
      files.push(file)
      continue
    }
    const inside = await unzip(file.bytes, file.name)
    const found = captureOf(file.name, inside)
    if (found) capture = found
    else files.push(...ofZip(file.name, inside))
  }
  if (capture && !files.some(file => file.name.toLowerCase().endsWith('.scene'))) return { edits: [], capture }
  const ends = (suffix: string) => (file: NamedBytes) => file.name.toLowerCase().endsWith(suffix)
  const scenes = files.filter(ends('.scene'))
  const edits = files.filter(ends('.edit'))
  const anchors = files.find(ends('.anchors.json'))
  if (scenes.length > 1) throw new Error(`${scenes.map(f => f.name).join(' and ')}: two scenes at once; open one of them`)
  const others = files.filter(file => !scenes.includes(file) && !edits.includes(file) && file !== anchors)
  if (others.length > 0) throw new Error(`${others[0].name}: ${whatItIs(others[0])}; ${OPENS}`)
  return { scene: scenes[0], edits, anchors: anchors && readAnchors(anchors), ...(capture && { capture }) }
}

/** The capture in a zip, whatever folder it is in there. Throws for one of another layout, which is to be imported. */
function captureOf(name: string, inside: readonly NamedBytes[]): SortedFiles['capture'] {
  const index = inside.find(f => /(^|\/)dataset\.json$/.test(f.name))
  if (!index) {
    if (!inside.some(f => /(^|\/)transforms[\w]*\.json$/.test(f.name))) return undefined
    throw new Error(
      `${name}: a capture of another program; import it first: faceclipnerf import ${name} -o me.capture; then pack me.capture as a zip`,
    )
  }
  const root = index.name.slice(0, -'dataset.json'.length)
  const files = new Map(inside.filter(f => f.name.startsWith(root)).map(f => [f.name.slice(root.length), f.bytes]))
  return {
    name:
      root
        .split('/')
        .at(-2)
        ?.replace(/\.capture$/, '') ?? name.replace(/(\.capture)?\.zip$/i, ''),
    files,
  }
}

/** What of a zip the studio opens; the rest (a readme, say) is left. */
function ofZip(name: string, inside: readonly NamedBytes[]): NamedBytes[] {
  const known = inside.filter(f => /\.(scene|edit|anchors\.json)$/i.test(f.name))
  if (known.length === 0) throw new Error(`${name}: no .scene and no .edit among its ${inside.length} files; ${OPENS}`)
  return known.map(f => ({ ...f, name: f.name.split('/').at(-1) ?? f.name }))
}

function whatItIs({ name, bytes }: NamedBytes): string {
  if (bytes.length === 0) return 'the file is empty (a folder cannot be dropped)'
  if (/\.(mp4|mov|webm|mkv)$/i.test(name)) return `a video; make a scene of it first: faceclipnerf import ${name}, then faceclipnerf train`
  if (/\.(png|jpe?g|webp|heic)$/i.test(name)) return 'a picture'
  if (/\.json$/i.test(name)) return 'a JSON file (a camera path is opened in the film, key T)'
  return 'not a file of faceclipnerf'
}

function readAnchors({ name, bytes }: NamedBytes): AnchorsFile {
  const again = 'delete it, or make it again with faceclipnerf anchors'
  try {
    const file = JSON.parse(new TextDecoder().decode(bytes)) as AnchorsFile
    if (Array.isArray(file.indices) && file.indices.every(Number.isInteger) && file.report) return file
  } catch {
    // one message for every way it can be broken
  }
  throw new Error(`${name}: not an anchors file; ${again}`)
}
