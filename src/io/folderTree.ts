/** A folder on disk as a tree that never leaves the folder (Node only). */

import { folder } from './files.ts'
import { type FileTree, sortPaths } from './fileTree.ts'

/** More entries than any capture has; whoever passes a home directory should hear of it soon. */
const MOST_FILES = 200_000

/**
 * Every file below a folder. Links that lead out of it are left out with a warning: importing a folder that someone sent must not read what they did not
 * send. Hidden files ('.DS_Store') and macOS's '__MACOSX' are passed over. Throws when it is no folder, cannot be read, or holds too many files.
 */
export async function folderTree(path: string): Promise<FileTree> {
  const fs = await import('node:fs/promises')
  const { join, relative, sep, isAbsolute } = await import('node:path')
  const source = await folder(path)
  const root = await fs.realpath(path)
  const [files, warnings]: [string[], string[]] = [[], []]
  const visit = async (inside: string): Promise<void> => {
    const entries = await fs.readdir(join(path, inside), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      const problem = `${join(path, inside)}: the folder cannot be read (${error.code ?? error.message}); check its permissions`
      if (inside === '') throw new Error(problem)
      warnings.push(problem)
      return []
    })
    for (const entry of entries) {
      if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue
      const at = inside === '' ? entry.name : `${inside}/${entry.name}`
      let [isFolder, isFile] = [entry.isDirectory(), entry.isFile()]
      if (entry.isSymbolicLink()) {
        const target = await fs.realpath(join(path, at)).catch(() => undefined)
        const way = target === undefined ? '..' : relative(root, target)
        if (target === undefined || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) {
          const where = target === undefined ? 'leads nowhere' : `leads out of the folder, to ${target}`
          warnings.push(`${join(path, at)}: left out, because this link ${where}; copy the file itself into the folder`)
          continue
        }
        // a link to a folder inside is passed over: what it shows is found where it really lies, and a ring of links would not end
        ;[isFolder, isFile] = [false, (await fs.stat(target)).isFile()]
      }
      if (isFolder) await visit(at)
      else if (isFile) files.push(at)
      if (files.length > MOST_FILES) throw new Error(`${path}: more than ${MOST_FILES} files; pass the folder of one capture alone`)
    }
  }
  await visit('')
  const known = new Set(files)
  const guard = (file: string): string => {
    if (known.has(file)) return file
    throw new Error(`${source.describe(file)}: no such file; restore it or correct what refers to it`)
  }
  return {
    ...source,
    where: path,
    read: async file => source.read(guard(file)),
    readRange: async (file, begin, end) => (await source.readRange?.(guard(file), begin, end)) ?? new Uint8Array(),
    size: async file => (await source.size?.(guard(file))) ?? 0,
    exists: async file => known.has(file),
    files: sortPaths(files),
    warnings,
    close: async () => undefined,
  }
}
