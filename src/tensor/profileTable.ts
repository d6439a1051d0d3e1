/** Where a plan's time goes, as a table. */
import type { KernelTime } from '../gpu/gpuDevice.ts'

/** What one kernel did in a run. */
export interface KernelProfile {
  readonly kernel: string
  readonly microseconds: number
  readonly calls: number
  /** Of the bytes it binds: below what it moves where it reads them again, above where it skips some. */
  readonly gigabytesPerSecond?: number
  readonly teraflops?: number
  /** Of all kernels' time, 0..1. */
  readonly share: number
}

/** Kernels from the most to the least time. */
export function kernelProfiles(times: ReadonlyMap<string, KernelTime>): KernelProfile[] {
  const total = [...times.values()].reduce((sum, { ms }) => sum + ms, 0)
  return [...times]
    .sort(([, a], [, b]) => b.ms - a.ms)
    .map(([kernel, { ms, calls, bytes, flops }]) => ({
      kernel,
      microseconds: 1000 * ms,
      calls,
      ...(bytes && ms > 0 ? { gigabytesPerSecond: bytes / ms / 1e6 } : {}),
      ...(flops && ms > 0 ? { teraflops: flops / ms / 1e9 } : {}),
      share: total > 0 ? ms / total : 0,
    }))
}

/** The same in Markdown, with the sums under it. */
export function profileTable(profiles: readonly KernelProfile[]): string {
  const sum = (of: (p: KernelProfile) => number): number => profiles.reduce((total, p) => total + of(p), 0)
  const fixed = (value: number | undefined, digits: number): string => (value === undefined ? '' : value.toFixed(digits))
  return [
    '| kernel | µs | calls | GB/s | TFLOP/s | share |',
    '|---|--:|--:|--:|--:|--:|',
    ...profiles.map(
      ({ kernel, microseconds, calls, gigabytesPerSecond, teraflops, share }) =>
        `| ${kernel} | ${microseconds.toFixed(0)} | ${calls} | ${fixed(gigabytesPerSecond, 0)} | ${fixed(teraflops, 1)} | ${(100 * share).toFixed(1)} % |`,
    ),
    `| all | ${sum(p => p.microseconds).toFixed(0)} | ${sum(p => p.calls)} | | | |`,
  ].join('\n')
}
