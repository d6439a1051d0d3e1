import { useEffect, useRef } from 'react'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { canSave, EXPORTS, save } from './exports.ts'
import { SaveIcon } from './icons.tsx'

/** Everything that can be taken out. */
export function SaveMenu({ studio, state }: { studio: Studio; state: StudioState }) {
  const menu = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    const close = (event: Event): void => {
      const { current } = menu
      if (!current?.open || (event instanceof KeyboardEvent ? event.key !== 'Escape' : current.contains(event.target as Node))) return
      current.open = false
      if (event instanceof KeyboardEvent) current.querySelector('summary')?.focus()
    }
    addEventListener('pointerdown', close)
    addEventListener('keydown', close)
    return () => {
      removeEventListener('pointerdown', close)
      removeEventListener('keydown', close)
    }
  }, [])
  return (
    <details className="menu" ref={menu}>
      <summary title="Save the picture, the edit or the scene">
        <SaveIcon />
        <span className="label">Save</span>
      </summary>
      <div className="menu-body">
        <ul className="saves" aria-label="Save">
          {EXPORTS.map(row => {
            const missing = row.missing(state)
            return (
              <li key={row.id}>
                <button
                  type="button"
                  disabled={missing !== undefined || !canSave(state)}
                  onClick={() => {
                    if (menu.current) menu.current.open = false
                    void save(studio, row)
                  }}
                >
                  {row.label}
                </button>
                <span className="save-hint">{missing ?? row.hint}</span>
              </li>
            )
          })}
        </ul>
        <p className="fine">Edited pictures are synthetic: say so where you show them.</p>
      </div>
    </details>
  )
}
