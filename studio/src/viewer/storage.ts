/** The little that the studio remembers in this browser: agreement, sentences, colours. A full or forbidden storage costs the memory beyond this tab, nothing else. */

/** What could not be stored, kept as long as the page lives. */
const kept = new Map<string, string>()
let troubled: (() => void) | undefined

/** Calls back, once, when the browser refuses to store something. */
export function onStorageTrouble(heard: () => void): void {
  troubled = heard
}

export function readStored(key: string): string | undefined {
  if (kept.has(key)) return kept.get(key)
  try {
    return localStorage.getItem(key) ?? undefined
  } catch {
    return undefined
  }
}

/** Never throws: where the browser refuses, the value lasts as long as the page. */
export function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
    kept.delete(key)
  } catch {
    kept.set(key, value)
    troubled?.()
    troubled = undefined
  }
}
