/** A COLMAP reconstruction with its pictures as an import. */

import type { Pose } from '../camera/openGlPose.ts'
import { rotationFromQuaternion } from '../camera/rotation.ts'
import { multiply, transformTransposed } from '../camera/vector.ts'
import type { FileTree } from '../io/fileTree.ts'
import { fromColmapCamera } from './colmapCamera.ts'
import { type ColmapImage, type ColmapModel, colmapFolders, readColmapModel } from './colmapModel.ts'
import { frameIds } from './frameIds.ts'
import type { ImportedCapture, ImportedFrame } from './importedCapture.ts'
import { isPicture } from './locate.ts'
import { SkipList } from './skipList.ts'

/** Where pictures lie, best first; a name COLMAP knows is relative to one of these. */
const PICTURE_FOLDERS = ['images', 'rgb', 'input', 'frames', 'color', '']

/**
 * Reads the largest reconstruction in the tree. Images that COLMAP did not register are named and left out; so are registered ones without a picture.
 * Throws, naming the file, the camera model or the value, when it cannot be used.
 */
export async function readColmap(tree: FileTree): Promise<ImportedCapture> {
  const skips = new SkipList()
  const folders = colmapFolders(tree.files)
  if (folders.length === 0)
    throw new Error(`${tree.where}: no cameras.bin or cameras.txt; pass the folder with COLMAP's sparse model and the pictures`)
  const models: { folder: string; model: ColmapModel }[] = []
  for (const folder of folders) models.push({ folder, model: await readColmapModel(tree, folder) })
  models.sort((a, b) => b.model.images.length - a.model.images.length)
  const [{ folder, model }, ...others] = models
  for (const other of others) {
    skips.warnings.push(
      `${tree.describe(other.folder)}: a second model of ${other.model.images.length} images was left out, ${folder || 'the first'} has ${model.images.length}`,
    )
  }
  return importColmap(tree, model, { folder, skips })
}

/**
 * A reconstruction as an import; pictures and masks are looked up in the tree.
 * @param folder where the model lies, for messages.
 */
export function importColmap(
  tree: FileTree,
  model: ColmapModel,
  { folder, skips = new SkipList() }: { folder: string; skips?: SkipList },
): ImportedCapture {
  const where = tree.describe(folder)
  if (model.images.length === 0) throw new Error(`${where}: the model has no registered image; run COLMAP's mapper again`)
  const [paths, masks] = [picturePaths(tree), maskPaths(tree)]
  const found = [...model.images]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(image => {
      const path = paths(image.name)
      return path === undefined ? skips.add('are registered but have no picture', image.name) : [{ image, path }]
    })
  if (found.length === 0)
    throw new Error(`${tree.where}: none of the ${model.images.length} registered pictures is there (${skips.first()}); put them into images/`)
  const ids = frameIds(found.map(({ image }) => image.name))
  const used = new Set(found.map(({ path }) => path))
  const frames = found.map(({ image, path }, i): ImportedFrame => {
    const camera = model.cameras.get(image.cameraId)
    if (!camera)
      throw new Error(`${where}: image "${image.name}" has camera ${image.cameraId}, which is not among the cameras; export the model again`)
    const { camera: intrinsics, lens } = fromColmapCamera(camera, where)
    const mask = masks(path, image.name)
    return {
      id: ids[i],
      camera: { ...colmapPose(image, where), ...intrinsics },
      ...(lens && { lens }),
      image: { kind: 'file', source: tree, path },
      ...(mask !== undefined && { mask: { kind: 'file', source: tree, path: mask } }),
      split: 'train',
    }
  })
  const root = found[0].path.slice(0, found[0].path.length - found[0].image.name.length)
  for (const path of tree.files) {
    if (root !== '' && path.startsWith(root) && isPicture(path) && !used.has(path)) skips.add('COLMAP did not register', path.slice(root.length))
  }
  return { name: tree.name, format: 'colmap', frames, points: model.points, hasMixedPoints: true, warnings: [...tree.warnings, ...skips.sentences()] }
}

/** World-to-camera rotation and translation -> rows and centre. */
export function colmapPose({ rotation, translation, name }: ColmapImage, where: string): Pose {
  const size = Math.hypot(...rotation)
  if (![...rotation, ...translation].every(Number.isFinite) || !(Math.abs(size - 1) < 1e-2)) {
    throw new Error(
      `${where}: image "${name}" has the pose [${[...rotation, ...translation]}], whose first four are no unit quaternion; export the model again`,
    )
  }
  const orientation = rotationFromQuaternion(rotation)
  return { orientation, position: multiply(transformTransposed(orientation, translation), -1) }
}

/** A picture by COLMAP's name: in the first of the usual folders, else the shortest path that ends in the name. */
function picturePaths(tree: FileTree): (name: string) => string | undefined {
  const known = new Set(tree.files)
  const pictures = tree.files.filter(isPicture)
  return name => {
    const usual = PICTURE_FOLDERS.map(folder => (folder === '' ? name : `${folder}/${name}`)).find(path => known.has(path))
    if (usual !== undefined) return usual
    const ends = pictures.filter(path => path.endsWith(`/${name}`) && !/(^|\/)masks?\//.test(path))
    return ends.sort((a, b) => a.length - b.length)[0]
  }
}

/** COLMAP's 'masks/NAME.png', or a file of the picture's name in a folder of masks. */
function maskPaths(tree: FileTree): (picture: string, name: string) => string | undefined {
  const known = new Set(tree.files)
  return (picture, name) => {
    const stem = name.replace(/\.[^./]+$/, '')
    const above = picture
      .slice(0, picture.length - name.length)
      .split('/')
      .slice(0, -2)
    const folders = ['masks', 'mask'].flatMap(folder => [folder, [...above, folder].join('/')])
    return folders.flatMap(folder => [`${folder}/${name}.png`, `${folder}/${stem}.png`, `${folder}/${name}`]).find(path => known.has(path))
  }
}
