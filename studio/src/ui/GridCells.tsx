import { type RefObject, useEffect } from 'react'
import { type Cell, cellAt } from '../viewer/grid.ts'
import type { Studio } from '../viewer/studio.ts'

interface GridCellsProps {
  studio: Studio
  cells: readonly Cell[]
  columns: number
  /** Number of the chosen edit; none is the unedited face. */
  shown: number | undefined
  /** The picture that they lie over. */
  picture: RefObject<HTMLElement | null>
}

/** px that a hand moves in a click. */
const STILL = 5

/** Names of the faces side by side; a click on a face or its name chooses it. */
export function GridCells({ studio, cells, columns, shown, picture }: GridCellsProps) {
  const rows = Math.ceil(cells.length / columns)
  const left = rows * columns - cells.length
  useEffect(() => {
    const element = picture.current
    if (!element) return
    const ended = new AbortController()
    let pressed: { x: number; y: number } | undefined
    element.addEventListener(
      'pointerdown',
      ({ isPrimary, button, clientX, clientY }) => {
        pressed = isPrimary && button === 0 ? { x: clientX, y: clientY } : undefined
      },
      ended,
    )
    element.addEventListener(
      'pointerup',
      ({ clientX, clientY }) => {
        const still = pressed && Math.hypot(clientX - pressed.x, clientY - pressed.y) < STILL
        pressed = undefined
        const { left, top, width, height } = element.getBoundingClientRect()
        const at = cellAt([(clientX - left) / width, (clientY - top) / height], cells.length, columns)
        if (still && at !== undefined && !cells[at].forming) studio.show(cells[at].id)
      },
      ended,
    )
    return () => ended.abort()
  }, [studio, cells, columns, picture])
  return (
    <fieldset className="cells" style={{ gridTemplate: `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)` }}>
      <legend className="sr-only">Faces side by side</legend>
      {cells.map(({ id, label, forming }) => (
        <div key={id ?? 'unedited'} className="cell" data-shown={!forming && id === shown}>
          <button
            type="button"
            className="cell-name"
            aria-pressed={!forming && id === shown}
            disabled={forming}
            onClick={() => studio.show(id)}
            title={label}
          >
            {label}
          </button>
          {forming && <span className="chip chip-live">forming</span>}
        </div>
      ))}
      {left > 0 && <div className="cell cell-empty" style={{ gridColumn: `span ${left}` }} />}
    </fieldset>
  )
}
