/** The notice before the first import of a face, once per person: remembered in a file of the user's configuration. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { writeAtomic } from 'faceclipnerf'
import { endLine, type Reporter } from './progress.ts'
import type { Terminal } from './terminal.ts'

/** Raised when the text changes in what it asks. */
const VERSION = 1

export const NOTICE = [
  'This imports pictures of a face. They are biometric data, and what is made of them can look like the person.',
  '- Import and edit only yourself, or people who agreed to it; delete what you make when they ask you to.',
  '- Everything stays on this machine: nothing is uploaded, there is no telemetry.',
  '- Edited pictures are synthetic: say so where you show them.',
].join('\n')

/** Where the answer is kept: XDG_CONFIG_HOME (or ~/.config), on Windows APPDATA. */
export function configFile(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment.XDG_CONFIG_HOME || (process.platform === 'win32' && environment.APPDATA) || join(homedir(), '.config')
  return join(base, 'faceclipnerf', 'config.json')
}

/**
 * Shows the notice and asks, unless that was done before; `yes` agrees without asking. Throws when the person does not agree, and where nobody can be asked.
 */
export async function requireConsent(terminal: Terminal, reporter: Reporter, yes: boolean): Promise<void> {
  const file = configFile()
  const config = await readConfig(file)
  if (config.consent === VERSION) return
  if (!yes) {
    endLine(terminal)
    terminal.err(`${NOTICE}\n`)
    if (!terminal.ask) throw new Error('nobody can be asked here: agree to the notice above with --yes, once')
    const answer = await terminal.ask('Do you agree? [y/N] ')
    if (!/^\s*y(es)?\s*$/i.test(answer)) throw new Error('not imported, because the notice was not agreed to; answer y, or pass --yes')
  }
  await writeAtomic(file, new TextEncoder().encode(`${JSON.stringify({ ...config, consent: VERSION }, null, 2)}\n`)).catch((error: Error) => {
    reporter.note(`the answer could not be kept, so it will be asked for again: ${error.message}`)
  })
}

/** The file's object; a file that is missing or unreadable counts as empty: the worst that follows is that the question comes again. */
async function readConfig(file: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
