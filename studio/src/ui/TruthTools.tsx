import { useId } from 'react'
import type { Studio, StudioState } from '../viewer/studio.ts'

const WAYS = [
  ['blend', 'Blend'],
  ['difference', 'Difference'],
] as const

/** The capture's own picture beside what is drawn: whether, how, and how strongly. */
export function TruthTools({ studio, state: { scene, truth, frame } }: { studio: Studio; state: StudioState }) {
  const id = useId()
  if (!scene) return null
  if (!scene.hasTruth)
    return <p className="fine">The recorded pictures are not open: to lay them over, open the .scene together with the zip of its capture.</p>
  const { on, show, share, recorded } = truth
  return (
    <fieldset className="truth-tools">
      <legend className="sr-only">Recorded picture</legend>
      <label className="check">
        <input type="checkbox" checked={on} onChange={event => studio.look({ truth: { on: event.currentTarget.checked } })} />
        <span>Recorded picture{on && frame ? ` of ${frame}` : ''} over the face (H)</span>
      </label>
      {on && (
        <>
          <div className="truth-row">
            <div className="switch">
              {WAYS.map(([way, label]) => (
                <label key={way}>
                  <input type="radio" name={id} checked={show === way} onChange={() => studio.look({ truth: { show: way } })} />
                  <span>{label}</span>
                </label>
              ))}
            </div>
            {frame && (
              <button type="button" onClick={() => studio.jump(frame)}>
                Back to its camera
              </button>
            )}
          </div>
          <div className="slider">
            <label htmlFor={`${id}share`}>Recorded</label>
            <output htmlFor={`${id}share`}>{Math.round(100 * share)} %</output>
            <input
              id={`${id}share`}
              type="range"
              min={0}
              max={1}
              step={0.01}
              value={share}
              disabled={show === 'difference'}
              aria-valuetext={`${Math.round(100 * share)} % recorded`}
              onChange={event => studio.look({ truth: { share: event.currentTarget.valueAsNumber } })}
              style={{ '--filled': `${100 * share}%` } as React.CSSProperties}
            />
          </div>
          <label className="check">
            <input type="checkbox" checked={recorded} onChange={event => studio.look({ truth: { recorded: event.currentTarget.checked } })} />
            <span>Draw the expression of that frame</span>
          </label>
          <p className="fine">
            {show === 'difference' ? 'Differences are three times as bright. Hold V to see the recording.' : 'Hold V to flip between the two.'}
          </p>
        </>
      )}
    </fieldset>
  )
}
