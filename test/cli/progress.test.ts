import { describe, expect, it } from 'vitest'
import { amount, createReporter, duration, endLine } from '../../cli/progress.ts'
import { fakeTerminal } from './fakeTerminal.ts'

const report = (step: number, steps = 4) => ({ step, steps, loss: 0.5, eta: 80 })

describe('progress', () => {
  it('redraws one line on a terminal and ends it', () => {
    const terminal = fakeTerminal({ interactive: true })
    const reporter = createReporter(terminal, {})
    for (const step of [1, 2, 4]) reporter.step('train', report(step), ['loss 0.5'])
    reporter.result('scene', { path: '/a' }, 'wrote a')
    expect(terminal.stderr).toBe(
      '\r\u001b[Ktrain  step 1/4  loss 0.5  ETA 1:20\r\u001b[Ktrain  step 2/4  loss 0.5  ETA 1:20\r\u001b[Ktrain  step 4/4  loss 0.5  ETA 1:20\n',
    )
    expect(terminal.stdout).toBe('wrote a\n')
  })
  it('ends an unfinished line before an error, once', () => {
    const terminal = fakeTerminal({ interactive: true })
    createReporter(terminal, {}).step('train', report(1), [])
    endLine(terminal)
    endLine(terminal)
    expect(terminal.stderr.match(/\n/g)).toHaveLength(1)
  })
  it('colours the label only where colour is wanted', () => {
    const terminal = fakeTerminal({ interactive: true, color: true })
    createReporter(terminal, {}).step('train', report(1), [])
    expect(terminal.stderr).toContain('\u001b[1mtrain\u001b[0m')
  })
  it('prints the first and last line elsewhere, without control characters', () => {
    const terminal = fakeTerminal()
    const reporter = createReporter(terminal, {})
    for (const step of [1, 2, 3, 4]) reporter.step('train', report(step), [])
    expect(terminal.stderr).toBe('train  step 1/4  ETA 1:20\ntrain  step 4/4  ETA 1:20\n')
  })
  it('prints JSON lines and nothing else with --json', () => {
    const terminal = fakeTerminal({ interactive: true })
    const reporter = createReporter(terminal, { json: true })
    reporter.note('device: CPU')
    reporter.step('train', report(1), ['loss 0.5'])
    reporter.result('scene', { path: '/a' }, 'wrote a')
    expect(terminal.stderr).toBe('')
    expect(
      terminal.stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([
      { event: 'note', text: 'device: CPU' },
      { event: 'step', stage: 'train', step: 1, steps: 4, loss: 0.5, eta: 80 },
      { event: 'scene', path: '/a' },
    ])
  })
  it('says times and amounts as people do', () => {
    expect([0.04, 9.96, 80, 3725, Number.NaN].map(duration)).toEqual(['0.0 s', '10.0 s', '1:20', '1:02:05', '?'])
    expect([950, 84_100, 1_250_000].map(amount)).toEqual(['950', '84.1 k', '1.3 M'])
  })
})
