/** Parses the command line, runs the verb, and turns what it throws into one line and an exit code. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { anchorsCommand } from './anchors.ts'
import { benchmarkCommand } from './benchmark.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { editCommand } from './edit.ts'
import { evaluateCommand } from './evaluate.ts'
import { exportCommand } from './export.ts'
import { HELP_EXAMPLES } from './helpExamples.ts'
import { historyCommand } from './history.ts'
import { importCommand } from './import.ts'
import { inspectCommand } from './inspect.ts'
import { meshCommand } from './mesh.ts'
import { modelsCommand } from './models.ts'
import { endLine } from './progress.ts'
import { renderCommand } from './render.ts'
import { shareCommand } from './share.ts'
import { studioCommand } from './studio.ts'
import { INTERRUPTED, Interrupted, type Terminal } from './terminal.ts'
import { trainCommand } from './train.ts'

/** Runs `faceclipnerf ...argv`. Returns the exit code: 0, 1 after an error, 130 after Ctrl-C. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await program(terminal).parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    // commander has said what was wrong, or printed the help or version that was asked for
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1
    endLine(terminal)
    if (terminal.signal.aborted) {
      terminal.err(`faceclipnerf: interrupted${error instanceof Interrupted ? `; ${error.message}` : ''}\n`)
      return INTERRUPTED
    }
    terminal.err(`faceclipnerf: ${oneLine(error instanceof Error ? error.message : String(error))}\n`)
    return 1
  }
}

/** The whole command line; its help is generated from the options. */
export function program(terminal: Terminal): Command {
  const root = new Command('faceclipnerf')
  root
    .description('Reconstruct a face from a portrait capture and edit it with a sentence.')
    .version(version(), '-V, --version', 'print the version')
    .helpCommand(false)
    .showSuggestionAfterError(true)
  for (const make of [
    importCommand,
    inspectCommand,
    exportCommand,
    trainCommand,
    anchorsCommand,
    editCommand,
    historyCommand,
    renderCommand,
    meshCommand,
    shareCommand,
    evaluateCommand,
    benchmarkCommand,
    studioCommand,
    demoCommand,
    modelsCommand,
    doctorCommand,
  ])
    root.addCommand(make(terminal))
  for (const verb of root.commands) {
    const examples = HELP_EXAMPLES[verb.name()]?.map(example => `  faceclipnerf ${verb.name()} ${example}`.trimEnd())
    if (examples) verb.addHelpText('after', `\nExamples:\n${examples.join('\n')}`)
  }
  for (const command of [root, ...root.commands, ...root.commands.flatMap(verb => verb.commands)]) {
    command.exitOverride().configureOutput({
      writeOut: text => terminal.out(text),
      writeErr: text => terminal.err(text),
      outputError: (text, write) => write(`faceclipnerf: ${oneLine(text.replace(/^error: /, ''))}${helpHint(text, command)}\n`),
    })
  }
  return root
}

/** Where nothing similar was found, what there is. */
function helpHint(text: string, command: Command): string {
  if (!/unknown (command|option)/.test(text) || text.includes('Did you mean')) return ''
  const verb = command.parent ? `${command.parent.parent ? `${command.parent.name()} ` : ''}${command.name()} ` : ''
  return `; faceclipnerf ${verb}--help lists what there is`
}

function version(): string {
  // package.json lies one folder above cli/ and dist/ alike
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}
