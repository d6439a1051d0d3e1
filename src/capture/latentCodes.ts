/** Which latent code each frame of an import gets. */
import type { ImportedFrame } from './importedCapture.ts'

/**
 * The row of the latent code of each frame. Codes of the source are kept; a static scene has one; otherwise each instant of the training frames gets its
 * own, in their order (without times every frame is an instant), and a validation view has the code of the training frame nearest in time.
 * Pushes a warning where given codes are not usable as rows.
 */
export function latentCodes(frames: readonly ImportedFrame[], isStatic: boolean, warnings: string[]): number[] {
  if (isStatic) return frames.map(() => 0)
  const training = frames.filter(frame => frame.split === 'train')
  const given = frames.map(frame => frame.code)
  if (given.every(code => code !== undefined)) {
    const rows = new Set(training.map(frame => frame.code))
    const largest = Math.max(...given)
    // a table with a few rows more than needed costs nothing; one with large holes does
    if (largest < 2 * training.length + 16) return given
    const order = [...rows].sort((a, b) => (a ?? 0) - (b ?? 0))
    warnings.push(`the latent codes reach ${largest} for ${training.length} training frames; they were numbered anew`)
    return given.map(code => nearestIndex(order.map(Number), code))
  }
  const hasTimes = frames.every(frame => frame.time !== undefined)
  const times = frames.map((frame, i) => (hasTimes ? (frame.time ?? i) : i))
  const instants = [...new Set(times.filter((_, i) => frames[i].split === 'train'))].sort((a, b) => a - b)
  return times.map(time => nearestIndex(instants, time))
}

/** Of ascending values the index of the one nearest to `value`; the earlier of two equally near. */
export function nearestIndex(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle] < value) low = middle + 1
    else high = middle
  }
  return low > 0 && value - values[low - 1] <= values[low] - value ? low - 1 : low
}

/** Every `every`-th frame becomes validation where the source has none (0: none); the first frame always trains. Returns new frames. */
export function holdOut(frames: readonly ImportedFrame[], every: number): ImportedFrame[] {
  if (every === 0 || frames.some(frame => frame.split === 'val')) return [...frames]
  return frames.map((frame, i) => (i % every === every - 1 ? { ...frame, split: 'val' } : frame))
}
