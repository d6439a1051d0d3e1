/** Keys of the film while it is open, and what the sheet says of them. */
export type FilmAction = 'play' | 'add' | 'back' | 'on'

interface FilmKey {
  /** `KeyboardEvent.key`. */
  readonly keys: readonly string[]
  readonly does: readonly FilmAction[]
  readonly label: string
  readonly text: string
}

export const FILM_KEYS: readonly FilmKey[] = [
  { keys: ['p'], does: ['play'], label: 'P', text: 'play, pause' },
  { keys: ['k'], does: ['add'], label: 'K', text: 'add a keyframe' },
  { keys: [',', '.'], does: ['back', 'on'], label: ', .', text: 'a picture back, on' },
]

/** What a key without Ctrl, Alt or the command key does. */
export function filmActionOf(key: string): FilmAction | undefined {
  const pressed = key.toLowerCase()
  for (const { keys, does } of FILM_KEYS) if (keys.includes(pressed)) return does[keys.indexOf(pressed)]
  return undefined
}
