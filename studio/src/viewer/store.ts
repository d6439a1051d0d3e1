/** State that changes by replacement, and who wants to hear of it, as React's useSyncExternalStore wants both. */
export class Store<S extends object> {
  private readonly listeners = new Set<() => void>()

  constructor(protected current: S) {}

  readonly state = (): S => this.current

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  protected set(change: Partial<S>): void {
    this.current = { ...this.current, ...change }
    for (const listener of this.listeners) listener()
  }
}
