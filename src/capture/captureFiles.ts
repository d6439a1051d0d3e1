/** An import as the files of a .capture folder: the Nerfies layout, and capture.json of our own. */
import { cameraToJson, validateCamera } from '../camera/camera.ts'
import { encodePng, type Image } from '../io/imageCodec.ts'
import { encodeNpy } from '../io/npyWriter.ts'
import type { FolderFile } from '../io/writeFolder.ts'
import { backgroundVotes } from './backgroundPoints.ts'
import { CaptureError } from './capture.ts'
import { type DecodedFrame, frameWork, Notes } from './fitFrame.ts'
import type { ImportedCapture, ImportedFrame } from './importedCapture.ts'
import { pictureName } from './importedPicture.ts'
import { holdOut, latentCodes } from './latentCodes.ts'
import { reducePicture } from './reducePicture.ts'
import { sceneBounds } from './sceneBounds.ts'

/** How an import becomes a capture. */
export interface CaptureFileOptions {
  /** What capture.json calls the capture; default the import's name. */
  readonly name?: string
  /** Longest edge of rgb/1x, px; larger pictures are reduced to it, smaller ones stay. 0 keeps every size. Default 640: 300 frames then train in 1 GB. */
  readonly size?: number
  /** Every n-th frame is held out for validation where the source holds out none; 0: none. Default 20, as the original's recipe. */
  readonly holdOut?: number
  /** Nothing in the scene moves: one latent code. Default: what the import says. */
  readonly isStatic?: boolean
  /** What shows through transparent pictures, sRGB bytes. Default white, as Blender's data sets are read. */
  readonly background?: readonly [number, number, number]
  /** What is white in the masks. Default the person. */
  readonly masks?: 'person' | 'background' | 'none'
  readonly signal?: AbortSignal
}

/** Factors of the smaller copies beside rgb/1x. */
const FACTORS = [2, 4]
export const CAPTURE_VERSION = 1

/**
 * Yields the files of a capture, frame by frame; the JSON files come last, when everything they promise is there. Pictures are decoded one ahead, so two are
 * in memory. Pushes onto `imported.warnings` what it repairs. Throws CaptureError naming frame, value and remedy.
 */
export async function* captureFiles(imported: ImportedCapture, options: CaptureFileOptions = {}): AsyncGenerator<FolderFile> {
  const { warnings, name } = imported
  const { size = 640, holdOut: every = 20, isStatic = imported.isStatic ?? false, signal } = options
  const frames = holdOut(imported.frames, every)
  checkFrames(name, frames)
  const bounds = sceneBounds(imported)
  const codes = latentCodes(frames, isStatic, warnings)
  const work = frameWork(options, size)
  const votes = imported.hasMixedPoints ? backgroundVotes(imported.points, frames.length) : undefined
  const notes = new Notes()
  const steps = frames.length
  let next: Promise<DecodedFrame> | undefined
  for (const [i, frame] of frames.entries()) {
    signal?.throwIfAborted()
    const decoded = await (next ?? work.decode(frame))
    if (i + 1 < steps) {
      next = work.decode(frames[i + 1])
      next.catch(() => undefined) // awaited in the next round; an abort in between must not leave it unhandled
    }
    const { camera, image, mask } = work.fit(frame, decoded, notes)
    votes?.observe(camera, mask)
    const file = (path: string, bytes: Uint8Array): FolderFile => ({ path, bytes, step: i + 1, steps })
    const pictures: [path: string, picture: Image][] = [[`rgb/1x/${frame.id}.png`, image]]
    for (const factor of FACTORS) {
      const small = reduceBy(image, factor)
      if (small) pictures.push([`rgb/${factor}x/${frame.id}.png`, small])
    }
    if (mask) pictures.push([`masks/${frame.id}.png`, mask])
    const encoded = await Promise.all(pictures.map(async ([path, picture]) => [path, await encodePng(picture)] as const))
    yield file(`camera/${frame.id}.json`, json(cameraToJson(camera)))
    for (const [path, bytes] of encoded) yield file(path, bytes)
  }
  warnings.push(...notes.sentences())
  const points = votes?.background(warnings) ?? imported.points
  for (const [path, bytes] of summaryFiles({ ...imported, frames, points, name: options.name ?? name }, bounds, codes, isStatic))
    yield { path, bytes, step: steps, steps }
}

function checkFrames(name: string, frames: readonly ImportedFrame[]): void {
  if (frames.length === 0) throw new CaptureError(`${name}: no picture to import; check that the pictures are beside the pose file`)
  if (!frames.some(frame => frame.split === 'train')) throw new CaptureError(`${name}: no training picture; put some into the training split`)
  const ids = new Set<string>()
  for (const frame of frames) {
    const where = pictureName(frame.image)
    if (ids.has(frame.id)) throw new CaptureError(`${where}: the id "${frame.id}" is there twice; give the pictures different names`)
    ids.add(frame.id)
    if (!frame.camera) {
      throw new CaptureError(`${where}: no camera is known for this picture; find the poses first (COLMAP, or faceclipnerf import of the video)`)
    }
    try {
      validateCamera(frame.camera, where)
    } catch (error) {
      throw new CaptureError(error instanceof Error ? error.message : String(error))
    }
  }
}

/** Rows and columns that do not fill a block are cut off right and below: then every pixel is exactly its block, and the camera exactly 1/factor. */
function reduceBy(image: Image, factor: number): Image | undefined {
  const [width, height] = [Math.floor(image.width / factor), Math.floor(image.height / factor)]
  if (width === 0 || height === 0) return undefined
  const [cutWidth, cutHeight] = [width * factor, height * factor]
  if (cutWidth === image.width && cutHeight === image.height) return reducePicture(image, width, height)
  const data = new Uint8Array(cutWidth * cutHeight * 3)
  for (let y = 0; y < cutHeight; y++) data.set(image.data.subarray(y * image.width * 3, (y * image.width + cutWidth) * 3), y * cutWidth * 3)
  return reducePicture({ width: cutWidth, height: cutHeight, channels: 3, data }, width, height)
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`)

/** dataset.json, scene.json, metadata.json, capture.json and points.npy. */
function summaryFiles(
  { name, format, frames, points, warnings, about }: ImportedCapture,
  { center, scale, near, far }: ReturnType<typeof sceneBounds>,
  codes: readonly number[],
  isStatic: boolean,
): [string, Uint8Array][] {
  const ids = (split: string): string[] => frames.filter(frame => frame.split === split).map(frame => frame.id)
  const metadata = frames.map((frame, i) => [frame.id, { warp_id: codes[i], appearance_id: codes[i], camera_id: 0, time_id: codes[i] }])
  const sources = frames.map(({ id, image, time }) => [
    id,
    { ...(image.kind === 'file' && { file: image.path }), ...(time !== undefined && { time }) },
  ])
  return [
    ...(points && points.length > 0 ? ([['points.npy', encodeNpy(points, [points.length / 3, 3])]] as [string, Uint8Array][]) : []),
    ['metadata.json', json(Object.fromEntries(metadata))],
    ['scene.json', json({ scale, center, near: near * scale, far: far * scale })],
    ['capture.json', json({ version: CAPTURE_VERSION, name, format, static: isStatic, ...about, warnings, frames: Object.fromEntries(sources) })],
    // last: a folder without it is no capture
    [
      'dataset.json',
      json({ count: frames.length, num_exemplars: ids('train').length, ids: frames.map(f => f.id), train_ids: ids('train'), val_ids: ids('val') }),
    ],
  ]
}
