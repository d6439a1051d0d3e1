import { useId, useSyncExternalStore } from 'react'
import { RADII } from '../viewer/regionBrush.ts'
import type { Studio } from '../viewer/studio.ts'

/** The region that is painted, among the names of the regions. */
export const PAINTED = 'painted'

/** What the brush can be told. */
export function BrushTools({ studio }: { studio: Studio }) {
  const { brush } = studio
  const { on, erases, radius, painted, waiting, canUndo } = useSyncExternalStore(brush.subscribe, brush.state)
  const id = useId()
  const empty = painted.length === 0 && waiting.length === 0
  const turn = (wanted: boolean): void => {
    brush.setOn(wanted)
    if (wanted) studio.look({ grid: { on: false } })
  }
  return (
    <fieldset className="brush">
      <legend className="sr-only">Brush</legend>
      <div className="brush-row">
        <button type="button" aria-pressed={on} onClick={() => turn(!on)}>
          Brush
        </button>
        <div className="switch">
          {[false, true].map(each => (
            <label key={String(each)}>
              <input type="radio" name={id} checked={erases === each} disabled={!on} onChange={() => brush.setErases(each)} />
              <span>{each ? 'Erase' : 'Paint'}</span>
            </label>
          ))}
        </div>
      </div>
      <div className="slider">
        <label htmlFor={`${id}size`}>Size</label>
        <output htmlFor={`${id}size`}>{Math.round(200 * radius)} %</output>
        <input
          id={`${id}size`}
          type="range"
          min={Math.log(RADII.least)}
          max={Math.log(RADII.most)}
          step={0.05}
          value={Math.log(radius)}
          aria-valuetext={`${Math.round(200 * radius)} % of the picture`}
          onChange={event => brush.setRadius(Math.exp(event.currentTarget.valueAsNumber))}
          style={{ '--filled': `${(100 * Math.log(radius / RADII.least)) / Math.log(RADII.most / RADII.least)}%` } as React.CSSProperties}
        />
      </div>
      <div className="brush-row">
        <button type="button" disabled={!canUndo} onClick={() => brush.undo()}>
          Undo stroke
        </button>
        <button type="button" disabled={empty} onClick={() => brush.clear()}>
          Clear
        </button>
      </div>
      <p className="fine" role="status">
        {waiting.length > 0
          ? 'Finding it on the face …'
          : !on
            ? 'The brush is off; press it to see and to change what is painted.'
            : empty
              ? 'Paint on the face where it may change. Without a mouse or finger, choose a part by its name above.'
              : 'Painted. Turn the face with the arrow keys to paint on from another side.'}
      </p>
    </fieldset>
  )
}
