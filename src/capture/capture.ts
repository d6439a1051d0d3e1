import { type Camera, cameraFromJson, scaleCamera, toScene } from '../camera/camera.ts'
import type { Vector3 } from '../camera/vector.ts'
import type { FileSource } from '../io/files.ts'
import { decodeImage, type Image } from '../io/imageCodec.ts'
import { boxResize } from './boxFilter.ts'
import { type NerfiesIndex, openCapture, readBackgroundPoints, readIndex, readJson, resolutions } from './nerfies.ts'

/** One recorded picture. */
export interface CaptureFrame {
  /** File name without extension, as in dataset.json. */
  id: string
  /** Camera of `image`: intrinsics in its pixels, position in scene units. */
  camera: Camera
  /** [H, W, 3], sRGB 0..1. */
  image: Float32Array
  /** [H, W], coverage of the person 0..1; absent when the capture has no mask for this frame. */
  mask?: Float32Array
  split: 'train' | 'val'
  /** Row of this instant in the table of latent codes; a validation view shares it with the training frame of its instant. */
  code: number
}

/**
 * A recorded face. Everything in it is in scene units: scene = (world - center) · scale. near, far and the background points too.
 * Plain data; nothing refers back to the files.
 */
export interface Capture {
  name: string
  frames: CaptureFrame[]
  /** Bounds along a ray, scene units; 0 <= near < far. */
  near: number
  far: number
  /** World units: the world point that becomes the origin. */
  center: Vector3
  /** Scene units per world unit. */
  scale: number
  /** [n, 3] static points behind the person, scene units; empty when the capture has none. */
  backgroundPoints: Float32Array
  /** One more than the largest code. */
  codeCount: number
  /** The images are 1/downscale of the camera files' size. */
  downscale: number
}

/** A capture that cannot be used; the message names the file, the value and the remedy. */
export class CaptureError extends Error {
  override name = 'CaptureError'
}

/** Files read at a time: enough to keep the decoder busy, few enough for a browser's connections. */
const LANES = 16

/**
 * Load a capture in the Nerfies / HyperNeRF layout from a folder, a web address or a `FileSource`.
 * `downscale` picks rgb/{downscale}x; the default is the largest images there are. Reads dataset, scene and metadata JSON, cameras,
 * images, masks and points.npy, and nothing else: ground truth that a synthetic capture may carry is never touched.
 * Throws CaptureError for bad input: see the tests for the list.
 */
