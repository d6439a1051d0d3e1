import { describe, expect, it } from 'vitest'
import { summarize } from '../../scripts/countTests.ts'

const report = (file: string, tests: [string, string][], status = 'passed') => ({
  testResults: [{ name: `/repo/${file}`, status, assertionResults: tests.map(([fullName, status]) => ({ fullName, status })) }],
})

describe('test count of .ci/run', () => {
  it('counts passed and failed tests and names the failed', () => {
    const { counts, lines } = summarize(
      report(
        'test/a.test.ts',
        [
          ['one', 'passed'],
          ['two', 'failed'],
        ],
        'failed',
      ),
      '/repo',
    )
    expect(counts).toEqual({ passed: 1, failed: 1, skipped: 0 })
    expect(lines).toEqual(['FAILED test/a.test.ts: two'])
  })
  it('fails a skip without leave, allows the token goldens', () => {
    const bad = summarize(
      report('test/a.test.ts', [
        ['one', 'skipped'],
        ['two', 'passed'],
      ]),
      '/repo',
    )
    expect(bad.counts).toEqual({ passed: 1, failed: 1, skipped: 0 })
    expect(bad.lines[0]).toMatch(/^FAILED test\/a\.test\.ts: one: skipped;/)
    const good = summarize(
      report('test/clip/tokenizer.test.ts', [
        ['goldens (skipped: set FACECLIPNERF_SHARED)', 'pending'],
        ['b', 'passed'],
      ]),
      '/repo',
    )
    expect(good.counts).toEqual({ passed: 1, failed: 0, skipped: 1 })
  })
  it('fails a file that does not load, and a run without tests', () => {
    expect(summarize(report('test/a.test.ts', [], 'failed'), '/repo').counts.failed).toBe(1)
    expect(summarize({ testResults: [] }, '/repo').counts.failed).toBe(1)
  })
})
