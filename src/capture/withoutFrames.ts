import { type Capture, CaptureError } from './capture.ts'
import { nearestIndex } from './latentCodes.ts'

/**
 * The capture without these frames. Latent codes are numbered anew, so that each is learnt from some picture; a held-out view whose instant went has the
 * code of the nearest that stayed. Throws for an id that is none of its frames, and when no training frame is left.
 */
export function withoutFrames(capture: Capture, ids: Iterable<string>): Capture {
  const gone = new Set(ids)
  for (const id of gone)
    if (!capture.frames.some(frame => frame.id === id)) throw new CaptureError(`${capture.name}: no frame "${id}" to leave out; check its id`)
  const left = capture.frames.filter(frame => !gone.has(frame.id))
  const codes = [...new Set(left.filter(({ split }) => split === 'train').map(({ code }) => code))].sort((a, b) => a - b)
  if (codes.length === 0) throw new CaptureError(`${capture.name}: no picture is left to learn from; keep some of its training frames`)
  return { ...capture, codeCount: codes.length, frames: left.map(frame => ({ ...frame, code: nearestIndex(codes, frame.code) })) }
}
