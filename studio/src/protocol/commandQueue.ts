/** Work in the order it came, one at a time, each of which can be cancelled: waiting work never begins, work under way is told by its signal. */

export class Cancelled extends Error {
  override name = 'Cancelled'
  constructor(what: string) {
    super(`${what}: cancelled`)
  }
}

interface Entry {
  readonly id: number
  readonly name: string
  readonly controller: AbortController
  run(): Promise<void>
  drop(): void
}

export class CommandQueue {
  private readonly waiting: Entry[] = []
  private current: Entry | undefined

  /** Resolves with what `work` returns. Rejects with what it throws, and with `Cancelled` once cancelled. */
  add<T>(id: number, name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const { signal } = controller
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({
        id,
        name,
        controller,
        drop: () => reject(new Cancelled(name)),
        run: () =>
          work(signal).then(
            value => (signal.aborted ? reject(new Cancelled(name)) : resolve(value)),
            error => reject(signal.aborted ? new Cancelled(name) : error),
          ),
      })
      void this.next()
    })
  }

  /** Cancels the work with this number, wherever it is; unknown and finished numbers are nothing to do. */
  cancel(id: number): void {
    if (this.current?.id === id) this.current.controller.abort()
    const at = this.waiting.findIndex(entry => entry.id === id)
    if (at >= 0) this.waiting.splice(at, 1)[0].drop()
  }

  private async next(): Promise<void> {
    if (this.current) return
    this.current = this.waiting.shift()
    if (!this.current) return
    await this.current.run()
    this.current = undefined
    await this.next()
  }
}
