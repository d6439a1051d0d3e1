import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'
import { builtFresh } from './freshBuild.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const runFile = promisify(execFile)

/** A folder that goes when the test file is done. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `faceclipnerf-${name}-`))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs a program and returns its standard output. Throws with all it printed when it fails. */
export async function runProgram(
  program: string,
  args: string[],
  { cwd = ROOT, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  try {
    const { stdout } = await runFile(program, args, { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** The sources as they are now, built, in a folder of the test's own (others may be reading or writing dist/): a copy of dist/ where that is of them. */
export async function buildInto(folder: string): Promise<void> {
  if (builtFresh(ROOT)) cpSync(join(ROOT, 'dist'), folder, { recursive: true })
  else await runProgram(process.execPath, [join(ROOT, 'node_modules/tsdown/dist/run.mjs'), '--out-dir', folder, '--logLevel', 'warn'])
}
