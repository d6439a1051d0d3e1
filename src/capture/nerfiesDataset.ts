/** A Nerfies / HyperNeRF folder as an import: forgiving where `loadCapture` is strict, so that old and partial data sets become whole ones. */
import { type Camera, cameraFromJson, scaleCamera } from '../camera/camera.ts'
import type { Vector3 } from '../camera/vector.ts'
import type { FileTree } from '../io/fileTree.ts'
import type { ImportedCapture, ImportedFrame } from './importedCapture.ts'
import { fieldsOf } from './jsonFields.ts'
import { readJson, readNpyPoints } from './nerfies.ts'
import { pictureSize } from './pictureSize.ts'
import { SkipList } from './skipList.ts'

/** Fields that older camera files lack, with what they mean by that. */
const DEFAULTS = { skew: 0, pixel_aspect_ratio: 1, radial_distortion: [0, 0, 0], tangential_distortion: [0, 0] }

/**
 * Throws, naming file, value and remedy, where nothing sensible can be made of it; missing pictures, cameras, metadata.json, scene.json and older fields
 * are warned of. Ground truth that a synthetic capture may carry is never touched.
 */
export async function readNerfies(tree: FileTree): Promise<ImportedCapture> {
  const skips = new SkipList()
  const dataset = fieldsOf(await readJson(tree, 'dataset.json', note => skips.repair(note)), tree.describe('dataset.json'))
  const held = new Set(idList(dataset.list('val_ids') ?? [], dataset.where))
  const listed = dataset.list('train_ids')
  // an empty list beside ids is one that was never filled
  const train = idList(listed?.length || !dataset.has('ids') ? listed : dataset.list('ids'), dataset.where)
  const ids = [...new Set([...train.filter(id => !held.has(id)), ...held])]
  const codes = await readCodes(tree, ids, skips)
  const factor = pictureFactor(tree, new Set(ids))
  const pictures = new Map(tree.files.filter(path => path.startsWith(`rgb/${factor}x/`)).map(path => [stem(path), path]))
  const masks = maskFolder(tree, factor)
  const frames: ImportedFrame[] = []
  for (const id of ids) {
    const [path, cameraPath] = [pictures.get(id), `camera/${id}.json`]
    if (path === undefined || !(await tree.exists(cameraPath))) {
      skips.add(path === undefined ? 'are listed but have no picture' : 'are listed but have no camera file', id)
      continue
    }
    const camera = await readCamera(tree, cameraPath, path, factor, skips)
    const mask = masks?.get(id)
    frames.push({
      id,
      camera,
      image: { kind: 'file', source: tree, path },
      ...(mask !== undefined && { mask: { kind: 'file', source: tree, path: mask } }),
      ...(codes && { code: codes.get(id) }),
      split: held.has(id) ? 'val' : 'train',
    })
  }
  if (frames.length === 0)
    throw new Error(`${tree.where}: none of the ${ids.length} frames of dataset.json is there (${skips.first()}); restore rgb/ and camera/`)
  const points = (await tree.exists('points.npy')) ? await readNpyPoints(tree) : undefined
  const scene = await readScene(tree, skips)
  return { name: tree.name, format: 'nerfies', frames, ...(points && { points }), ...scene, warnings: [...tree.warnings, ...skips.sentences()] }
}

const stem = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/\.[^./]+$/, '')

function idList(list: unknown[] | undefined, where: string): string[] {
  if (!list) throw new Error(`${where}: neither "train_ids" nor "ids" is there; one of them must list the frames`)
  const bad = list.findIndex(id => (typeof id !== 'string' && typeof id !== 'number') || !/^[^/\\]+$/.test(String(id)) || /^\.+$/.test(String(id)))
  if (bad >= 0) throw new Error(`${where}: the ids hold ${JSON.stringify(list[bad])}; an id is a file name without folder or extension`)
  return list.map(String)
}

