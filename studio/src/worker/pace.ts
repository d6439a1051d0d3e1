/** How fast training goes: the time of its own steps, without pauses and what was done in them. */
export class Pace {
  private last: number
  private secondsOfStep: number | undefined

  constructor(
    private step: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.last = now()
  }

  /** Leaves out milliseconds in which no step was made. */
  rested(milliseconds: number): void {
    this.last += milliseconds
  }

  /** Notes that this step is done; seconds of a step, recent ones counting most. */
  reached(step: number): number {
    const now = this.now()
    const seconds = (now - this.last) / 1000 / Math.max(1, step - this.step)
    this.last = now
    this.step = step
    this.secondsOfStep = this.secondsOfStep === undefined ? seconds : 0.7 * this.secondsOfStep + 0.3 * seconds
    return this.secondsOfStep
  }
}
