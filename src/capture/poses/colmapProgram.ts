/** The user's `colmap`: which version it is, what its options are called there, and running it line by line with a log. */
import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'

export interface ColmapProgram {
  /** e.g. '3.8'. */
  readonly version: string
  /** Options of a command, as its help lists them ('SiftExtraction.use_gpu'). */
  options(command: string): Promise<ReadonlySet<string>>
  /**
   * Runs a command and yields its lines (both streams, in order of arrival), which also go to `log`.
   * Throws ColmapFailure when it ends badly, and when `limit` (s) is over; it is killed when the generator is left or the signal aborts.
   */
  run(command: string, args: readonly string[], options: RunOptions): AsyncGenerator<string>
}

export interface RunOptions {
  readonly log: Writable
  readonly limit?: number
  readonly signal?: AbortSignal
}

/** A run that did not end well. */
export class ColmapFailure extends Error {
  override name = 'ColmapFailure'
  /** @param reason 'limit' when the time was over, 'failed' otherwise. */
  constructor(
    readonly reason: 'limit' | 'failed',
    message: string,
  ) {
    super(message)
  }
}

const OLDEST = [3, 8]
/** Without a screen Qt would refuse to start, although no window is asked for. */
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, QT_QPA_PLATFORM: 'offscreen' })

/** The `colmap` on PATH, or undefined. Throws for a version before 3.8. */
export async function findColmap(): Promise<ColmapProgram | undefined> {
  const run = promisify(execFile)
  const help = async (args: string[]): Promise<string | undefined> => {
    try {
      const { stdout, stderr } = await run('colmap', args, { env: environment() })
      return stdout + stderr
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      // some versions print their help and end with a code that is not 0
      return error instanceof Error && 'stdout' in error ? `${error.stdout}${'stderr' in error ? error.stderr : ''}` : ''
    }
  }
  const head = await help(['-h'])
  if (head === undefined) return undefined
  const [, version, major, minor] = /COLMAP (?:version )?((\d+)\.(\d+)[\w.]*)/.exec(head) ?? []
  if (version === undefined)
    throw new Error(`colmap: the program on PATH does not say its version ("${head.slice(0, 60)}"); install COLMAP 3.8 or newer`)
  if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1])) {
    throw new Error(`colmap: version ${version} is too old; install COLMAP ${OLDEST.join('.')} or newer, or use --poses face`)
  }
  const known = new Map<string, ReadonlySet<string>>()
  return {
    version,
    async options(command) {
      const names = known.get(command) ?? new Set([...((await help([command, '-h'])) ?? '').matchAll(/--([\w.]+)/g)].map(match => match[1]))
      known.set(command, names)
      return names
    },
    run: runLines,
  }
}

/** '--Name value' for the first of the names that the command knows; nothing where it knows none, so that its default holds. */
export function option(known: ReadonlySet<string>, names: readonly string[], value: string | number): string[] {
  const name = names.find(candidate => known.has(candidate))
  return name === undefined ? [] : [`--${name}`, String(value)]
}

async function* runLines(command: string, args: readonly string[], { log, limit, signal }: RunOptions): AsyncGenerator<string> {
  log.write(`\n$ colmap ${command} ${args.join(' ')}\n`)
  const child = spawn('colmap', [command, ...args], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<{ code: number | null; by: NodeJS.Signals | null; error?: Error }>(done => {
    child.on('close', (code, by) => done({ code, by }))
    child.on('error', error => done({ code: null, by: null, error }))
  })
  const both = new PassThrough()
  let open = 2
  for (const stream of [child.stdout, child.stderr]) {
    stream.pipe(both, { end: false })
    stream.on('end', () => {
      open--
      if (open === 0) both.end()
    })
  }
  const stop = (): void => void child.kill('SIGKILL')
  let late = false
  const timer =
    limit === undefined
      ? undefined
      : setTimeout(() => {
          late = true
          stop()
        }, limit * 1000)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    signal?.throwIfAborted()
    const last: string[] = []
    for await (const line of createInterface({ input: both })) {
      log.write(`${line}\n`)
      if (line.trim() !== '') last.push(line.trim())
      if (last.length > 3) last.shift()
      yield line
    }
    const { code, by, error } = await ended
    signal?.throwIfAborted()
    if (late) throw new ColmapFailure('limit', `colmap ${command} was stopped after ${limit} s`)
    if (error) throw new ColmapFailure('failed', `colmap ${command} did not start (${error.message})`)
    if (code !== 0) throw new ColmapFailure('failed', `colmap ${command} ended with ${by ?? `code ${code}`} (${last.join(' / ').slice(0, 200)})`)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
    stop()
    await ended
  }
}
