import type { Terminal } from '../../cli/terminal.ts'

/** A terminal that remembers, and a Ctrl-C to press. */
export function fakeTerminal({ interactive = false, color = false } = {}): Terminal & { stdout: string; stderr: string; interrupt(): void } {
  const controller = new AbortController()
  return {
    stdout: '',
    stderr: '',
    interactive,
    lineOpen: false,
    color,
    signal: controller.signal,
    out(text) {
      this.stdout += text
    },
    err(text) {
      this.stderr += text
    },
    interrupt: () => controller.abort(),
  }
}
