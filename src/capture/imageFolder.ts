/** A folder of pictures without poses: the frames, for whoever finds the poses. */
import type { FileTree } from '../io/fileTree.ts'
import { frameIds } from './frameIds.ts'
import type { ImportedCapture } from './importedCapture.ts'
import { isPicture, properPictures } from './locate.ts'

/** Fewer pictures give no 3D face. */
const LEAST_PICTURES = 3

/** Frames without cameras, in the order of their names ('2.png' before '10.png'); masks are files of the same name in masks/. Throws when there are too few. */
export function readImageFolder(tree: FileTree): ImportedCapture {
  const pictures = properPictures(tree.files.filter(isPicture))
  if (pictures.length < LEAST_PICTURES)
    throw new Error(`${tree.where}: ${pictures.length} pictures; at least ${LEAST_PICTURES}, better 50 or more, from different directions are needed`)
  const ids = frameIds(pictures)
  const known = new Set(tree.files)
  const maskOf = (path: string): string | undefined => {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const stem = name.replace(/\.[^./]+$/, '')
    return ['masks', 'mask'].flatMap(folder => [`${folder}/${name}.png`, `${folder}/${stem}.png`, `${folder}/${name}`]).find(file => known.has(file))
  }
  const frames = pictures.map((path, i) => {
    const mask = maskOf(path)
    return {
      id: ids[i],
      image: { kind: 'file' as const, source: tree, path },
      ...(mask !== undefined && { mask: { kind: 'file' as const, source: tree, path: mask } }),
      split: 'train' as const,
    }
  })
  return { name: tree.name, format: 'images', frames, warnings: [...tree.warnings] }
}
