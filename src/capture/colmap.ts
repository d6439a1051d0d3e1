/** A COLMAP reconstruction with its pictures as an import. */

import type { Pose } from '../camera/openGlPose.ts'
import { rotationFromQuaternion } from '../camera/rotation.ts'
import { multiply, transformTransposed } from '../camera/vector.ts'
import type { FileTree } from '../io/fileTree.ts'
import { fromColmapCamera } from './colmapCamera.ts'
import { type ColmapImage, type ColmapModel, colmapFolders, readColmapModel } from './colmapModel.ts'
import { frameIds } from './frameIds.ts'
import type { ImportedCapture, ImportedFrame } from './importedCapture.ts'
import { isPicture, type Locate, locator } from './locate.ts'
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
  const models = await readModels(tree, folders, skips)
  const [{ folder, model }, ...others] = models
  for (const other of others) {
    skips.warnings.push(
      `${tree.describe(other.folder)}: a second model of ${other.model.images.length} images was left out, ${folder || 'the first'} has ${model.images.length}`,
    )
  }
  return importColmap(tree, model, { folder, skips })
}

interface FoundModel {
  readonly folder: string
  readonly model: ColmapModel
  /** How many of its pictures lie where they belong. */
  readonly pictures: number
}

/**
 * Best first: most images, then most pictures in place, then fewest folders deep. Undistorters leave a second model of as many images beside the first
 * (dense/0/sparse, or distorted/sparse/0 for the first), and the cameras of the one are wrong for the pictures of the other. Throws when none can be read.
 */
async function readModels(tree: FileTree, folders: readonly string[], skips: SkipList): Promise<FoundModel[]> {
  const models: FoundModel[] = []
  const errors: Error[] = []
  for (const folder of folders) {
    try {
      const model = await readColmapModel(tree, folder)
      const inPlace = usualPaths(tree, folder)
      models.push({ folder, model, pictures: model.images.filter(({ name }) => inPlace(name) !== undefined).length })
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)))
    }
  }
  if (models.length === 0) throw errors[0]
  for (const { message } of errors) skips.warnings.push(`${message}; this model was left out`)
  const depth = ({ folder }: FoundModel): number => folder.split('/').length
  return models.sort((a, b) => b.model.images.length - a.model.images.length || b.pictures - a.pictures || depth(a) - depth(b))
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
  const [paths, masks] = [picturePaths(tree, folder), maskPaths(tree)]
  const found = [...model.images]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(image => {
      const located = paths(image.name)
      if (!located) return skips.add('are registered but have no picture', image.name)
      if (located.repair) skips.repair(located.repair)
      const { path } = located
      return [{ image, path, name: path.endsWith(image.name) ? image.name : path.slice(path.lastIndexOf('/') + 1) }]
    })
  if (found.length === 0)
    throw new Error(
      `${tree.where}: none of the ${model.images.length} registered pictures is there (${skips.first()}); put them into images/, and pass the folder that holds both them and the model`,
    )
  const ids = frameIds(found.map(({ name }) => name))
  const used = new Set(found.map(({ path }) => path))
  const frames = found.map(({ image, path, name }, i): ImportedFrame => {
    const camera = model.cameras.get(image.cameraId)
    if (!camera)
      throw new Error(`${where}: image "${image.name}" has camera ${image.cameraId}, which is not among the cameras; export the model again`)
    const { camera: intrinsics, lens } = fromColmapCamera(camera, where)
    const mask = masks(path, name)
    return {
      id: ids[i],
      camera: { ...colmapPose(image, where), ...intrinsics },
      ...(lens && { lens }),
      image: { kind: 'file', source: tree, path },
      ...(mask !== undefined && { mask: { kind: 'file', source: tree, path: mask } }),
      split: 'train',
    }
  })
  const root = found[0].path.slice(0, found[0].path.length - found[0].name.length)
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

/** A picture by COLMAP's name: where it belongs, else the shortest path that ends in the name, else by what the name may mean on another machine. */
function picturePaths(tree: FileTree, folder: string): Locate {
  const inPlace = usualPaths(tree, folder)
  const pictures = tree.files.filter(isPicture)
  const locate = locator(tree)
  return name => {
    const usual = inPlace(name)
    if (usual !== undefined) return { path: usual }
    const ends = pictures.filter(path => path.endsWith(`/${name}`) && !/(^|\/)masks?\//.test(path))
    if (ends.length > 0) return { path: ends.sort((a, b) => a.length - b.length)[0] }
    return locate(name)
  }
}

/** A picture in one of the usual folders, beside the model or beside one of the folders above it. */
function usualPaths(tree: FileTree, folder: string): (name: string) => string | undefined {
  const known = new Set(tree.files)
  const parts = folder === '' ? [] : folder.split('/')
  const above = [...parts.keys(), parts.length].reverse().map(count => parts.slice(0, count))
  // the undistorting script of Gaussian splatting: input/ belongs to distorted/, images/ is what it made
  const kinds = parts[0] === 'distorted' ? ['input', ...PICTURE_FOLDERS] : PICTURE_FOLDERS
  const folders = above.flatMap(base => kinds.map(kind => [...base, ...(kind === '' ? [] : [kind])]))
  return name => folders.map(base => [...base, name].join('/')).find(path => known.has(path))
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
