/** Element-wise comparison of named results, and how a deviation is shown. */
import type { Numbers } from '../../src/tensor/tensor.ts'
import type { NamedNumbers } from './harness.ts'

export interface Deviation {
  readonly name: string
  readonly index: number
  readonly actual: number
  readonly expected: number
  readonly count: number
  readonly of: number
}

/** Deviations beyond `tolerance` x max(|expected|, root mean square of the expected tensor); the worst element stands for its tensor. */
export function compare(actual: readonly NamedNumbers[], expected: readonly NamedNumbers[], tolerance: number): Deviation[] {
  if (actual.length !== expected.length) throw new Error(`${actual.length} results instead of ${expected.length}`)
  return expected.flatMap(({ name, values }, t) => {
    const got = actual[t].values
    if (got.length !== values.length) throw new Error(`${name}: ${got.length} elements instead of ${values.length}`)
    const rms = rootMeanSquare(values)
    let worst = 0
    let index = -1
    let count = 0
    for (let i = 0; i < values.length; i++) {
      if (Object.is(got[i], values[i]) || got[i] === values[i]) continue
      const error = Math.abs(got[i] - values[i]) / Math.max(Math.abs(values[i]), rms, 1e-30)
      const beyond = !(error <= tolerance)
      if (beyond) count++
      if (beyond && (index < 0 || !(error <= worst))) {
        worst = error
        index = i
      }
    }
    return index < 0 ? [] : [{ name, index, actual: got[index], expected: values[index], count, of: values.length }]
  })
}

function rootMeanSquare(values: Numbers): number {
  let s = 0
  for (const v of values) if (Number.isFinite(v)) s += v * v
  return Math.sqrt(s / Math.max(values.length, 1))
}

export function show({ name, index, actual, expected, count, of }: Deviation): string {
  return `${name}[${index}] is ${actual} instead of ${expected} (${count} of ${of} elements deviate)`
}
