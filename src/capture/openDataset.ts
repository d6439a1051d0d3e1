/** Opening what a person points at: a folder, a zip, or one of the files that describe a capture (Node only). */
import type { FileTree } from '../io/fileTree.ts'
import { folderTree } from '../io/folderTree.ts'
import { zipTree } from '../io/zipTree.ts'
import type { ImportedCapture } from './importedCapture.ts'
import { type DatasetFormat, readDataset } from './readDataset.ts'
import { readTransforms } from './transforms.ts'

/** A data set whose pictures can be read until it is closed. */
export interface OpenedDataset {
  readonly imported: ImportedCapture
  /** Gives a zip's file back, when the pictures have been read. */
  close(): Promise<void>
}

/**
 * Reads the data set at a path: a folder, a .zip, a transforms.json, or another file of a data set, which stands for its folder. Throws, naming path, value
 * and remedy, when nothing is there or it cannot be imported.
 */
export async function openDataset(path: string, { format }: { format?: DatasetFormat } = {}): Promise<OpenedDataset> {
  const { stat } = await import('node:fs/promises')
  const { basename, dirname } = await import('node:path')
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path}: ${error.code === 'ENOENT' ? 'no such file or folder' : `cannot be opened (${error.code})`}; check the path`)
  })
  if (found.isDirectory()) return open(await folderTree(path), format)
  if (!found.isFile()) throw new Error(`${path}: neither a file nor a folder; pass a capture`)
  if (found.size === 0) throw new Error(`${path}: the file is empty (0 bytes); copy it again`)
  if (await isZip(path)) return open(await zipTree(path), format)
  const name = basename(path)
  if (/\.json$/i.test(name) && !/^(dataset|scene|metadata|transforms_(train|val|test))\.json$/.test(name)) {
    const tree = await folderTree(dirname(path))
    return { imported: await readTransforms(tree, name), close: tree.close }
  }
  if (/\.(json|npy|bin|txt)$/i.test(name)) return open(await folderTree(dirname(path)), format)
  throw new Error(
    `${path}: not a kind of file that can be imported; pass a video (mp4, mov, webm, mkv), transforms.json, a .zip, or a folder of Nerfies, COLMAP, Blender or LLFF data`,
  )
}

async function open(tree: FileTree, format: DatasetFormat | undefined): Promise<OpenedDataset> {
  try {
    return { imported: await readDataset(tree, { format }), close: tree.close }
  } catch (error) {
    await tree.close()
    throw error
  }
}

/** By its first bytes: names lie. */
async function isZip(path: string): Promise<boolean> {
  const { open } = await import('node:fs/promises')
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path}: cannot be read (${error.code}); check its permissions`)
  })
  try {
    const bytes = new Uint8Array(4)
    await handle.read(bytes, 0, 4, 0)
    // 'PK\x03\x04', or 'PK\x05\x06' of an empty one; a cut zip still begins so
    return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] <= 8
  } finally {
    await handle.close()
  }
}
