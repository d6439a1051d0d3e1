/** Seconds as a person says them, e.g. '40 s', '3 min', '2.5 h'; never none at all. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  const hours = seconds / 3600
  return `${hours < 10 ? Number(hours.toFixed(1)) : Math.round(hours)} h`
}
