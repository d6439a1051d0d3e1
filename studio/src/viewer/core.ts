/** What the parts of the studio share: its state, its worker, and one way to run a request and to say what went wrong. */
import type { Client, Pending } from './client.ts'
import type { Job, StudioState } from './state.ts'

export interface Core {
  state(): StudioState
  set(change: Partial<StudioState>): void
  /** Absent before the device was opened. */
  client(): Client | undefined
  /** Runs a request with its job on show. Undefined when it failed, which the state then says, or was cancelled. */
  run<T>(name: string, ask: (client: Client) => Pending<T>, describe?: (job: Job) => Job): Promise<T | undefined>
  /** Says what went wrong. */
  trouble(error: unknown): void
  /** The worker is told what to draw. */
  sendView(): void
}
