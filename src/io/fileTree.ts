/** A tree of files that is known as a whole, so that a reader can find out what it holds: a folder, a zip, or files picked in a browser. */
import { type FileSource, fileMap } from './files.ts'

/** Files whose paths are all known. */
export interface FileTree extends FileSource {
  /** How errors call the tree as a whole: the path that was given. */
  readonly where: string
  /** Paths of all files, relative, with '/', sorted by their numbers ('2.png' before '10.png'). */
  readonly files: readonly string[]
  /** What was left out while listing, one sentence each: links that lead out of the folder, entries that cannot be read. */
  readonly warnings: readonly string[]
  /** Gives a zip's file back; nothing for others. */
  close(): Promise<void>
}

/** Files in memory or picked by a person, by relative path. */
export function mapTree(files: Map<string, Blob | Uint8Array>, name: string): FileTree {
  return { ...fileMap(files, name), where: name, files: sortPaths([...files.keys()]), warnings: [], close: async () => undefined }
}

/** The part of a tree below a folder ('' is all of it). */
export function subtree(tree: FileTree, folder: string): FileTree {
  if (folder === '') return tree
  const inside = (path: string): string => `${folder}/${path}`
  const { readRange, size } = tree
  return {
    ...tree,
    where: tree.describe(folder),
    describe: path => tree.describe(inside(path)),
    read: path => tree.read(inside(path)),
    ...(readRange && { readRange: (path, begin, end) => readRange.call(tree, inside(path), begin, end) }),
    ...(size && { size: path => size.call(tree, inside(path)) }),
    exists: path => tree.exists(inside(path)),
    list: path => tree.list(path === '' || path === '.' ? folder : inside(path)),
    files: tree.files.filter(path => path.startsWith(`${folder}/`)).map(path => path.slice(folder.length + 1)),
  }
}

/** By their numbers, so that frame 10 follows frame 9 without leading zeros; the same in every locale. */
export function sortPaths(paths: string[]): string[] {
  return paths.sort((a, b) => ORDER.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0))
}

const ORDER = new Intl.Collator('en', { numeric: true })

/**
 * A path as a file of a dataset names it, relative to `folder` of the tree: './images/../images\\a.png' -> 'images/a.png'.
 * Undefined when it is absolute or leads out of the tree.
 */
export function insidePath(path: string, folder = ''): string | undefined {
  const text = path.replaceAll('\\', '/')
  if (text === '' || text.includes('\0') || /^(\/|[A-Za-z]:)/.test(text)) return undefined
  const parts = folder === '' ? [] : folder.split('/')
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return parts.length > 0 ? parts.join('/') : undefined
}
