/** Sentences typed before, kept in this browser. */
const KEY = 'faceclipnerf.prompts'
const MOST = 20

export function readPrompts(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.filter(p => typeof p === 'string') : []
  } catch {
    return []
  }
}

/** The sentences with a new one in front, which are kept from now on. */
export function withPrompt(prompts: readonly string[], prompt: string): readonly string[] {
  const next = [prompt, ...prompts.filter(p => p !== prompt)].slice(0, MOST)
  try {
    localStorage.setItem(KEY, JSON.stringify(next))
  } catch {
    // A full or forbidden storage costs the memory of sentences, nothing else.
  }
  return next
}