export async function loadCapture(from: FileSource | string, { downscale }: { downscale?: number } = {}): Promise<Capture> {
  try {
    const source = typeof from === 'string' ? await openCapture(from) : from
    const index = await readIndex(source)
    const ids = [...index.frames.keys()]
    const factor = await chooseResolution(source, ids, downscale)
    const maskFolder = await findMasks(source, ids, factor)
    const frames = await inLanes(ids, id => loadFrame(source, index, id, factor, maskFolder))
    const { near, far, center, scale } = index
    const codeCount = 1 + frames.reduce((largest, frame) => Math.max(largest, frame.code), 0)
    const backgroundPoints = await readBackgroundPoints(source, index)
    return { name: source.name, frames, near, far, center, scale, backgroundPoints, codeCount, downscale: factor }
  } catch (error) {
    throw error instanceof CaptureError ? error : new CaptureError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

async function chooseResolution(source: FileSource, ids: string[], downscale: number | undefined): Promise<number> {
  const there = await resolutions(source, ids)
  if (downscale === undefined && there.length > 0) return there[0]
  if (downscale !== undefined && there.includes(downscale)) return downscale
  const choices = there.length > 0 ? `there are ${there.map(factor => `rgb/${factor}x`).join(', ')}; choose one of these` : 'put the images there'
  throw new CaptureError(`${source.describe(`rgb/${downscale ?? 1}x`)}: no images ("${ids[0]}.png" is missing); ${choices}`)
}

/** Where the masks are: at the images' resolution, or at full resolution; undefined when the first and last frames have none. */
async function findMasks(source: FileSource, ids: string[], factor: number): Promise<string | undefined> {
  for (const folder of [`masks/${factor}x`, 'masks', 'masks/1x']) {
    for (const id of [ids[0], ids[ids.length - 1]]) if (await source.exists(`${folder}/${id}.png`)) return folder
  }
  return undefined
}

async function loadFrame(source: FileSource, index: NerfiesIndex, id: string, factor: number, maskFolder: string | undefined): Promise<CaptureFrame> {
  const cameraPath = `camera/${id}.json`
  const imagePath = `rgb/${factor}x/${id}.png`
  const [json, bytes] = await Promise.all([
    listed(source, cameraPath, id, () => readJson(source, cameraPath)),
    listed(source, imagePath, id, () => source.read(imagePath)),
  ])
  const full = cameraFromJson(json, source.describe(cameraPath))
  const image = await decodeImage(bytes, source.describe(imagePath))
  const size = imageSizeOf(image, full, factor, source.describe(imagePath), cameraPath)
  const camera = toScene(scaleCamera(full, 1 / factor, size), index.scale, index.center)
  const mask = maskFolder === undefined ? undefined : await loadMask(source, `${maskFolder}/${id}.png`, size)
  const { split, code } = index.frames.get(id) ?? { split: 'train', code: 0 }
  return { id, camera, image: toRgb(image), ...(mask && { mask }), split, code }
}

/** Read a file that dataset.json promises; a missing one is dataset.json's error as much as the folder's, so the message says both. */
async function listed<T>(source: FileSource, path: string, id: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (await source.exists(path)) throw error
    throw new CaptureError(`${source.describe(path)}: missing, but dataset.json lists "${id}"; restore the file or take the id out of dataset.json`)
  }
}

/** The image's size, if it is the camera's over the factor. Tools round odd sizes up or down, so below 1x one pixel either way is right. */
function imageSizeOf(image: Image, camera: Camera, factor: number, imageName: string, cameraPath: string): [number, number] {
  const size: [number, number] = [image.width, image.height]
  const slack = factor === 1 ? 0 : 1
  if (size.every((pixels, k) => Math.abs(pixels - camera.imageSize[k] / factor) <= slack)) return size
  const [width, height] = camera.imageSize
  const wanted = `${Math.round(width / factor)}x${Math.round(height / factor)}`
  throw new CaptureError(
    `${imageName}: the image is ${image.width}x${image.height}, but ${cameraPath} has image_size [${width}, ${height}], which is ${wanted} at ${factor}x; ` +
      'export the image at that size or correct image_size',
  )
}

async function loadMask(source: FileSource, path: string, [width, height]: [number, number]): Promise<Float32Array | undefined> {
  if (!(await source.exists(path))) return undefined
  const mask = await decodeImage(await source.read(path), source.describe(path))
  if (Math.abs((mask.width * height) / (mask.height * width) - 1) > 0.1) {
    throw new CaptureError(
      `${source.describe(path)}: the mask is ${mask.width}x${mask.height} for an image of ${width}x${height}; export it with the same shape`,
    )
  }
  const coverage = new Float32Array(mask.width * mask.height)
  for (let i = 0; i < coverage.length; i++) coverage[i] = mask.data[i * mask.channels] / 255
  return mask.width === width && mask.height === height ? coverage : boxResize(coverage, mask.width, mask.height, width, height)
}

/** [H, W, 3] in 0..1; grey is repeated, alpha left out (captures are opaque photographs). */
function toRgb({ width, height, channels, data }: Image): Float32Array {
  const out = new Float32Array(width * height * 3)
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) out[3 * i + c] = data[i * channels + (channels < 3 ? 0 : c)] / 255
  return out
}

/** Run `work` over the items, a few at a time, results in order; of several errors the first item's is thrown, whichever came first. */
async function inLanes<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const errors = new Map<number, unknown>()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length && errors.size === 0) {
      const i = next++
      await work(items[i]).then(
        result => {
          results[i] = result
        },
        error => errors.set(i, error),
      )
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  if (errors.size > 0) throw errors.get(Math.min(...errors.keys()))
  return results
}
