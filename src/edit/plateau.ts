/** When a descent has stopped falling. */

/** Share by which a round's loss must fall to count as progress. */
const LEAST_PROGRESS = 2e-3

/** Whether a descent has stopped falling, by its loss averaged over rounds of `round` steps, since views differ more than steps do. */
export class Plateau {
  private losses: number[] = []
  private least = Number.POSITIVE_INFINITY
  private idle = 0

  constructor(
    private readonly patience: number | undefined,
    private readonly round: number,
  ) {}

  get watches(): boolean {
    return this.patience !== undefined
  }

  /** Notes a step's loss; true when the last `patience` rounds brought nothing. */
  reached(loss: number): boolean {
    if (this.patience === undefined) return false
    this.losses.push(loss)
    if (this.losses.length < this.round) return false
    const mean = this.losses.reduce((a, b) => a + b) / this.round
    this.losses = []
    this.idle = mean < this.least - LEAST_PROGRESS * Math.abs(this.least) || this.least === Number.POSITIVE_INFINITY ? 0 : this.idle + 1
    this.least = Math.min(this.least, mean)
    return this.idle >= this.patience
  }
}
