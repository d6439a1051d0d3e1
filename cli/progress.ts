/** One line of progress, redrawn on a terminal and printed now and then elsewhere; with --json one object per report. */
import type { Terminal } from './terminal.ts'

export interface Report {
  readonly step: number
  readonly steps: number
  /** Seconds to the end. */
  readonly eta: number
}

export interface Reporter {
  /** @param label the stage; @param report what the library yielded; @param shown the parts of the line, e.g. 'loss 0.0123'. */
  step(label: string, report: Report, shown: readonly string[]): void
  /** Ends the line and says something that happened. */
  note(text: string): void
  /** A result: an object on its own line with --json, `text` otherwise. */
  result(event: string, data: object, text: string): void
}

/** Without a terminal a line at least this many milliseconds after the last: logs stay readable. */
const QUIET_MS = 5000

export function createReporter(terminal: Terminal, { json = false }: { json?: boolean }): Reporter {
  let last = Number.NEGATIVE_INFINITY
  const end = (): void => endLine(terminal)
  const event = (name: string, data: object): void => terminal.out(`${JSON.stringify({ event: name, ...data })}\n`)
  return {
    step(label, report, shown) {
      if (json) return event('step', { ...report, stage: label })
      const parts = [`step ${report.step}/${report.steps}`, ...shown, `ETA ${duration(report.eta)}`]
      const name = terminal.color ? `\u001b[1m${label}\u001b[0m` : label
      if (terminal.interactive) {
        terminal.err(`\r\u001b[K${name}  ${parts.join('  ')}`)
        terminal.lineOpen = true
      } else if (performance.now() - last >= QUIET_MS || report.step === report.steps) {
        terminal.err(`${label}  ${parts.join('  ')}\n`)
        last = performance.now()
      }
      if (report.step === report.steps) end()
    },
    note(text) {
      end()
      if (json) event('note', { text })
      else terminal.err(`${text}\n`)
    },
    result(name, data, text) {
      end()
      if (json) event(name, data)
      else terminal.out(`${text}\n`)
    },
  }
}

/** Ends a progress line that is being redrawn, so that what follows begins on its own. */
export function endLine(terminal: Terminal): void {
  if (terminal.lineOpen) terminal.err('\n')
  terminal.lineOpen = false
}

/** 4.2 s, 1:20, 1:02:05. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const pad = (n: number): string => String(n).padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  return minutes < 60 ? `${minutes}:${pad(whole % 60)}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`
}

/** 950, 84.1 k, 1.2 M. */
export function amount(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`
  return value >= 1e3 ? `${(value / 1e3).toFixed(1)} k` : value.toFixed(0)
}
