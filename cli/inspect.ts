import { resolve } from 'node:path'
import { Command } from 'commander'
import {
  type CaptureChecks,
  captureReport,
  checkCapture,
  type Device,
  type ExpressionCoverage,
  expressionFindings,
  folder,
  loadCapture,
  loadEncoder,
  readExpressions,
  writeAtomic,
} from 'faceclipnerf'
import { count, type DeviceChoice, withDevice } from './options.ts'
import { createReporter, type Reporter } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { beside, openChosen, requireFile } from './work.ts'

interface InspectOptions extends DeviceChoice {
  readonly output?: string
  readonly downscale: number
  readonly expressions: boolean
}

export function inspectCommand(terminal: Terminal): Command {
  const command = new Command('inspect')
    .description('what a capture is like and what to film better: a report with pictures')
    .argument('<capture>', 'a .capture folder')
    .option('-o, --output <file>', 'the report (default: NAME.report.html beside the capture)')
    .option('--downscale <n>', 'look at the pictures in rgb/{n}x', count, 4)
    .option('--no-expressions', 'do not read expressions off the pictures')
  return withDevice(command).action((path: string, options: InspectOptions) => inspectVerb(path, options, terminal))
}

async function inspectVerb(path: string, options: InspectOptions, terminal: Terminal): Promise<void> {
  const output = options.output ?? beside(resolve(path), '.report.html')
  await requireFile(output, ['.html', '.htm'])
  const reporter = createReporter(terminal, options)
  const source = await folder(path)
  const { downscale } = options
  const hasSize = (await source.list(`rgb/${downscale}x`)).length > 0
  const capture = await loadCapture(source, hasSize ? { downscale } : {})
  const checks = await checkCapture(capture, source)
  const expressions = options.expressions ? await coverage(checks, options, reporter, terminal) : undefined
  const findings = [...checks.findings, ...(expressions ? expressionFindings(expressions) : [])]
  await writeAtomic(output, new TextEncoder().encode(await captureReport(checks, expressions)))
  for (const finding of findings) reporter.result('finding', finding, `${finding.level.padEnd(8)} ${finding.topic}: ${finding.text}`)
  reporter.result('report', { path: resolve(output), frames: checks.frames.length, suspects: checks.suspects }, `wrote ${output}`)
}

async function coverage(
  checks: CaptureChecks,
  options: DeviceChoice,
  reporter: Reporter,
  { signal }: Terminal,
): Promise<ExpressionCoverage | undefined> {
  using device: Device = await openChosen(options, reporter)
  const encoder = await loadEncoder(device)
  return await readExpressions(encoder, checks.frames, checks.viewpoints.focus, { signal })
}
