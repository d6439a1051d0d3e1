/**
 * Finds a face and its 68 landmarks in a picture, with the networks of the optional package @vladmandic/face-api.
 */
import type { Image } from '../../io/imageCodec.ts'
import { shrink } from '../video/serverFrames.ts'
import { type Detection, type FaceApi, openFaceApi, type Tensor3 } from './faceApi.ts'

/** Landmarks of a face: 68 points in the Multi-PIE order (jaw 0–16, brows 17–26, nose 27–35, eyes 36–47, mouth 48–67). */
export interface FaceObservation {
  /** px of the picture, pixel centres at +0.5: x, y of each landmark, [68 · 2]. */
  landmarks: Float64Array
  /** px: left, top, width, height of the detected face. */
  box: [number, number, number, number]
  /** Confidence of the detector, 0..1. */
  score: number
}

export interface FaceAnalyser {
  /** For the report: the packages' names and versions. */
  readonly name: string
  /** The largest face of a picture, or undefined where none is found. */
  analyse(image: Image): Promise<FaceObservation | undefined>
}

/** px of the longer side that the networks are shown. */
const SHOWN_AT = 512
/** A face's crop for the landmark network is this much larger than the landmarks' extent: of 1.0 to 1.35 it had the least error on faces of known geometry. */
const CROP = 1.2
/** Crops over which landmarks are averaged, as shifts in shares of the extent. */
const SHIFTS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0.06, 0.03],
  [-0.06, 0.03],
  [0, -0.06],
]
/** The small detector is four times as fast as the large one, which is asked where the small one is unsure. */
const SURE = 0.5
const LEAST_SCORE = 0.3

type Box = readonly [number, number, number, number]

/** The analyser, or undefined where its packages are not installed. */
export async function openFaceAnalyser(): Promise<FaceAnalyser | undefined> {
  const found = await openFaceApi(['tinyFaceDetector', 'ssdMobilenetv1', 'faceLandmark68Net'])
  return found && { name: found.name, analyse: image => analyse(found.api, image) }
}

async function analyse(api: FaceApi, image: Image): Promise<FaceObservation | undefined> {
  const shown = shrink(image, SHOWN_AT)
  const tensor = api.tf.tensor3d(Int32Array.from(rgb(shown)), [shown.height, shown.width, 3], 'int32')
  try {
    const found = await detect(api, tensor)
    if (!found) return undefined
    const { x, y, width, height } = found.box
    const first = await landmarksIn(api, tensor, shown, [x, y, width, height])
    const refined = await landmarksIn(api, tensor, shown, cropOf(first, 0, 0))
    const all: Float64Array[] = []
    for (const [dx, dy] of SHIFTS) all.push(await landmarksIn(api, tensor, shown, cropOf(refined, dx, dy)))
    const back = image.width / shown.width
    const landmarks = Float64Array.from(all[0], (_, i) => (back * all.reduce((sum, one) => sum + one[i], 0)) / all.length)
    return { landmarks, box: [x * back, y * back, width * back, height * back], score: found.score }
  } finally {
    tensor.dispose()
  }
}

async function detect(api: FaceApi, tensor: Tensor3): Promise<Detection | undefined> {
  const quick = await api.detectSingleFace(tensor, new api.TinyFaceDetectorOptions({ inputSize: 416, scoreThreshold: LEAST_SCORE }))
  if (quick && quick.score >= SURE) return quick
  return (await api.detectSingleFace(tensor, new api.SsdMobilenetv1Options({ minConfidence: LEAST_SCORE }))) ?? quick
}

/** Landmarks in px of the shown picture, from the part of it inside the box. */
async function landmarksIn(api: FaceApi, tensor: Tensor3, { width, height }: Image, [left, top, w, h]: Box): Promise<Float64Array> {
  const clip = (value: number, most: number): number => Math.min(most, Math.max(0, Math.round(value)))
  const [x, y] = [clip(left, width - 2), clip(top, height - 2)]
  const [right, bottom] = [Math.max(x + 2, clip(left + w, width)), Math.max(y + 2, clip(top + h, height))]
  const crop = api.tf.slice(tensor, [y, x, 0], [bottom - y, right - x, 3])
  try {
    const { positions } = await api.nets.faceLandmark68Net.detectLandmarks(crop)
    return Float64Array.from(positions.flatMap(p => [p.x + x, p.y + y]))
  } finally {
    crop.dispose()
  }
}

/** The crop around landmarks, shifted by shares of their extent. */
function cropOf(landmarks: Float64Array, dx: number, dy: number): Box {
  const xs = landmarks.filter((_, i) => i % 2 === 0)
  const ys = landmarks.filter((_, i) => i % 2 === 1)
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const [w, h] = [x1 - x0, y1 - y0]
  return [(x0 + x1) / 2 + dx * w - (CROP * w) / 2, (y0 + y1) / 2 + dy * h - (CROP * h) / 2, CROP * w, CROP * h]
}

function rgb({ width, height, channels, data }: Image): Uint8Array {
  if (channels === 3) return data
  const out = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) out[3 * i + c] = data[i * channels + (channels < 3 ? 0 : c)]
  return out
}
