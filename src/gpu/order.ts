/** The order of work on one device's queue, kept although some of it has to wait for a pipeline that is still compiling. */

interface Turn {
  readonly needs: Promise<unknown> | undefined
  readonly work: () => void
}

export class Order {
  private turns: Turn[] = []
  private emptied: Promise<void> | undefined

  /** @param failed is given what work threw when its turn came, long after its caller had gone on. */
  constructor(private readonly failed: (error: Error) => void) {}

  /** Something waits, and so does all that comes after it. */
  get waiting(): boolean {
    return this.turns.length > 0
  }

  /** Does the work now, or when everything before it is done and `needs`, which must not reject, has settled. */
  inTurn(work: () => void, needs?: Promise<unknown>): void {
    if (!needs && !this.waiting) {
      work()
      return
    }
    this.turns.push({ needs, work })
    this.emptied ??= this.takeTurns()
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    await this.emptied
  }

  /** Forgets what waits. */
  clear(): void {
    this.turns = []
  }

  private async takeTurns(): Promise<void> {
    for (let turn = this.turns[0]; turn; turn = this.turns[0]) {
      if (turn.needs) await turn.needs
      if (this.turns[0] !== turn) continue // cleared meanwhile
      try {
        turn.work()
      } catch (error) {
        this.failed(error as Error)
      }
      this.turns.shift()
    }
    this.emptied = undefined
  }
}
