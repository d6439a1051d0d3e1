import { useId } from 'react'
import type { FaceDocument } from '../viewer/document.ts'
import { type Film, type FilmKeyframe, MOST_SECONDS } from '../viewer/film.ts'
import type { FilmDesk } from '../viewer/filmDesk.ts'
import { faceTrouble } from '../viewer/filmPath.ts'
import { IconButton } from './IconButton.tsx'
import { RemoveIcon } from './icons.tsx'
import { NumberField } from './NumberField.tsx'
import { shortSentence } from './Sentence.tsx'
import { Slider } from './Slider.tsx'

interface KeyframeFieldsProps {
  desk: FilmDesk
  film: Film
  document: FaceDocument
  keyframe: FilmKeyframe
}

/** Beyond 1 an edit is exaggerated. */
const MOST = 1.5

/** The keyframe that is selected: its time, face and camera. */
export function KeyframeFields({ desk, film, document, keyframe }: KeyframeFieldsProps) {
  const { id, time, face, pose } = keyframe
  const { keyframes } = film
  const chooser = useId()
  const number = keyframes.indexOf(keyframe) + 1
  const trouble = faceTrouble(keyframe, document)
  const gone = face?.kind === 'edit' && trouble !== undefined
  const chosen = !face ? 'between' : gone ? 'gone' : face.kind === 'edit' ? String(face.edit) : face.kind
  return (
    <fieldset className="film-fields">
      <legend className="sr-only">Keyframe {number}</legend>
      <p className="film-number">
        {number} of {keyframes.length}
      </p>
      <NumberField
        label="At"
        title={number === 1 ? 'The film begins here' : 'When'}
        unit="s"
        least={0}
        most={MOST_SECONDS}
        step={1 / film.fps}
        value={time}
        disabled={number === 1}
        onChange={value => desk.move(id, value)}
      />
      <div className="film-face">
        <label htmlFor={chooser}>Face</label>
        <select
          id={chooser}
          value={chosen}
          onChange={({ currentTarget: { value } }) =>
            desk.setFace(id, value === 'between' ? undefined : desk.faceOf(value === 'unedited' ? undefined : Number(value)))
          }
        >
          <option value="between">between its neighbours</option>
          <option value="unedited">unedited</option>
          {document.edits.map(({ id: edit, prompt }) => (
            <option key={edit} value={edit}>
              {shortSentence(prompt)}
            </option>
          ))}
          {face?.kind === 'absent' && (
            <option value="absent" disabled>
              {face.named.edit ?? 'of the file'} (not here)
            </option>
          )}
          {gone && (
            <option value="gone" disabled>
              removed
            </option>
          )}
        </select>
      </div>
      {face?.kind === 'edit' && !gone && (
        <Slider
          label="Strength"
          value={face.strength}
          most={MOST}
          onChange={strength => desk.setFace(id, { ...face, strength })}
          onSettle={() => desk.settle()}
        />
      )}
      {trouble && <p className="film-trouble">{trouble}</p>}
      <button
        type="button"
        onClick={() => desk.retake(id)}
        title={pose ? 'Its camera becomes the one you look through' : 'It has no camera of its own'}
      >
        Use this view
      </button>
      <IconButton label="Remove the keyframe" onClick={() => desk.remove(id)} title="Remove the keyframe (Delete)">
        <RemoveIcon />
      </IconButton>
    </fieldset>
  )
}
