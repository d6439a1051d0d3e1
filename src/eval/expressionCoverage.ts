/** Which movements of the face the pictures of a capture show, read by an encoder's expression head. */

import type { Vector3 } from '../camera/vector.ts'
import type { CaptureFrame } from '../capture/capture.ts'
import type { TextImageEncoder } from '../clip/textImageEncoder.ts'
import { Storage } from '../tensor/device.ts'
import { compile } from '../tensor/plan.ts'
import { turnTaker } from '../tensor/turns.ts'
import type { ExpressionCoverage } from './captureReport.ts'
import { cropAround, cropSide } from './faceCrop.ts'

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
  const side = cropSide(frames[0].camera)
  const picture = new Storage(encoder.device, side * side * 3)
  const output = head.coefficients(encoder.encodeImage(picture.tensor([1, side, side, 3])))
  using plan = compile(encoder.device, { outputs: [output] })
  const coefficients: Float32Array[] = []
  const takeTurn = turnTaker()
  try {
    for (const frame of evenly(frames, MOST)) {
      await takeTurn()
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
