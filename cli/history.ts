import { resolve } from 'node:path'
import { Command } from 'commander'
import { readHistory, withShown, writeAtomic } from 'faceclipnerf'
import { wholeNumber } from './options.ts'
import { createReporter } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { readBytes } from './work.ts'

export function historyCommand(terminal: Terminal): Command {
  return new Command('history')
    .description('list the edits that an edit file is made of, in order, and undo or redo the last ones')
    .argument('<edit>', 'an .edit file')
    .option('--show <n>', 'show the first n edits: fewer undoes, more redoes', wholeNumber)
    .option('--json', 'print one JSON object per line instead of text')
    .action((path: string, options: { show?: number; json?: boolean }) => historyVerb(path, options, terminal))
}

async function historyVerb(path: string, options: { show?: number; json?: boolean }, terminal: Terminal): Promise<void> {
  const reporter = createReporter(terminal, options)
  let bytes = await readBytes(path, 'make an edit with faceclipnerf edit')
  if (options.show !== undefined) {
    bytes = withShown(bytes, options.show, path)
    await writeAtomic(path, bytes)
  }
  const { edits, shown } = readHistory(bytes, path)
  const lines = edits.map(({ prompt, strength, steps }, i) => {
    return `${i + 1}. "${prompt}", strength ${strength}, ${steps} steps${i < shown ? '' : ' (undone)'}`
  })
  reporter.result('history', { path: resolve(path), edits, shown }, lines.join('\n'))
}
