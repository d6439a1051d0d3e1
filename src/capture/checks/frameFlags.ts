/** What stands out about single pictures of a capture, for a person who chooses which of them to learn from. */
import { toImage } from '../../io/sheet.ts'
import { type FrameRecord, markBlurred } from '../video/selectFrames.ts'
import { sharpness } from '../video/sharpness.ts'
import { type CaptureChecks, EXPOSURE_JUMP } from './checkCapture.ts'

/** What stands out about one picture. */
export interface FrameFlag {
  readonly kind: 'blurred' | 'exposure' | 'camera' | 'mask'
  /** For a person, in a few words. */
  readonly text: string
}

/** The flags of those training frames that have any, by id. */
export function frameFlags({ frames, brightness, suspects }: CaptureChecks): ReadonlyMap<string, readonly FrameFlag[]> {
  const found = new Map<string, FrameFlag[]>()
  const add = (id: string, kind: FrameFlag['kind'], text: string): unknown => found.set(id, [...(found.get(id) ?? []), { kind, text }])
  const records = frames.map(({ image, camera }, index): FrameRecord => {
    const [width, height] = camera.imageSize
    // Less light alone makes a picture no less sharp.
    const light = Math.max(brightness[index], 0.01)
    return { index, time: index, sharpness: sharpness(toImage({ width, height, rgb: image })) / light ** 2, brightness: brightness[index] }
  })
  for (const { index } of markBlurred(records)) add(frames[index].id, 'blurred', 'much less sharp than its neighbours')
  for (const [i, brighter] of exposureJumps(brightness)) add(frames[i].id, 'exposure', `suddenly ${brighter ? 'brighter' : 'darker'} than before`)
  for (const { id, why } of suspects) add(id, 'camera', `its camera is probably wrong: ${why}`)
  if (frames.some(({ mask }) => mask)) for (const { id, mask } of frames) if (!mask) add(id, 'mask', 'has no mask of the person, unlike the others')
  return found
}

/** Frames whose brightness jumps, and whether upwards. The way back from a single odd frame is no jump of the next. */
function exposureJumps(brightness: readonly number[]): [index: number, brighter: boolean][] {
  const jumps = (a: number, b: number): boolean => Math.abs(brightness[a] - brightness[b]) > EXPOSURE_JUMP
  const found: [number, boolean][] = []
  for (let i = 1; i < brightness.length; i++) {
    if (!jumps(i, i - 1) || (found.at(-1)?.[0] === i - 1 && !jumps(i, i - 2))) continue
    found.push([i, brightness[i] > brightness[i - 1]])
  }
  return found
}
