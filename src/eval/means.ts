/** Arithmetic mean. Throws for no values: a mean of nothing is no number. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new Error('mean: no values; leave the number out where there is nothing to average')
  return values.reduce((a, b) => a + b, 0) / values.length
}

/** The mean of those values that are there; undefined where none is. */
export function meanOfKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.flatMap(value => value ?? [])
  return known.length > 0 ? mean(known) : undefined
}
