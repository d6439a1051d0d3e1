// Reads vitest's JSON report and .ci/run's list of checks; prints what failed or was skipped without leave, then `N passed, N failed`.
// Usage: node --import tsx scripts/countTests.ts report.json [failed-check ...] -- [passed-check ...]; exit code 1 when anything failed.

import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Tests that may skip, as file and name, and why. Every other skip fails the run: a test that does not run tests nothing. */
const ALLOWED_SKIPS = [
  // The tokens of OpenAI's vocabulary are another project's file and not in this repository; FACECLIPNERF_SHARED says where they are.
  { file: /^test\/clip\/tokenizer\.test\.ts$/, name: /FACECLIPNERF_SHARED/ },
]

/** What is read of vitest's JSON report. */
interface TestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

interface Summary {
  readonly counts: { passed: number; failed: number; skipped: number }
  readonly lines: string[]
}

/** Counts and lines to print of a vitest JSON report. */
export function summarize(report: TestReport, root: string): Summary {
  const lines: string[] = []
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { name: path, assertionResults, status, message } of report.testResults) {
    const file = relative(root, path)
    // A file that does not even load has no tests to fail.
    if (status === 'failed' && assertionResults.every(test => test.status !== 'failed')) {
      counts.failed++
      lines.push(`FAILED ${file}: ${message?.split('\n')[0] ?? 'the file does not load'}`)
    }
    for (const { fullName, status } of assertionResults) {
      if (status === 'passed') counts.passed++
      else if (status === 'failed') {
        counts.failed++
        lines.push(`FAILED ${file}: ${fullName}`)
      } else if (ALLOWED_SKIPS.some(allowed => allowed.file.test(file) && allowed.name.test(fullName))) {
        counts.skipped++
        lines.push(`skipped (allowed) ${file}: ${fullName}`)
      } else {
        counts.failed++
        lines.push(`FAILED ${file}: ${fullName}: skipped; make it run here, or give it a reason in ALLOWED_SKIPS of scripts/countTests.ts`)
      }
    }
  }
  if (counts.passed + counts.failed === 0) {
    counts.failed++
    lines.push('FAILED no test ran')
  }
  return { counts, lines }
}

function readSummary(path: string): Summary {
  try {
    return summarize(JSON.parse(readFileSync(path, 'utf8')), process.cwd())
  } catch (error) {
    return { counts: { passed: 0, failed: 1, skipped: 0 }, lines: [`FAILED npm test: no report (${error instanceof Error ? error.message : error})`] }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [reportPath, ...rest] = process.argv.slice(2)
  const split = rest.indexOf('--')
  const [failedChecks, passedChecks] = [rest.slice(0, split), rest.slice(split + 1)]
  const { counts, lines } = readSummary(reportPath)
  for (const line of [...lines, ...failedChecks.map(check => `FAILED ${check}`)]) console.log(line)
  if (counts.skipped > 0) console.log(`${counts.skipped} skipped, all of them allowed`)
  const failed = counts.failed + failedChecks.length
  console.log(`${counts.passed + passedChecks.length} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
}
