/** Which format a tree of files is in, by what it holds, and reading it. */
import { type FileTree, subtree } from '../io/fileTree.ts'
import { readColmap } from './colmap.ts'
import { readImageFolder } from './imageFolder.ts'
import type { ImportedCapture } from './importedCapture.ts'
import { readLlff } from './llff.ts'
import { isPicture, someOf } from './locate.ts'
import { readNerfies } from './nerfiesDataset.ts'
import { readBlender, readTransforms } from './transforms.ts'

/** The formats that can be imported (docs/import.md). */
export const DATASET_FORMATS = ['nerfies', 'blender', 'transforms', 'llff', 'colmap', 'images'] as const
export type DatasetFormat = (typeof DATASET_FORMATS)[number]

/**
 * The file that gives a format away, seen from the folder the format is read from. In order: a nerfstudio folder also has COLMAP's files, an LLFF one too;
 * what stands first was made from what stands behind it.
 */
const MARKS: readonly { format: DatasetFormat; mark: RegExp }[] = [
  { format: 'nerfies', mark: /^dataset\.json$/ },
  { format: 'blender', mark: /^transforms_(train|val|test)\.json$/ },
  { format: 'transforms', mark: /^transforms\.json$/ },
  { format: 'llff', mark: /^poses_bounds\.npy$/ },
  { format: 'colmap', mark: /^((colmap\/)?sparse\/|(colmap\/)?sparse\/\d+\/|colmap_(sparse|text)\/(\d+\/)?|)(cameras|images)\.(bin|txt)$/ },
]

/** Most JSON files that are looked into for poses; phone apps write one per picture. */
const MOST_JSON = 20

const READERS: Record<DatasetFormat, (tree: FileTree) => Promise<ImportedCapture> | ImportedCapture> = {
  nerfies: readNerfies,
  blender: readBlender,
  transforms: tree => readTransforms(tree),
  llff: readLlff,
  colmap: readColmap,
  images: readImageFolder,
}

export interface Detected {
  readonly format: DatasetFormat
  /** The folder of the tree that the format is read from: '' or where a zip put everything. */
  readonly folder: string
  /** Other formats the same folder holds. */
  readonly others: readonly DatasetFormat[]
}

/** Looks for the formats' own files, in the folder itself and then deeper (three levels). Throws when there is nothing, or several captures side by side. */
export function detectFormat(tree: FileTree, wanted?: DatasetFormat): Detected {
  for (let level = 0; level <= 3; level++) {
    const folders = [
      ...new Set(
        tree.files
          .map(path => path.split('/').slice(0, -1))
          .filter(parts => parts.length >= level)
          .map(parts => parts.slice(0, level).join('/')),
      ),
    ]
    const found = folders.flatMap(folder => {
      const prefix = folder === '' ? '' : `${folder}/`
      const inside = tree.files.filter(path => path.startsWith(prefix)).map(path => path.slice(prefix.length))
      const formats = MARKS.filter(({ mark }) => inside.some(path => mark.test(path))).map(({ format }) => format)
      const chosen = formats.filter(format => wanted === undefined || format === wanted)
      return chosen.length > 0 ? [{ format: chosen[0], folder, others: formats.filter(format => format !== chosen[0]) }] : []
    })
    if (found.length > 1) {
      const list = found.map(({ folder, format }) => `${folder} (${format})`).join(', ')
      throw new Error(`${tree.where}: ${found.length} captures side by side: ${list}; pass one of these folders`)
    }
    if (found.length === 1) return { ...found[0], folder: withPictures(tree, found[0]) }
  }
  if (wanted !== undefined && wanted !== 'images')
    throw new Error(`${tree.where}: no ${wanted} capture (${markOf(wanted)} is not there); leave --format out to see what is`)
  if (tree.files.some(isPicture)) return { format: 'images', folder: '', others: [] }
  const some = tree.files.slice(0, 3).join(', ')
  throw new Error(
    `${tree.where}: ${some ? `nothing that can be imported among its ${tree.files.length} files (${some}, …)` : 'it holds no files'}; ` +
      'pass pictures, transforms.json, a COLMAP model with its pictures, poses_bounds.npy or a Nerfies folder',
  )
}

/** A COLMAP model in a folder of its own has its pictures beside it: then the folder above is the capture. */
function withPictures(tree: FileTree, { format, folder }: Omit<Detected, 'others'>): string {
  if (format !== 'colmap') return folder
  const parts = folder.split('/')
  const bases = [...parts.keys()].reverse().map(count => parts.slice(0, count).join('/'))
  const hasPictures = (base: string): boolean => tree.files.some(path => (base === '' || path.startsWith(`${base}/`)) && isPicture(path))
  return [folder, ...bases].find(hasPictures) ?? folder
}

function markOf(format: DatasetFormat): string {
  const names: Partial<Record<DatasetFormat, string>> = {
    nerfies: 'dataset.json',
    blender: 'transforms_train.json',
    transforms: 'transforms.json',
    llff: 'poses_bounds.npy',
    colmap: 'cameras.bin or cameras.txt',
  }
  return names[format] ?? format
}

/** Reads a tree in the given format or the one it is found to be in. Throws, naming file, value and remedy. */
export async function readDataset(tree: FileTree, { format }: { format?: DatasetFormat } = {}): Promise<ImportedCapture> {
  const found = detectFormat(tree, format)
  const renamed = found.format === 'images' && format === undefined ? await posesUnderAnotherName(tree) : undefined
  if (renamed !== undefined) {
    const { warnings, ...rest } = await readTransforms(tree, renamed)
    return { ...rest, name: tree.name, warnings: [`${tree.describe(renamed)}: read as a transforms.json, which its content is`, ...warnings] }
  }
  const imported = await READERS[found.format](subtree(tree, found.folder))
  return { ...imported, name: tree.name }
}

/** A person's own name for a transforms.json, or another case of it: of the JSON files, the only one with such matrices. */
async function posesUnderAnotherName(tree: FileTree): Promise<string | undefined> {
  const candidates = tree.files.filter(path => /\.json$/i.test(path)).slice(0, MOST_JSON)
  const found: string[] = []
  for (const path of candidates) if (new TextDecoder().decode(await tree.read(path)).includes('"transform_matrix"')) found.push(path)
  if (found.length > 1)
    throw new Error(`${tree.where}: ${found.length} files of poses: ${someOf(found, 3)}; pass the one that is meant, or --format images`)
  return found[0]
}
