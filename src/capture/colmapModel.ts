/** A COLMAP reconstruction, text or binary: cameras, registered images, points. */
import type { FileTree } from '../io/fileTree.ts'
import { parseCamerasBinary, parseImagesBinary, parsePointsBinary } from './colmapBinary.ts'
import { parseCamerasText, parseImagesText, parsePointsText } from './colmapText.ts'

export interface ColmapCamera {
  id: number
  /** 'OPENCV', … */
  model: string
  width: number
  height: number
  params: number[]
}

export interface ColmapImage {
  id: number
  /** World to camera, (w, x, y, z). */
  rotation: [number, number, number, number]
  translation: [number, number, number]
  cameraId: number
  /** As COLMAP knows it: relative to its image folder. */
  name: string
}

export interface ColmapModel {
  cameras: Map<number, ColmapCamera>
  images: ColmapImage[]
  /** [n, 3], world. */
  points: Float32Array
}

/** Folders that hold cameras and images of a reconstruction, text or binary. */
export function colmapFolders(files: readonly string[]): string[] {
  return files
    .filter(path => /(^|\/)cameras\.(bin|txt)$/.test(path))
    .map(path => path.split('/').slice(0, -1).join('/'))
    .filter((folder, i, all) => all.indexOf(folder) === i)
}

/**
 * Reads the reconstruction in a folder of the tree, binary before text unless only the text is whole. Throws, naming the file, when a part is missing, cut or makes no sense.
 * points3D may be absent.
 */
export async function readColmapModel(tree: FileTree, folder: string): Promise<ColmapModel> {
  const at = (name: string): string => (folder === '' ? name : `${folder}/${name}`)
  const has = (name: string): Promise<boolean> => tree.exists(at(name))
  const isWholeText = (await has('cameras.txt')) && (await has('images.txt'))
  const isBinary = (await has('cameras.bin')) && ((await has('images.bin')) || !isWholeText)
  const extension = isBinary ? 'bin' : 'txt'
  const [cameras, images] = [at(`cameras.${extension}`), at(`images.${extension}`)]
  for (const path of [cameras, images]) {
    if (await tree.exists(path)) continue
    const name = path.split('/').at(-1)
    throw new Error(`${tree.describe(path)}: a COLMAP model without ${name}; export the model again, all of its files into one folder`)
  }
  const read = async (path: string): Promise<[Uint8Array, string]> => [await tree.read(path), tree.describe(path)]
  return {
    cameras: isBinary ? parseCamerasBinary(...(await read(cameras))) : parseCamerasText(...(await read(cameras))),
    images: isBinary ? parseImagesBinary(...(await read(images))) : parseImagesText(...(await read(images))),
    points: (await readColmapPoints(tree, folder)) ?? new Float32Array(0),
  }
}

/** The points of the reconstruction in a folder; undefined when there are none. */
export async function readColmapPoints(tree: FileTree, folder: string): Promise<Float32Array | undefined> {
  const at = (name: string): string => (folder === '' ? name : `${folder}/${name}`)
  const [binary, text] = [at('points3D.bin'), at('points3D.txt')]
  if (await tree.exists(binary)) return parsePointsBinary(await tree.read(binary), tree.describe(binary))
  if (await tree.exists(text)) return parsePointsText(await tree.read(text), tree.describe(text))
  return undefined
}
