/** Sizes of pictures without decoding them, for formats that leave the size to the picture. */
import type { FileTree } from '../io/fileTree.ts'
import { imageHeader } from '../io/imageSize.ts'
import { decodePhotograph } from '../io/photograph.ts'

/** A JPEG may carry thumbnails and profiles in front of its size; beyond this the whole file is read. */
const HEAD = 2 ** 17

/** Width and height as stored, px. Throws, naming the file, when it is no picture. */
export async function pictureSize(tree: FileTree, path: string): Promise<[number, number]> {
  if (tree.readRange) {
    const found = imageHeader(await tree.readRange(path, 0, HEAD))
    if (found) return [found.width, found.height]
  }
  const bytes = await tree.read(path)
  const found = imageHeader(bytes) ?? (await decodePhotograph(bytes, tree.describe(path)))
  return [found.width, found.height]
}
