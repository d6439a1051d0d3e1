/** A capture in the formats of other programs, as files. Intrinsics and poses go out with every digit they came in with. */
import { type Camera, cameraFromJson } from '../camera/camera.ts'
import { poseToOpenGl } from '../camera/openGlPose.ts'
import type { FileSource } from '../io/files.ts'
import { type FolderFile, type FolderStep, writeFolder } from '../io/writeFolder.ts'
import { CaptureError } from './capture.ts'
import { fieldsOf } from './jsonFields.ts'
import { type NerfiesIndex, openCapture, readIndex, readJson, readNpyPoints, resolutions } from './nerfies.ts'

/** Nerfies and HyperNeRF folders, and nerfstudio's transforms.json. */
export const EXPORT_FORMATS = ['nerfies', 'transforms'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

/** The file by which a folder of each format is known. */
const EXPORT_MARK: Record<ExportFormat, string> = { nerfies: 'dataset.json', transforms: 'transforms.json' }

export interface ExportOptions {
  readonly format: ExportFormat
  /** Replace an export of that format that is there already. */
  readonly overwrite?: boolean
  readonly signal?: AbortSignal
}

/** Writes a capture (its folder) in another format, whole or not at all (Node only); `step` counts frames. Throws as `exportFiles`, and where the disk refuses. */
export async function* exportCapture(capture: string, outFolder: string, { format, overwrite, signal }: ExportOptions): AsyncGenerator<FolderStep> {
  const { resolve } = await import('node:path')
  if (resolve(capture) === resolve(outFolder)) throw new CaptureError(`${outFolder}: is the capture itself; choose another folder for the export`)
  yield* writeFolder(outFolder, exportFiles(await openCapture(capture), format), { mark: EXPORT_MARK[format], overwrite, signal })
}

const FACTORS = [1, 2, 4, 8, 16, 32]
const RESTORE = 'restore the picture, or take the id out of dataset.json'

/**
 * Yields the files of a capture (a `.capture` folder or any Nerfies one) in another format. 'nerfies' is the folder as the original's programs read it, without
 * our capture.json; 'transforms' is nerfstudio's transforms.json with pictures, masks and points. Throws CaptureError naming what is missing.
 */
export async function* exportFiles(source: FileSource, format: ExportFormat): AsyncGenerator<FolderFile> {
  try {
    const index = await readIndex(source)
    yield* format === 'nerfies' ? nerfiesFiles(source, index) : transformsFiles(source, index)
  } catch (error) {
    throw error instanceof CaptureError ? error : new CaptureError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

async function* nerfiesFiles(source: FileSource, { frames }: NerfiesIndex): AsyncGenerator<FolderFile> {
  const steps = frames.size
  let step = 0
  for (const id of frames.keys()) {
    step++
    const path = `camera/${id}.json`
    cameraFromJson(await readJson(source, path), source.describe(path))
    yield { path, bytes: await source.read(path), step, steps }
    let pictures = 0
    for (const folder of [...FACTORS.map(factor => `rgb/${factor}x`), 'masks', ...FACTORS.map(factor => `masks/${factor}x`)]) {
      const picture = `${folder}/${id}.png`
      if (!(await source.exists(picture))) continue
      if (folder.startsWith('rgb')) pictures++
      yield { path: picture, bytes: await source.read(picture), step, steps }
    }
    if (pictures === 0) throw new CaptureError(`${source.describe(`rgb/1x/${id}.png`)}: missing, but dataset.json lists "${id}"; ${RESTORE}`)
  }
  for (const path of ['points.npy', 'metadata.json', 'scene.json', 'dataset.json']) {
    if (await source.exists(path)) yield { path, bytes: await source.read(path), step, steps }
  }
}

async function* transformsFiles(source: FileSource, index: NerfiesIndex): AsyncGenerator<FolderFile> {
  const steps = index.frames.size
  const times = await frameTimes(source)
  const listed: Record<string, unknown>[] = []
  for (const [id, { code }] of index.frames) {
    const [cameraPath, picture, mask, from] = [`camera/${id}.json`, `images/${id}.png`, `masks/${id}.png`, `rgb/1x/${id}.png`]
    if (!(await source.exists(from))) {
      const small = (await resolutions(source, [id])).map(factor => `rgb/${factor}x`)
      const remedy = small.length > 0 ? `there is ${small.join(', ')}: make a capture of it with faceclipnerf import, and export that` : RESTORE
      throw new CaptureError(`${source.describe(from)}: missing, but dataset.json lists "${id}"; ${remedy}`)
    }
    const camera = cameraFromJson(await readJson(source, cameraPath), source.describe(cameraPath))
    const maskFrom = (await source.exists(`masks/1x/${id}.png`)) ? `masks/1x/${id}.png` : mask
    const hasMask = await source.exists(maskFrom)
    listed.push({
      file_path: picture,
      ...(hasMask && { mask_path: mask }),
      ...intrinsics(camera),
      time: times?.get(id) ?? code,
      transform_matrix: poseToOpenGl(camera),
    })
    const file = async (path: string, from: string): Promise<FolderFile> => ({ path, bytes: await source.read(from), step: listed.length, steps })
    yield await file(picture, from)
    if (hasMask) yield await file(mask, maskFrom)
  }
  const points = (await source.exists('points.npy')) ? await readNpyPoints(source) : undefined
  if (points) yield { path: 'points.ply', bytes: encodePly(points), step: steps, steps }
  const bytes = new TextEncoder().encode(`${JSON.stringify(transformsJson(index, listed, points !== undefined), null, 1)}\n`)
  yield { path: 'transforms.json', bytes, step: steps, steps }
}

/** Fields that all frames share stand once, at the top. */
function transformsJson(index: NerfiesIndex, listed: readonly Record<string, unknown>[], hasPoints: boolean): object {
  const shared = Object.entries(listed[0]).filter(([name, value]) => name in intrinsicNames && listed.every(frame => frame[name] === value))
  const names = (split: string): string[] => [...index.frames].filter(([, frame]) => frame.split === split).map(([id]) => `images/${id}.png`)
  const { near, far, center, scale } = index
  return {
    camera_model: 'OPENCV',
    ...Object.fromEntries(shared),
    ...(hasPoints && { ply_file_path: 'points.ply' }),
    train_filenames: names('train'),
    val_filenames: names('val'),
    test_filenames: names('val'),
    // world units; other programs pass over it, and reading the file back loses nothing
    faceclipnerf: { near: near / scale, far: far / scale, center, scale },
    frames: listed.map(frame => Object.fromEntries(Object.entries(frame).filter(([name]) => !shared.some(([one]) => one === name)))),
  }
}

const intrinsicNames = { w: 0, h: 0, fl_x: 0, fl_y: 0, cx: 0, cy: 0, k1: 0, k2: 0, k3: 0, p1: 0, p2: 0, skew: 0 }

function intrinsics(camera: Camera): Partial<Record<keyof typeof intrinsicNames, number>> {
  const [k1, k2, k3] = camera.radialDistortion
  const [p1, p2] = camera.tangentialDistortion
  return {
    w: camera.imageSize[0],
    h: camera.imageSize[1],
    fl_x: camera.focalLength,
    fl_y: camera.focalLength * camera.pixelAspectRatio,
    cx: camera.principalPoint[0],
    cy: camera.principalPoint[1],
    ...{ k1, k2, k3, p1, p2 },
    // no field of nerfstudio's; our reader knows it
    ...(camera.skew !== 0 && { skew: camera.skew }),
  }
}

/** Instants of a `.capture` folder that knows them for all frames; the capture.json of another program has none that are meant for us. */
async function frameTimes(source: FileSource): Promise<Map<string, number> | undefined> {
  if (!(await source.exists('capture.json'))) return undefined
  const facts = fieldsOf(await readJson(source, 'capture.json'), source.describe('capture.json'))
  const frames = facts.has('version') && facts.has('format') ? facts.inner('frames') : undefined
  if (!frames) return undefined
  const times = new Map<string, number>()
  for (const id of frames.names()) {
    const time = frames.inner(id)?.number('time')
    if (time === undefined) return undefined
    times.set(id, time)
  }
  return times
}

/** Points [n, 3] as a binary PLY. */
function encodePly(points: Float32Array): Uint8Array {
  const header = `ply\nformat binary_little_endian 1.0\nelement vertex ${points.length / 3}\nproperty float x\nproperty float y\nproperty float z\nend_header\n`
  const bytes = new Uint8Array(header.length + 4 * points.length)
  bytes.set(new TextEncoder().encode(header))
  const view = new DataView(bytes.buffer, header.length)
  for (let i = 0; i < points.length; i++) view.setFloat32(4 * i, points[i], true)
  return bytes
}
