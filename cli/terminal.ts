/** Where the CLI speaks: results on standard output, progress and errors on standard error, or JSON lines when asked for. */

/** A place to write to; tests pass their own. */
export interface Terminal {
  /** Results: paths, numbers, JSON lines. */
  out(text: string): void
  /** Progress and errors. */
  err(text: string): void
  /** Whether `err` is a terminal, so that a line may be redrawn. */
  readonly interactive: boolean
  /** Whether a progress line waits for its end on `err`. */
  lineOpen: boolean
  /** Whether text may carry colour: both streams are terminals, and NO_COLOR is not set. */
  readonly color: boolean
  /** Aborted by the first Ctrl-C; the verb finishes its step, saves and returns. */
  readonly signal: AbortSignal
  /** Puts a question on `err` and returns the line typed; absent where nobody sits. */
  ask?(question: string): Promise<string>
}

/** The process's own terminal. Installs the Ctrl-C handler: the first asks to stop, the second stops at once. */
export function processTerminal(): Terminal {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    controller.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  // Whoever read the output has gone (`| head`): the verb stops as after Ctrl-C, keeping what it keeps then.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error
      controller.abort()
    })
  const interactive = process.stderr.isTTY === true
  return {
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    interactive,
    lineOpen: false,
    color: interactive && process.stdout.isTTY === true && !process.env.NO_COLOR,
    signal: controller.signal,
    ...(interactive && process.stdin.isTTY && { ask: question => askPerson(question, controller.signal) }),
  }
}

async function askPerson(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question, { signal })
  } finally {
    lines.close()
  }
}

/** Exit code of a run that Ctrl-C ended: 128 + SIGINT. */
export const INTERRUPTED = 130

/** Ends a verb that was asked to stop; the message says what was kept and how to go on. */
export class Interrupted extends Error {
  override name = 'Interrupted'
}
