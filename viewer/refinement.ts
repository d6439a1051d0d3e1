/** Which resolution to draw next: coarse while something moves, finer and finer when it stands still. */

export interface Pace {
  /** Milliseconds that a picture may take while something moves. */
  readonly moving: number
  /** Milliseconds that a still picture may take: beyond it waiting is not worth the detail. */
  readonly still: number
}

const LEAST_WIDTH = 24

/** Learns from pictures how long one takes, and says how wide the next may be. */
export class Refinement {
  /** Milliseconds per pixel, by the latest picture. */
  private perPixel: number

  constructor(
    private readonly pace: Pace,
    /** A guess for the first picture: milliseconds per pixel. */
    guess: number,
  ) {
    this.perPixel = guess
  }

  /** Notes that a picture took so long. Small ones are mostly overhead, hence the mean with what was known. */
  learn(pixels: number, milliseconds: number): void {
    this.perPixel = (this.perPixel + milliseconds / pixels) / 2
  }

  /** Widths to draw one after the other, up to `most` px; the first is for motion. @param aspect width over height */
  widths(most: number, aspect: number): number[] {
    const widest = (milliseconds: number): number => Math.sqrt((milliseconds / this.perPixel) * aspect)
    const first = Math.round(Math.min(most, Math.max(LEAST_WIDTH, widest(this.pace.moving))) / 8) * 8
    const last = Math.min(most, Math.max(first, widest(this.pace.still)))
    const found = [Math.max(8, first)]
    for (let width = 2 * found[0]; width < 0.8 * last; width *= 2) found.push(width)
    if (last > 1.2 * found[found.length - 1]) found.push(Math.round(last))
    return found
  }
}
