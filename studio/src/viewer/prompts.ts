/** Sentences typed before, kept in this browser. */
import { readStored, store } from './storage.ts'

const KEY = 'faceclipnerf.prompts'
const MOST = 20

export function readPrompts(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(readStored(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.filter(p => typeof p === 'string') : []
  } catch {
    return []
  }
}

/** The sentences with a new one in front, which are kept from now on. */
export function withPrompt(prompts: readonly string[], prompt: string): readonly string[] {
  const next = [prompt, ...prompts.filter(p => p !== prompt)].slice(0, MOST)
  store(KEY, JSON.stringify(next))
  return next
}
