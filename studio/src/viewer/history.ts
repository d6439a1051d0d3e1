/** Undo and redo over values that are never changed in place. Changes with the same key in a row (a slider being dragged) are one step. */
export class History<T> {
  private readonly past: T[] = []
  private future: T[] = []
  private lastKey: string | undefined

  constructor(
    private value: T,
    /** Steps kept. */
    private readonly most = 200,
  ) {}

  get current(): T {
    return this.value
  }

  get canUndo(): boolean {
    return this.past.length > 0
  }

  get canRedo(): boolean {
    return this.future.length > 0
  }

  change(next: T, key?: string): void {
    if (next === this.value) return
    if (key === undefined || key !== this.lastKey) this.past.push(this.value)
    if (this.past.length > this.most) this.past.shift()
    this.lastKey = key
    this.future = []
    this.value = next
  }

  /** Ends a run of changes: the next one is a step of its own whatever its key. */
  settle(): void {
    this.lastKey = undefined
  }

  undo(): T {
    return this.step(this.past, this.future)
  }

  redo(): T {
    return this.step(this.future, this.past)
  }

  private step(from: T[], to: T[]): T {
    const next = from.pop()
    this.lastKey = undefined
    if (next === undefined) return this.value
    to.push(this.value)
    this.value = next
    return next
  }
}