/** warp_id, or appearance_id, of every frame; undefined, with a warning, when one is missing. */
async function readCodes(tree: FileTree, ids: readonly string[], skips: SkipList): Promise<Map<string, number> | undefined> {
  if (!(await tree.exists('metadata.json'))) {
    skips.warnings.push(`${tree.describe('metadata.json')}: not there; every training frame gets a latent code of its own`)
    return undefined
  }
  const metadata = fieldsOf(await readJson(tree, 'metadata.json', note => skips.repair(note)), tree.describe('metadata.json'))
  const codes = new Map<string, number>()
  for (const id of ids) {
    const entry = metadata.inner(id)
    const code = entry?.number('warp_id') ?? entry?.number('appearance_id')
    if (code === undefined || !Number.isInteger(code) || code < 0) {
      skips.warnings.push(
        `${metadata.where}: "${id}" has no warp_id that is a whole number from 0; every training frame gets a latent code of its own`,
      )
      return undefined
    }
    codes.set(id, code)
  }
  return codes
}

/** Of the rgb/{n}x folders the one with most of the frames; of several the smallest n, which has the largest pictures. */
function pictureFactor(tree: FileTree, ids: ReadonlySet<string>): number {
  const counts = new Map<number, number>()
  for (const path of tree.files) {
    const factor = /^rgb\/(\d+)x\//.exec(path)?.[1]
    if (factor !== undefined) counts.set(Number(factor), (counts.get(Number(factor)) ?? 0) + (ids.has(stem(path)) ? 1 : 0))
  }
  const [best] = [...counts].sort(([a, m], [b, n]) => n - m || a - b)
  if (!best) throw new Error(`${tree.describe('rgb/1x')}: no pictures; put them there`)
  return best[0]
}

function maskFolder(tree: FileTree, factor: number): Map<string, string> | undefined {
  for (const folder of [`masks/${factor}x`, 'masks', 'masks/1x', `mask/${factor}x`, 'mask']) {
    const found = tree.files.filter(path => path.split('/').slice(0, -1).join('/') === folder)
    // Nerfies' own exporter names a mask after the picture's file: 000001.png.png
    if (found.length > 0) return new Map(found.map(path => [stem(stem(path)), path]))
  }
  return undefined
}

async function readCamera(tree: FileTree, path: string, picture: string, factor: number, skips: SkipList): Promise<Camera> {
  const where = tree.describe(path)
  const json = await readJson(tree, path, note => skips.repair(note))
  const fields = fieldsOf(json, where)
  const missing = Object.keys(DEFAULTS).filter(field => !fields.has(field) && !(field === 'tangential_distortion' && fields.has('tangential')))
  for (const field of missing) skips.repair(`${where}: no "${field}"; taken as ${JSON.stringify(DEFAULTS[field as keyof typeof DEFAULTS])}`)
  const defaults = Object.fromEntries(missing.map(field => [field, DEFAULTS[field as keyof typeof DEFAULTS]]))
  const present = Object.fromEntries(Object.entries(json as object).filter(([, value]) => value !== null))
  const camera = cameraFromJson({ ...defaults, ...present }, where)
  return factor === 1 ? camera : scaleCamera(camera, 1 / factor, await pictureSize(tree, picture))
}

/** scene.json's bounds in world units; without the file they are found from the cameras. */
async function readScene(tree: FileTree, skips: SkipList): Promise<Pick<ImportedCapture, 'center' | 'scale' | 'near' | 'far'>> {
  if (!(await tree.exists('scene.json'))) {
    skips.warnings.push(`${tree.describe('scene.json')}: not there; near and far were found from the cameras`)
    return {}
  }
  const scene = fieldsOf(await readJson(tree, 'scene.json', note => skips.repair(note)), tree.describe('scene.json'))
  const [scale = 1, near, far] = ['scale', 'near', 'far'].map(scene.number)
  const center = scene.numbers('center', [3])
  if (!(scale > 0)) throw new Error(`${scene.where}: "scale" is ${scale}; it must be positive`)
  const lacking = ['near', 'far'].filter((_, i) => [near, far][i] === undefined)
  if (lacking.length > 0) skips.warnings.push(`${scene.where}: no ${lacking.join(' and ')}, found from the cameras`)
  const world = (value: number | undefined): number | undefined => (value === undefined ? undefined : value / scale)
  return { scale, center: (center as Vector3 | undefined) ?? [0, 0, 0], near: world(near), far: world(far) }
}
