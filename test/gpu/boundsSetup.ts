/** After each test: no kernel that it ran on a watched device (boundsWatch.ts) has left its buffers. */
import { afterEach } from 'vitest'
import type { BoundsReport, REPORTS as Key } from './boundsWatch.ts'

const REPORTS: typeof Key = Symbol.for('faceclipnerf bounds reports') as typeof Key

afterEach(async () => {
  const reports = (globalThis as { [REPORTS]?: BoundsReport[] })[REPORTS] ?? []
  const left = (await Promise.all(reports.map(report => report()))).flat()
  if (left.length > 0) throw new Error(left.join('; '))
})
