/** Where long work rests, and where short work gets its turn meanwhile: between two steps, and at once while the long work is paused. */
export class Breaks {
  private readonly waiting: (() => Promise<void>)[] = []
  private paused = false
  private failure: Error | undefined
  private wake: () => void = () => undefined

  get isPaused(): boolean {
    return this.paused
  }

  /** Does something in the next break. Rejects with what it throws; the long work goes on. */
  add<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push(() => work().then(resolve, reject))
      this.wake()
    })
  }

  setPaused(paused: boolean): void {
    this.paused = paused
    this.wake()
  }

  /** Ends a pause for good, e.g. when the device is gone: the long work throws this at its next break. */
  fail(error: Error): void {
    this.failure = error
    this.wake()
  }

  /**
   * A break of the long work: does what waits, then lasts as long as the pause; an abort ends that too. Throws what `fail` was told.
   * @returns milliseconds it took
   */
  async take(signal: AbortSignal): Promise<number> {
    const began = performance.now()
    const stop = (): void => this.wake()
    signal.addEventListener('abort', stop)
    try {
      for (;;) {
        if (this.failure) throw this.failure
        await this.drain()
        if (!this.paused || signal.aborted) return performance.now() - began
        await new Promise<void>(resolve => {
          this.wake = resolve
          if (this.waiting.length > 0 || this.failure) resolve()
        })
      }
    } finally {
      signal.removeEventListener('abort', stop)
      this.wake = () => undefined
    }
  }

  /** Does what still waits: the long work has ended. */
  async drain(): Promise<void> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) await next()
  }
}
