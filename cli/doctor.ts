import { Command } from 'commander'
import { type Check, checks } from './doctorChecks.ts'
import type { Terminal } from './terminal.ts'

export function doctorCommand(terminal: Terminal): Command {
  return new Command('doctor')
    .description('look at what this machine has: GPU, Node, COLMAP, ffmpeg, models, disk; and what to do about what it lacks')
    .option('--json', 'print one JSON object instead of text')
    .action((options: { json?: boolean }) => doctorVerb(options, terminal))
}

const SIGNS = { good: 'ok  ', warning: 'note', bad: 'BAD ' } as const
const COLOURS = { good: 32, warning: 33, bad: 31 } as const

async function doctorVerb({ json }: { json?: boolean }, terminal: Terminal): Promise<void> {
  const found: Check[] = []
  for (const check of checks) {
    const result = await check()
    found.push(result)
    if (json) continue
    const sign = terminal.color ? `\u001b[${COLOURS[result.state]}m${SIGNS[result.state]}\u001b[0m` : SIGNS[result.state]
    terminal.out(`${sign}  ${result.name.padEnd(8)}  ${result.text}\n${result.remedy ? `                -> ${result.remedy}\n` : ''}`)
  }
  const bad = found.filter(({ state }) => state === 'bad')
  if (json) terminal.out(`${JSON.stringify({ healthy: bad.length === 0, checks: found })}\n`)
  if (bad.length > 0) throw new Error(`${bad.map(({ name }) => name).join(', ')}: see above for what to do`)
}
