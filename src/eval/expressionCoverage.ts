/** Which movements of the face the pictures of a capture show, read by an encoder's expression head. */
import { project } from '../camera/rays.ts'
import type { Vector3 } from '../camera/vector.ts'
import type { CaptureFrame } from '../capture/capture.ts'
import type { TextImageEncoder } from '../clip/textImageEncoder.ts'
import { Storage } from '../tensor/device.ts'
import { compile } from '../tensor/plan.ts'
import type { ExpressionCoverage } from './captureReport.ts'

/** Side of the square around the face, as a share of the picture's shorter side. */
const CROP = 0.72
/** Pictures read at most, evenly chosen. */
const MOST = 96

/** Reads up to 96 of the frames, cropped around what their cameras look at. Undefined where the encoder has no expression head. */
export async function readExpressions(
  encoder: TextImageEncoder,
  frames: readonly CaptureFrame[],
  focus: Vector3,
  { signal }: { signal?: AbortSignal } = {},
): Promise<ExpressionCoverage | undefined> {
  const head = encoder.expressionHead
  if (!head) return undefined
  const side = Math.max(8, Math.round(CROP * Math.min(...frames[0].camera.imageSize)))
  const picture = new Storage(encoder.device, side * side * 3)
  const output = head.coefficients(encoder.encodeImage(picture.tensor([1, side, side, 3])))
  using plan = compile(encoder.device, { outputs: [output] })
  const coefficients: Float32Array[] = []
  try {
    for (const frame of evenly(frames, MOST)) {
      signal?.throwIfAborted()
      picture.write(cropAround(frame, focus, side))
      plan.run()
      coefficients.push(Float32Array.from(await plan.read(output)))
    }
  } finally {
    picture.release()
  }
  return { names: head.names, coefficients }
}

function evenly<T>(items: readonly T[], most: number): T[] {
  const count = Math.min(most, items.length)
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)])
}

/** [side, side, 3] around the point's pixel; what lies outside the picture repeats its border. */
function cropAround({ image, camera }: CaptureFrame, focus: Vector3, side: number): Float32Array {
  const [width, height] = camera.imageSize
  const [x, y] = project(camera, focus)
  const [left, top] = [Math.round(x - side / 2), Math.round(y - side / 2)]
  const clamp = (value: number, size: number): number => Math.min(size - 1, Math.max(0, value))
  const out = new Float32Array(side * side * 3)
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      const from = (clamp(top + v, height) * width + clamp(left + u, width)) * 3
      out.set(image.subarray(from, from + 3), (v * side + u) * 3)
    }
  }
  return out
}
