/** Timing that is fair to a device that works behind the caller's back: enough repeats per measurement, one wait at its end, the median of several. */
import type { Device } from '../src/tensor/device.ts'

export interface BenchOptions {
  readonly device: Device
  /** Measurements per row. */
  readonly runs: number
}

/** One line of a results table. */
export interface Row {
  readonly what: string
  readonly sizes: string
  /** Milliseconds of every measurement. */
  readonly ms: readonly number[]
  /** How many of what one call does, shown per second: [1e9, 'FLOP'], [4096, ' rays']. */
  readonly does?: readonly (readonly [count: number, unit: string])[]
  /** The same work done by another library in the same run. */
  readonly peer?: { readonly name: string; readonly ms: readonly number[] }
}

/** A benchmark: rows, or a text of its own. */
export type Bench = (options: BenchOptions) => Promise<readonly Row[] | string>

/** ms of work per measurement, at least: clocks and waits cost a fraction of one. */
const LEAST_MS = 25
const MOST_REPEATS = 500

/** Milliseconds per call, `runs` times. The first two calls, which compile and warm up, do not count. */
export async function measure(run: () => unknown, wait: () => Promise<void>, runs: number): Promise<number[]> {
  const timed = async (repeats: number): Promise<number> => {
    const began = performance.now()
    for (let i = 0; i < repeats; i++) await run()
    await wait()
    return (performance.now() - began) / repeats
  }
  await timed(1)
  const repeats = Math.min(MOST_REPEATS, Math.max(1, Math.round(LEAST_MS / (await timed(1)))))
  const ms: number[] = []
  for (let i = 0; i < runs; i++) ms.push(await timed(repeats))
  return ms
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** 12345678 -> '12.3 M', 12 -> '12.0' */
function scaled(value: number): string {
  const [factor, prefix] =
    value >= 1e12 ? [1e12, ' T'] : value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e3 ? [1e3, ' k'] : [1, '']
  return `${(value / factor).toPrecision(3)}${prefix}`
}

/** A Markdown table: medians, the fastest in brackets. */
export function table(rows: readonly Row[]): string {
  const figure = (ms: readonly number[]): string => `${median(ms).toPrecision(3)} (${Math.min(...ms).toPrecision(3)})`
  const lines = rows.map(({ what, sizes, ms, does = [], peer }) => {
    const rates = (values: readonly number[]): string => does.map(([count, unit]) => `${scaled((count / median(values)) * 1e3)}${unit}/s`).join(', ')
    return `| ${what} | ${sizes} | ${figure(ms)} | ${rates(ms)} | ${peer ? `${peer.name}: ${figure(peer.ms)} ${rates(peer.ms)}` : ''} |`
  })
  return ['| what | sizes | ms (fastest) | rate | peer |', '|---|---|---|---|---|', ...lines].join('\n')
}
