import { type KeyboardEvent, type PointerEvent, useRef } from 'react'
import { entryIn, type FaceDocument } from '../viewer/document.ts'
import type { Film, FilmKeyframe } from '../viewer/film.ts'
import type { FilmDesk } from '../viewer/filmDesk.ts'
import { faceTrouble } from '../viewer/filmPath.ts'

interface FilmTimelineProps {
  desk: FilmDesk
  film: Film
  document: FaceDocument
  time: number
  selected?: number | undefined
}

/** Seconds between marks: as few as are still read. */
const MARKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120] as const
const MOST_MARKS = 12
/** px that a keyframe must be pulled before it moves. */
const PULL = 4

/** Keyframes at their times over a slider. */
export function FilmTimeline({ desk, film, document, time, selected }: FilmTimelineProps) {
  const track = useRef<HTMLDivElement>(null)
  const scrub = useRef<HTMLInputElement>(null)
  const drag = useRef<{ readonly id: number; readonly x: number; moves: boolean }>(undefined)
  const { keyframes, seconds, fps, closed } = film
  const share = (at: number): string => `${(100 * at) / seconds}%`
  const mark = MARKS.find(step => seconds / step <= MOST_MARKS) ?? 120
  const marks = Array.from({ length: Math.ceil((0.97 * seconds) / mark) }, (_, i) => i * mark)

  const pulled = ({ clientX }: PointerEvent): void => {
    const { current } = drag
    const box = track.current?.getBoundingClientRect()
    if (!current || !box) return
    current.moves ||= Math.abs(clientX - current.x) > PULL
    const end = closed ? seconds - 1 / fps : seconds
    if (current.moves) desk.move(current.id, Math.min(end, ((clientX - box.left) / box.width) * seconds))
  }
  const released = (): void => {
    drag.current = undefined
    desk.settle()
  }
  const pressed = (event: KeyboardEvent, key: FilmKeyframe): void => {
    const pictures = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (pictures !== undefined) desk.move(key.id, key.time + ((event.shiftKey ? 10 : 1) * pictures) / fps)
    else if (event.key === 'Delete' || event.key === 'Backspace') {
      desk.remove(key.id)
      scrub.current?.focus()
    } else return
    event.preventDefault()
  }

  return (
    <div className="film-timeline">
      <div className="film-track" ref={track}>
        <div className="film-marks" aria-hidden="true">
          {marks.map(at => (
            <span key={at} style={{ left: share(at) }}>
              {mark < 1 ? at.toFixed(1) : at}
            </span>
          ))}
        </div>
        {keyframes.length > 0 && <div className="film-head" style={{ left: share(time) }} />}
        {keyframes.map((key, i) => {
          const name = faceName(key, document)
          return (
            <button
              key={key.id}
              type="button"
              className="film-key"
              style={{ left: share(key.time) }}
              aria-pressed={key.id === selected}
              data-trouble={faceTrouble(key, document) !== undefined}
              title={`${key.time.toFixed(2)} s: ${name}`}
              onClick={() => desk.select(key.id)}
              onPointerDown={event => {
                event.currentTarget.setPointerCapture(event.pointerId)
                drag.current = { id: key.id, x: event.clientX, moves: false }
                desk.pause()
              }}
              onPointerMove={pulled}
              onPointerUp={released}
              onPointerCancel={released}
              onKeyDown={event => pressed(event, key)}
              onKeyUp={() => desk.settle()}
            >
              <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d="m8 1.5 6.5 6.5L8 14.5 1.5 8z" />
              </svg>
              <span className="sr-only">
                Keyframe {i + 1}, {key.time.toFixed(2)} s, {name}
              </span>
            </button>
          )
        })}
      </div>
      <div className="slider">
        <input
          ref={scrub}
          type="range"
          aria-label="Time in the film"
          aria-valuetext={`${time.toFixed(2)} of ${seconds.toFixed(2)} seconds`}
          disabled={keyframes.length === 0}
          min={0}
          max={seconds}
          step={1 / fps}
          value={time}
          onChange={event => {
            desk.pause()
            desk.seek(event.currentTarget.valueAsNumber)
          }}
          style={{ '--filled': share(time) } as React.CSSProperties}
        />
      </div>
    </div>
  )
}

function faceName({ face }: FilmKeyframe, document: FaceDocument): string {
  if (!face) return 'the face between its neighbours'
  if (face.kind === 'unedited') return 'unedited'
  if (face.kind === 'absent') return face.named.edit ?? 'a face that is not here'
  return entryIn(document, face.edit)?.prompt ?? 'a removed edit'
}
