/** How large the next picture may be: coarse while the camera moves, finer step by step once it stands still, by how long pictures have taken. */

/** px along the longer edge. */
const SIDES = [32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536] as const

export interface Budget {
  /** Milliseconds of a picture while moving. */
  readonly moving: number
  /** And of the finest one. */
  readonly still: number
  /** px along the longer edge before anything was measured. */
  readonly first: number
}

export const BUDGETS: Readonly<Record<'gpu' | 'cpu', Budget>> = {
  gpu: { moving: 24, still: 600, first: 64 },
  cpu: { moving: 140, still: 6000, first: 32 },
}
/** Weight of a new measurement against those before. */
const NEWEST = 0.4

export class Resolution {
  private perPixel: number | undefined

  constructor(private readonly budget: Budget) {}

  /** Notes that a picture of so many pixels took `milliseconds`. */
  measured(pixels: number, milliseconds: number): void {
    const now = milliseconds / pixels
    this.perPixel = this.perPixel === undefined ? now : (1 - NEWEST) * this.perPixel + NEWEST * now
  }

  /** Whether any picture was measured. */
  get isKnown(): boolean {
    return this.perPixel !== undefined
  }

  /** Side for a moving camera. @param most px that the screen can show; @param share pixels of a picture over side². */
  moving(most: number, share: number): number {
    return this.within(this.budget.moving, most, share)
  }

  /** The side after `side` for a camera that stands still; undefined when it is the finest. A step is at least twice the pixels. */
  finer(side: number, most: number, share: number): number | undefined {
    const finest = this.within(this.budget.still, most, share)
    if (side >= finest) return undefined
    return Math.min(finest, SIDES.find(s => s >= 2 * side) ?? finest)
  }

  private within(budget: number, most: number, share: number): number {
    const { perPixel } = this
    const fits = SIDES.filter(side => side <= Math.max(most, SIDES[0]))
    if (perPixel === undefined) return Math.min(this.budget.first, fits[fits.length - 1])
    return fits.findLast(side => side * side * share * perPixel <= budget) ?? SIDES[0]
  }
}
