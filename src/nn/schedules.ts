/** Numbers that change with the training step. Plain functions of the step, so that a resumed run needs no state. */

export type Schedule = (step: number) => number

/** From `initial` to `final` over `steps`, then constant. */
export const linearSchedule =
  (initial: number, final: number, steps: number): Schedule =>
  step =>
    steps <= 0 || step >= steps ? final : initial + (final - initial) * (step / steps)

/** initial · (final / initial)^(step / (steps − 1)): the last of `steps` steps, counted from 0, has the final value. Throws for values that have no logarithm. */
export function exponentialSchedule(initial: number, final: number, steps: number): Schedule {
  if (!(initial > 0) || !(final > 0)) throw new Error(`exponentialSchedule: needs positive values, got ${initial} and ${final}`)
  return step => (step >= steps - 1 ? final : initial * (final / initial) ** (step / (steps - 1)))
}

/** Schedules one after the other, each for its number of steps and counted from its own start; the last one has no end. */
export function piecewiseSchedule(parts: readonly { readonly steps: number; readonly schedule: Schedule }[]): Schedule {
  return step => {
    let start = 0
    for (const { steps, schedule } of parts.slice(0, -1)) {
      if (step < start + steps) return schedule(step - start)
      start += steps
    }
    return parts[parts.length - 1].schedule(step - start)
  }
}
