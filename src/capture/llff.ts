/** poses_bounds.npy of LLFF: one row per picture, in the order of their names. */
import type { Camera } from '../camera/camera.ts'
import { rotationOf } from '../camera/openGlPose.ts'
import type { Matrix3, Vector3 } from '../camera/vector.ts'
import type { FileTree } from '../io/fileTree.ts'
import { parseNpyDoubles } from '../io/npy.ts'
import { frameIds } from './frameIds.ts'
import type { ImportedCapture, ImportedFrame } from './importedCapture.ts'
import { isPicture, someOf } from './locate.ts'
import { SkipList } from './skipList.ts'

/** 3 x 5 camera-to-world with height, width and focal length in the last column, then the nearest and farthest depth. */
const ROW = 17
/** Room around the depths, as LLFF's readers leave it. */
const [NEAR_ROOM, FAR_ROOM] = [0.9, 1.1]

/** Throws, naming file and value, when rows and pictures do not match, or a row is no pose. */
export async function readLlff(tree: FileTree): Promise<ImportedCapture> {
  const skips = new SkipList()
  const where = tree.describe('poses_bounds.npy')
  const { shape, data } = parseNpyDoubles(await tree.read('poses_bounds.npy'), where)
  if (shape.length !== 2 || shape[1] !== ROW) throw new Error(`${where}: shape is (${shape}); LLFF's file has one row of ${ROW} per picture`)
  const pictures = pictureFolder(tree, shape[0], where)
  const ids = frameIds(pictures)
  // rows are in the order of the letters, '10.png' before '2.png'; frames keep the order of their numbers, which is that of time
  const order = [...pictures].sort((a, b) => (a < b ? -1 : 1))
  if (order.some((path, i) => path !== pictures[i]))
    skips.warnings.push(`${where}: its rows are taken in the order ${someOf(order, 3)}, in which LLFF sorts names without leading zeros`)
  const place = new Map(order.map((path, i) => [path, i]))
  const rows = pictures.map(path => data.subarray((place.get(path) ?? 0) * ROW, ((place.get(path) ?? 0) + 1) * ROW))
  const frames = rows.map((row, i): ImportedFrame => {
    const camera = cameraOf(row, `${where}: row ${place.get(pictures[i])}`, note => skips.repair(note))
    return { id: ids[i], camera, image: { kind: 'file', source: tree, path: pictures[i] }, split: 'train' }
  })
  const near = NEAR_ROOM * Math.min(...rows.map(row => row[15]))
  const far = FAR_ROOM * Math.max(...rows.map(row => row[16]))
  if (!(near >= 0 && near < far))
    throw new Error(`${where}: the depths reach from ${near} to ${far}; they must be 0 <= near < far, make the file again`)
  return { name: tree.name, format: 'llff', frames, near, far, warnings: [...tree.warnings, ...skips.sentences()] }
}

/** images/, or a reduced copy of it (images_4/), whichever has as many pictures as there are rows. */
function pictureFolder(tree: FileTree, rows: number, where: string): string[] {
  const folders = new Map<string, string[]>()
  for (const path of tree.files.filter(isPicture)) {
    const folder = path.split('/').slice(0, -1).join('/')
    folders.set(folder, [...(folders.get(folder) ?? []), path])
  }
  const names = [...folders.keys()].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  const usual = names.filter(name => /^(images|images_\d+|)$/.test(name))
  const fits = [...usual, ...names].find(name => folders.get(name)?.length === rows)
  if (fits !== undefined) return folders.get(fits) ?? []
  const there = names.map(name => `${name || 'the folder'}: ${folders.get(name)?.length}`).join(', ') || 'no pictures'
  throw new Error(`${where}: ${rows} poses, but there are ${there}; LLFF needs one picture per pose, put back those that were taken out`)
}

function cameraOf(row: Float64Array, where: string, note: (text: string) => void): Camera {
  const bad = row.findIndex(value => !Number.isFinite(value))
  if (bad >= 0) throw new Error(`${where}: column ${bad} is ${row[bad]}; every value must be finite, redo this pose`)
  // LLFF's columns point down, right and back
  const column = (k: number, sign: number): Vector3 => [sign * row[k] + 0, sign * row[5 + k] + 0, sign * row[10 + k] + 0]
  const rows: Matrix3 = [column(1, 1), column(0, 1), column(2, -1)]
  const [height, width, focal] = [row[4], row[9], row[14]]
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0 && focal > 0))
    throw new Error(`${where}: the size is ${width}x${height} and the focal length ${focal}; they must be positive pixels, redo this pose`)
  return {
    orientation: rotationOf(rows, where, note),
    position: [row[3], row[8], row[13]],
    focalLength: focal,
    pixelAspectRatio: 1,
    principalPoint: [width / 2, height / 2],
    skew: 0,
    radialDistortion: [0, 0, 0],
    tangentialDistortion: [0, 0],
    imageSize: [width, height],
  }
}
