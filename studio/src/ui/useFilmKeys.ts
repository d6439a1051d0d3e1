import { useEffect } from 'react'
import type { FilmDesk } from '../viewer/filmDesk.ts'
import { type FilmAction, filmActionOf } from '../viewer/filmKeys.ts'
import { isTyping } from '../viewer/shortcuts.ts'

/** Keys of the film, while it is open and nobody types. */
export function useFilmKeys(desk: FilmDesk): void {
  useEffect(() => {
    const actions: Readonly<Record<FilmAction, () => void>> = {
      play: () => desk.toggle(),
      add: () => desk.add(),
      back: () => desk.step(-1),
      on: () => desk.step(1),
    }
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      if (document.querySelector('dialog[open]') || isTyping(event.target, event.key)) return
      const action = filmActionOf(event.key)
      if (!action || (event.repeat && (action === 'play' || action === 'add'))) return
      event.preventDefault()
      actions[action]()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [desk])
}
