import { useRef } from 'react'
import type { EditEntry } from '../viewer/document.ts'
import { entryIn } from '../viewer/document.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { IconButton } from './IconButton.tsx'
import { CloseIcon } from './icons.tsx'
import { LineChart } from './LineChart.tsx'
import { Sentence } from './Sentence.tsx'
import { Slider } from './Slider.tsx'

/** Beyond 1 an edit is exaggerated. */
const MOST = 1.5

/** The edits of the scene, which of them is shown, and the sliders of that one. */
export function EditList({ studio, state }: { studio: Studio; state: StudioState }) {
  const { document } = state
  const shown = entryIn(document, document.shown)
  const list = useRef<HTMLFieldSetElement>(null)
  const remove = (id: number): void => {
    studio.remove(id)
    // its button goes with it: the focus goes on with the face that is shown then
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>('input:checked')?.focus())
  }
  return (
    <>
      <fieldset className="edits" ref={list}>
        <legend>Faces</legend>
        <div className="edit-row">
          <label>
            <input type="radio" name="edit" checked={!shown} onChange={() => studio.show(undefined)} />
            <span>unedited</span>
          </label>
        </div>
        {document.edits.map(({ id, prompt, note }) => (
          <div key={id} className="edit-row">
            <label>
              <input type="radio" name="edit" checked={shown?.id === id} onChange={() => studio.show(id)} />
              <span>
                <Sentence text={prompt} />
                {note && <small>{note}</small>}
              </span>
            </label>
            <IconButton small label={`Remove “${prompt}”`} onClick={() => remove(id)} title="Remove">
              <CloseIcon />
            </IconButton>
          </div>
        ))}
      </fieldset>
      {shown && <Sliders studio={studio} state={state} entry={shown} />}
    </>
  )
}

function Sliders({ studio, state: { faces }, entry }: { studio: Studio; state: StudioState; entry: EditEntry }) {
  const { id, strength, gains, anchors, losses } = entry
  return (
    <div className="sliders">
      <Slider label="Strength" value={strength} most={MOST} onChange={value => studio.setStrength(id, value)} onSettle={() => studio.settle()} />
      {anchors.length > 1 && (
        <details className="more" open>
          <summary>Expressions it mixes</summary>
          {anchors.map(
            (frame, k) =>
              // The first is neutral: at any strength the same.
              k > 0 && (
                <Slider
                  key={frame}
                  label={`Expression ${k}`}
                  hint={`of frame ${frame}`}
                  picture={faces[frame]}
                  value={gains[k]}
                  most={MOST}
                  onChange={value => studio.setGain(id, k, value)}
                  onSettle={() => studio.settle()}
                />
              ),
          )}
        </details>
      )}
      {losses.length > 1 && (
        <details className="more">
          <summary>Loss</summary>
          <LineChart values={losses} name="loss" />
        </details>
      )}
    </div>
  )
}
