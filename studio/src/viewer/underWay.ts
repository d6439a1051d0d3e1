import type { Job } from './state.ts'

/** What other work has to wait for, and how to end it; undefined where nothing long is under way. */
export function underWay(job: Job | undefined): string | undefined {
  if (job?.training) return 'A training is under way: stop it first (what it has learnt stays)'
  if (job?.edit) return 'An edit is under way: wait until it is done, or cancel it'
  if (job?.film) return 'A film is being rendered: wait until it is done, or cancel it'
  return undefined
}
