/** The default judge of faces: the optional package @vladmandic/face-api (Node): seven expressions, 128 numbers of identity. */
import { FACE_API_REMEDY, type FaceApi, openFaceApi } from '../capture/face/faceApi.ts'
import type { Picture } from '../io/sheet.ts'
import type { FaceJudge, FaceVerdict } from './faceJudge.ts'

/** The package's classes, in our order. */
const EXPRESSIONS = ['neutral', 'happy', 'sad', 'angry', 'fearful', 'disgusted', 'surprised'] as const
/** px of the longer side that it is shown: in smaller pictures it finds no face, so they are enlarged. */
const SHOWN_AT = 512
/**
 * The picture's sides are that much longer, by its border repeated: the detector knows faces that fill a fifth of a picture better than portraits. On eight renderings
 * of a smile at 128 px its scores rise from 0.07–0.54 to 0.93–0.99.
 */
const ROOM = 2
const LEAST_SCORE = 0.3

/** What to do where there is no judge. */
export const FACE_JUDGE_REMEDY = FACE_API_REMEDY

/** The judge, or undefined where its packages are not installed. */
export async function openFaceJudge(): Promise<FaceJudge | undefined> {
  const found = await openFaceApi(['ssdMobilenetv1', 'faceLandmark68Net', 'faceExpressionNet', 'faceRecognitionNet'])
  if (!found) return undefined
  // One look answers both questions.
  const known = new WeakMap<object, Promise<FaceVerdict | undefined>>()
  const look = (picture: Picture): Promise<FaceVerdict | undefined> => {
    const verdict = known.get(picture) ?? verdictOn(found.api, picture)
    known.set(picture, verdict)
    return verdict
  }
  return {
    name: found.name,
    expressions: EXPRESSIONS,
    scores: async picture => (await look(picture))?.scores,
    identity: async picture => (await look(picture))?.identity,
  }
}

async function verdictOn(api: FaceApi, picture: Picture): Promise<FaceVerdict | undefined> {
  const { width, height, bytes } = shownAt(picture)
  const tensor = api.tf.tensor3d(bytes, [height, width, 3], 'int32')
  try {
    const search = api.detectSingleFace(tensor, new api.SsdMobilenetv1Options({ minConfidence: LEAST_SCORE }))
    const found = await search.withFaceLandmarks().withFaceExpressions().withFaceDescriptor()
    return found && { scores: EXPRESSIONS.map(name => found.expressions[name]), identity: found.descriptor }
  } finally {
    tensor.dispose()
  }
}

/** The picture with room around it as bytes, resized (bilinear) until its longer side is what the networks are shown. */
function shownAt({ width, height, rgb }: Picture): { width: number; height: number; bytes: Int32Array } {
  const factor = SHOWN_AT / (ROOM * Math.max(width, height))
  const [w, h] = [width, height].map(size => Math.round(size * ROOM * factor))
  const bytes = new Int32Array(w * h * 3)
  const along = (i: number, size: number): [number, number, number] => {
    const at = Math.min(size - 1, Math.max(0, (i + 0.5) / factor - 0.5 - ((ROOM - 1) / 2) * size))
    const from = Math.floor(at)
    return [from, Math.min(size - 1, from + 1), at - from]
  }
  const columns = Array.from({ length: w }, (_, x) => along(x, width))
  for (let y = 0, i = 0; y < h; y++) {
    const [y0, y1, v] = along(y, height)
    for (const [x0, x1, u] of columns) {
      for (let c = 0; c < 3; c++) {
        const at = (x: number, row: number): number => rgb[(row * width + x) * 3 + c]
        const value = (1 - v) * ((1 - u) * at(x0, y0) + u * at(x1, y0)) + v * ((1 - u) * at(x0, y1) + u * at(x1, y1))
        bytes[i++] = Math.round(255 * Math.min(1, Math.max(0, value)))
      }
    }
  }
  return { width: w, height: h, bytes }
}
