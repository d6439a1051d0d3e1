import { useEffect, useRef } from 'react'
import { hasEdits, mixesAnchors } from '../viewer/looks.ts'
import { type Action, isTyping, shortcutOf } from '../viewer/shortcuts.ts'
import type { Studio } from '../viewer/studio.ts'
import { savePicture } from './exports.ts'

/** What keys do that the page itself answers. */
interface PageActions {
  help(): void
  open(): void
  prompt(): void
}

/** Nearer and farther by key. */
const STEP = 0.85

/** Keys for the whole page, but not while somebody types. */
export function useShortcuts(studio: Studio, page: PageActions): void {
  const latest = useRef(page)
  latest.current = page
  useEffect(() => {
    const run = (action: Action): void => {
      const state = studio.state()
      const { compare, grid, scene, showsCameras, showsFilm, truth } = state
      // as the buttons that are off where there is nothing to see
      const where = (there: boolean, act: () => void): void => (there ? act() : studio.tell('make or choose an edit first'))
      const actions: Readonly<Record<Action, () => void>> = {
        undo: () => studio.undo(),
        redo: () => studio.redo(),
        help: () => latest.current.help(),
        open: () => latest.current.open(),
        prompt: () => latest.current.prompt(),
        compare: () => where(hasEdits(state), () => studio.look({ compare: { on: !compare.on } })),
        grid: () => where(grid.on || hasEdits(state), () => studio.look({ grid: { on: !grid.on } })),
        truth: () => (scene?.hasTruth ? studio.look({ truth: { on: !truth.on } }) : studio.tell('no recorded pictures are open')),
        frusta: () => studio.setShowsCameras(!showsCameras),
        film: () => studio.setShowsFilm(!showsFilm),
        color: () => studio.setMode('color'),
        depth: () => studio.setMode('depth'),
        acr: () => where(mixesAnchors(state), () => studio.setMode('acr')),
        previousCamera: () => studio.jumpBy(-1),
        nextCamera: () => studio.jumpBy(1),
        firstCamera: () => studio.jumpBy(Number.NEGATIVE_INFINITY),
        lastCamera: () => studio.jumpBy(Number.POSITIVE_INFINITY),
        reset: () => studio.reset(),
        nearer: () => studio.mover.move(camera => camera.dolly(STEP)),
        farther: () => studio.mover.move(camera => camera.dolly(1 / STEP)),
        picture: () => void savePicture(studio),
      }
      actions[action]()
    }
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || document.querySelector('dialog[open]') || isTyping(event.target, event.key)) return
      const found = shortcutOf(event)
      if (!found) return
      const { does } = found
      if (typeof does === 'string') {
        if (!studio.state().scene && does !== 'help' && does !== 'open') return
        event.preventDefault()
        if (!event.repeat || does === 'nearer' || does === 'farther') run(does)
      } else if (studio.state().scene) {
        event.preventDefault()
        studio.mover.hold(event.key.toLowerCase(), does)
      }
    }
    const released = (event: KeyboardEvent): void => studio.mover.release(event.key.toLowerCase())
    const left = (): void => studio.mover.releaseAll()
    addEventListener('keydown', pressed)
    addEventListener('keyup', released)
    addEventListener('blur', left)
    return () => {
      removeEventListener('keydown', pressed)
      removeEventListener('keyup', released)
      removeEventListener('blur', left)
    }
  }, [studio])
}
