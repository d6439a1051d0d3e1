/** Milliseconds of computing after which others get their turn. */
const TURN_MS = 50

/**
 * For loops of long work: awaited now and then, it gives timers, signals and page events their turn. The CPU device computes on the calling thread, and promises
 * alone let nothing else in: without it an abort is seen when all is done.
 */
export function turnTaker(): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last <= TURN_MS) return
    await new Promise(resolve => setTimeout(resolve))
    last = performance.now()
  }
}
