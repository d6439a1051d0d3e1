import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { EXPORT_FORMATS, type ExportFormat, exportCapture } from 'faceclipnerf'
import { createReporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'

interface ExportOptions {
  readonly output: string
  readonly format: ExportFormat
  readonly force?: boolean
  readonly json?: boolean
}

export function exportCommand(terminal: Terminal): Command {
  return new Command('export')
    .description('write a capture in the format of other programs')
    .argument('<capture>', 'a .capture folder, or one in the Nerfies / HyperNeRF layout')
    .requiredOption('-o, --output <folder>', 'the folder to write')
    .addOption(new Option('--format <name>', 'nerfies: the original programs; transforms: nerfstudio').choices(EXPORT_FORMATS).makeOptionMandatory())
    .option('--force', 'replace an export that is there already')
    .option('--json', 'print one JSON object per line instead of text')
    .action((capture: string, options: ExportOptions) => exportVerb(capture, options, terminal))
}

async function exportVerb(path: string, { output, format, force, json }: ExportOptions, terminal: Terminal): Promise<void> {
  const reporter = createReporter(terminal, { json })
  const start = performance.now()
  let [frames, bytes, last] = [0, 0, 0]
  try {
    for await (const report of exportCapture(path, output, { format, overwrite: force, signal: terminal.signal })) {
      ;({ steps: frames, bytes } = report)
      const { step, steps } = report
      if (step === last) continue
      last = step
      const seconds = (performance.now() - start) / 1000
      reporter.step('export', { step, steps, eta: (seconds / step) * (steps - step) }, [`${(bytes / 1e6).toFixed(1)} MB`])
    }
  } catch (error) {
    if (terminal.signal.aborted) throw new Interrupted('nothing was kept')
    throw error
  }
  reporter.result(
    'export',
    { path: resolve(output), format, frames, bytes },
    `wrote ${output} (${format}, ${frames} frames, ${(bytes / 1e6).toFixed(1)} MB)`,
  )
}
