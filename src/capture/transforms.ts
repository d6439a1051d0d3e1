/** transforms.json of nerfstudio and instant-ngp, and transforms_{train,val,test}.json of Blender's data sets (NeRF, D-NeRF). */
import type { Camera } from '../camera/camera.ts'
import { poseFromOpenGl } from '../camera/openGlPose.ts'
import { type FileTree, insidePath } from '../io/fileTree.ts'
import { parsePly } from '../io/ply.ts'
import { readColmapPoints } from './colmapModel.ts'
import { frameIds } from './frameIds.ts'
import type { ImportedCapture, ImportedFrame } from './importedCapture.ts'
import { type Fields, fieldsOf, show } from './jsonFields.ts'
import { isPicture, type Locate, type Located, locator, someOf } from './locate.ts'
import { readJson } from './nerfies.ts'
import { pictureSize } from './pictureSize.ts'
import { SkipList } from './skipList.ts'
import { type Lens, lensOf } from './transformsLens.ts'

type Split = ImportedFrame['split']

/** A listed frame whose picture is there. */
interface Listed {
  readonly fields: Fields
  readonly globals: Fields
  readonly name: string
  readonly picture: Located
  readonly split: Split
}

/** Reads transforms.json, or the file of that kind at `path`. Poses are taken as they stand (`applied_transform` is part of them already). */
export async function readTransforms(tree: FileTree, path = 'transforms.json'): Promise<ImportedCapture> {
  const skips = new SkipList()
  const globals = fieldsOf(await readJson(tree, path, note => skips.repair(note)), tree.describe(path))
  const locate = locator(tree, folderOf(path))
  const listed = inSplits(listFrames(globals, locate, 'train', skips), globals, locate, skips)
  const { points, warnings } = await sparsePoints(tree, globals, folderOf(path))
  skips.warnings.push(...warnings)
  return {
    ...(await importFrames(tree, 'transforms', listed, locate, skips)),
    ...(points && { points, hasMixedPoints: !globals.has('faceclipnerf') }),
    ...ownBounds(globals),
  }
}

/** Reads the three files of a Blender data set; val and test become validation. */
export async function readBlender(tree: FileTree): Promise<ImportedCapture> {
  const skips = new SkipList()
  const locate = locator(tree)
  const listed: Listed[] = []
  for (const part of ['train', 'val', 'test']) {
    const path = `transforms_${part}.json`
    if (!(await tree.exists(path))) continue
    const globals = fieldsOf(await readJson(tree, path, note => skips.repair(note)), tree.describe(path))
    // a test file without frames is a set without tests
    if (part !== 'train' && globals.list('frames')?.length === 0) continue
    listed.push(...listFrames(globals, locate, part === 'train' ? 'train' : 'val', skips))
  }
  return importFrames(tree, 'blender', listed, locate, skips)
}

const folderOf = (path: string): string => path.split('/').slice(0, -1).join('/')

function listFrames(globals: Fields, locate: Locate, split: Split, skips: SkipList): Listed[] {
  const frames = globals.list('frames')
  if (!frames || frames.length === 0) throw new Error(`${globals.where}: "frames" is ${show(frames)}; it must list the pictures with their matrices`)
  return frames.flatMap((value, i) => {
    const fields = fieldsOf(value, `${globals.where}: frame ${i}`)
    const name = fields.text('file_path')
    if (name === undefined || name === '') throw new Error(`${fields.where}: "file_path" is ${show(name)}; it must name the picture`)
    const picture = locate(name)
    if (!picture) return skips.add('are listed but not there', name)
    if (picture.repair) skips.repair(picture.repair)
    return [{ fields, globals, name, picture, split }]
  })
}

/** By train_filenames, val_filenames and test_filenames: without them every frame trains, and without the first what is not held out. */
function inSplits(listed: readonly Listed[], globals: Fields, locate: Locate, skips: SkipList): Listed[] {
  // lists that other programs write name the pictures in their own way: '\\' for '/', without the folder
  const pictures = (list: string): string[] => (globals.list(list) ?? []).flatMap(name => locate(String(name))?.path ?? [])
  const names = ['train_filenames', 'val_filenames', 'test_filenames'].filter(list => (globals.list(list) ?? []).length > 0)
  const train = new Set(pictures('train_filenames'))
  const held = new Set([...pictures('val_filenames'), ...pictures('test_filenames')])
  if (names.length > 0 && listed.length > 0 && !listed.some(({ picture: { path } }) => train.has(path) || held.has(path))) {
    const [name] = globals.list(names[0]) ?? []
    skips.warnings.push(`${globals.where}: "${names[0]}" names none of the frames (its first is ${show(name)}), so every frame trains`)
    return [...listed]
  }
  return listed.flatMap(one => {
    if (held.has(one.picture.path)) return [{ ...one, split: 'val' as const }]
    return !globals.list('train_filenames')?.length || train.has(one.picture.path) ? [one] : skips.add('are in no split list', one.name)
  })
}

