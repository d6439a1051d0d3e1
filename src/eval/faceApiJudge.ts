/** The default judge of faces: the optional package @vladmandic/face-api (Node): seven expressions, 128 numbers of identity. */
import { FACE_API_REMEDY, type FaceApi, openFaceApi } from '../capture/face/faceApi.ts'
import type { Picture } from '../io/sheet.ts'
import type { FaceJudge, FaceVerdict } from './faceJudge.ts'

/** The package's classes, in our order. */
const EXPRESSIONS = ['neutral', 'happy', 'sad', 'angry', 'fearful', 'disgusted', 'surprised'] as const
/** px of the longer side that it is shown: in smaller pictures it finds no face, so they are enlarged. */
const SHOWN_AT = 512
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

/** The picture as bytes, resized (bilinear) until its longer side is what the networks are shown. */
function shownAt({ width, height, rgb }: Picture): { width: number; height: number; bytes: Int32Array } {
  const factor = SHOWN_AT / Math.max(width, height)
  const [w, h] = [Math.round(width * factor), Math.round(height * factor)]
  const bytes = new Int32Array(w * h * 3)
  const along = (i: number, size: number): [number, number] => {
    const at = Math.min(size - 1, Math.max(0, (i + 0.5) / factor - 0.5))
    const from = Math.min(Math.max(0, size - 2), Math.floor(at))
    return [from, at - from]
  }
  const columns = Array.from({ length: w }, (_, x) => along(x, width))
  for (let y = 0, i = 0; y < h; y++) {
    const [y0, v] = along(y, height)
    const down = height > 1 ? width * 3 : 0
    for (const [x0, u] of columns) {
      for (let c = 0; c < 3; c++) {
        const at = (y0 * width + x0) * 3 + c
        const across = width > 1 ? 3 : 0
        const top = (1 - u) * rgb[at] + u * rgb[at + across]
        const bottom = (1 - u) * rgb[at + down] + u * rgb[at + down + across]
        bytes[i++] = Math.round(255 * Math.min(1, Math.max(0, (1 - v) * top + v * bottom)))
      }
    }
  }
  return { width: w, height: h, bytes }
}
