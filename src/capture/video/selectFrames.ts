/** Which frames of a video become pictures of the capture: the sharpest of each of N equal stretches of time. */
import type { Image } from '../../io/imageCodec.ts'
import type { VideoFrame } from './frames.ts'
import { brightness, sharpness } from './sharpness.ts'

/** What is remembered of every frame, kept or not; the report draws it. */
export interface FrameRecord {
  index: number
  /** Seconds. */
  time: number
  /** Variance of the Laplacian; see `sharpness`. */
  sharpness: number
  /** Mean luma, 0..1. */
  brightness: number
  /** Why the frame is not in the capture; absent for those that are. */
  dropped?: 'a sharper one beside it' | 'blurred' | 'no pose' | 'wrong pose'
}

export interface SelectOptions {
  /** How many at most. */
  count: number
  /** Instants of the first and last frame, s. */
  from: number
  to: number
}

/** A kept frame is called blurred below this share of the median of those around it: what is in view changes sharpness by less, shake by more. */
const BLURRED = 0.3
/** Kept frames on either side that the median is taken over. */
const AROUND = 7

/**
 * Passes on the sharpest frame of each stretch as soon as the next begins; holds two pictures at most. `records` is filled with every frame.
 * Even spacing is by instant, so a varying frame rate shifts nothing.
 */
export async function* selectFrames(
  frames: AsyncIterable<VideoFrame>,
  { count, from, to }: SelectOptions,
  records: FrameRecord[],
): AsyncGenerator<{ record: FrameRecord; image: Image }> {
  let best: { record: FrameRecord; image: Image } | undefined
  let slot = 0
  const length = Math.max(1e-9, to - from)
  for await (const { index, time, image } of frames) {
    const record: FrameRecord = { index, time, sharpness: sharpness(image), brightness: brightness(image) }
    records.push(record)
    // The last frame belongs to the last stretch, not to one of its own.
    const its = Math.min(count - 1, Math.max(0, Math.floor(((time - from) / length) * count)))
    if (best && its !== slot) {
      yield best
      best = undefined
    }
    slot = its
    const loser = best && best.record.sharpness >= record.sharpness ? record : best?.record
    if (loser) loser.dropped = 'a sharper one beside it'
    if (loser !== record) best = { record, image }
  }
  if (best) yield best
}

/** Marks kept frames that are much less sharp than those around them. Marks none where that would leave fewer than half. */
export function markBlurred(records: readonly FrameRecord[]): FrameRecord[] {
  const kept = records.filter(record => record.dropped === undefined)
  const blurred = kept.filter((record, i) => {
    const around = kept
      .slice(Math.max(0, i - AROUND), i + AROUND + 1)
      .map(other => other.sharpness)
      .sort((a, b) => a - b)
    return record.sharpness < BLURRED * around[Math.floor(around.length / 2)]
  })
  if (blurred.length * 2 > kept.length) return []
  for (const record of blurred) record.dropped = 'blurred'
  return blurred
}