async function importFrames(tree: FileTree, format: string, listed: Listed[], locate: Locate, skips: SkipList): Promise<ImportedCapture> {
  if (listed.length === 0) {
    const pictures = tree.files.filter(isPicture)
    const there = pictures.length > 0 ? `the folder has ${someOf(pictures, 3)}` : 'the folder holds no picture'
    throw new Error(`${tree.where}: none of the pictures in its pose file is there (${skips.first()}); ${there}`)
  }
  const seen = new Set<string>()
  const unique = listed.filter(({ picture, name }) => {
    if (!seen.has(picture.path)) return seen.add(picture.path)
    skips.add('are listed more than once', name)
    return false
  })
  const ids = frameIds(unique.map(({ picture }) => picture.path))
  const frames: ImportedFrame[] = []
  for (const [i, one] of unique.entries()) frames.push(await importFrame(tree, one, ids[i], locate, skips))
  if (frames.some(frame => frame.time === undefined)) for (const frame of frames) delete frame.time
  return { name: tree.name, format, frames, warnings: [...tree.warnings, ...skips.sentences()] }
}

async function importFrame(
  tree: FileTree,
  { fields, globals, picture, split }: Listed,
  id: string,
  locate: Locate,
  skips: SkipList,
): Promise<ImportedFrame> {
  const matrix = fields.numbers('transform_matrix', [12, 16])
  if (!matrix) throw new Error(`${fields.where}: "transform_matrix" is missing; every frame needs its camera-to-world matrix`)
  const pose = poseFromOpenGl(matrix, fields.where, note => skips.repair(note))
  // what a frame says goes before what the file says
  const number = (name: string): number | undefined => fields.number(name) ?? globals.number(name)
  const imageSize = await sizeOf(tree, picture.path, fields, globals)
  const { intrinsics, lens } = lensOf(
    number,
    fields.text('camera_model') ?? globals.text('camera_model'),
    fields.flag('is_fisheye') || globals.flag('is_fisheye'),
    imageSize,
    fields.where,
    note => skips.repair(note),
  )
  const camera: Camera = { ...pose, ...intrinsics, imageSize }
  const mask = maskOf(fields, picture.path, locate, skips)
  const time = fields.number('time')
  return {
    id,
    camera,
    ...lens,
    image: { kind: 'file', source: tree, path: picture.path },
    ...(mask !== undefined && { mask: { kind: 'file' as const, source: tree, path: mask } }),
    ...(time !== undefined && { time }),
    split,
  } satisfies ImportedFrame & { lens?: Lens }
}

async function sizeOf(tree: FileTree, path: string, fields: Fields, globals: Fields): Promise<[number, number]> {
  const [width, height] = [fields.pixels('w') ?? globals.pixels('w'), fields.pixels('h') ?? globals.pixels('h')]
  return width !== undefined && height !== undefined ? [width, height] : pictureSize(tree, path)
}

function maskOf(fields: Fields, picture: string, locate: Locate, skips: SkipList): string | undefined {
  const name = fields.text('mask_path')
  if (name === undefined || name === '') return undefined
  const found = locate(name, 'mask')?.path
  // looked for by its name alone, a lost mask is found as the picture it belongs to
  if (found !== undefined && found !== picture) return found
  skips.add('are masks that are not there', name)
  return undefined
}

/** What our own export adds, so that nothing is lost on the way back: near, far, center and scale. */
function ownBounds(globals: Fields): Partial<ImportedCapture> {
  const own = globals.inner('faceclipnerf')
  if (!own) return {}
  const center = own.numbers('center', [3])
  const [near, far, scale] = ['near', 'far', 'scale'].map(own.number)
  return { ...(center && { center: [center[0], center[1], center[2]] }), near, far, scale }
}

/** The PLY that the file names, or COLMAP's points beside it, moved as `applied_transform` says the poses were. */
async function sparsePoints(tree: FileTree, globals: Fields, folder: string): Promise<{ points?: Float32Array; warnings: string[] }> {
  const inside = (path: string): string => (folder === '' ? path : `${folder}/${path}`)
  const ply = globals.text('ply_file_path')
  if (ply !== undefined) {
    const last = ply.slice(Math.max(ply.lastIndexOf('/'), ply.lastIndexOf('\\')) + 1)
    const candidates = [insidePath(ply, folder), inside(last)].filter(path => path !== undefined)
    const path = candidates.find(candidate => tree.files.includes(candidate))
    if (path === undefined)
      return { warnings: [`${tree.describe(candidates[0])}: the points that "ply_file_path" names are not there; imported without points`] }
    return { points: parsePly(await tree.read(path), tree.describe(path)), warnings: [] }
  }
  const applied = globals.numbers('applied_transform', [12, 16])
  for (const model of ['colmap/sparse/0', 'sparse/0'].map(inside)) {
    const points = await readColmapPoints(tree, model)
    if (!points) continue
    if (!applied)
      return { warnings: [`${tree.describe(model)}: its points were left out, because no "applied_transform" says how the poses were moved since`] }
    return { points: movePoints(points, applied), warnings: [] }
  }
  return { warnings: [] }
}

function movePoints(points: Float32Array, m: readonly number[]): Float32Array {
  const out = new Float32Array(points.length)
  for (let i = 0; i < points.length; i += 3) {
    for (let row = 0; row < 3; row++) {
      out[i + row] = m[4 * row] * points[i] + m[4 * row + 1] * points[i + 1] + m[4 * row + 2] * points[i + 2] + m[4 * row + 3]
    }
  }
  return out
}
