import { useEffect, useState } from 'react'
import type { FilmFormat, FilmFormats, FilmOptions } from '../protocol/film.ts'
import { duration } from '../viewer/duration.ts'
import { frameCount } from '../viewer/film.ts'
import type { FilmDesk } from '../viewer/filmDesk.ts'
import { faceTrouble } from '../viewer/filmPath.ts'
import type { StudioState } from '../viewer/studio.ts'
import { Dialog } from './Dialog.tsx'

interface FilmDialogProps {
  open: boolean
  desk: FilmDesk
  state: StudioState
  onClose(): void
  onRender(options: FilmOptions): void
}

const SIDES = [128, 256, 512, 720] as const
const CODECS: Readonly<Record<string, string>> = { avc: 'H.264', hevc: 'H.265', av1: 'AV1', vp9: 'VP9', vp8: 'VP8' }
const FORMATS = [
  { format: 'mp4', label: 'MP4', hint: 'plays everywhere' },
  { format: 'webm', label: 'WebM', hint: 'plays in browsers' },
  { format: 'png', label: 'PNG pictures', hint: 'in a zip, for a film editor' },
] as const

/** How large, and as what. */
export function FilmDialog({ open, desk, state, onClose, onRender }: FilmDialogProps) {
  return (
    <Dialog open={open} title="Render the film" onClose={onClose}>
      <Choices desk={desk} state={state} onClose={onClose} onRender={onRender} />
    </Dialog>
  )
}

function Choices({ desk, state: { device, stats, document }, onClose, onRender }: Omit<FilmDialogProps, 'open'>) {
  const { film } = desk
  const [side, setSide] = useState<number>(desk.options?.side ?? SIDES.find(each => each === film.side) ?? (device?.kind === 'gpu' ? 512 : 128))
  const [formats, setFormats] = useState<FilmFormats>()
  const [wanted, setWanted] = useState(desk.options?.format)
  useEffect(() => {
    let asked = true
    desk.formats(side).then(
      found => asked && setFormats(found),
      () => asked && setFormats({}),
    )
    return () => {
      asked = false
    }
  }, [desk, side])
  const codecOf = (format: FilmFormat): string | undefined => (format === 'png' ? 'png' : formats?.[format])
  const format = wanted && codecOf(wanted) ? wanted : (FORMATS.find(each => codecOf(each.format))?.format ?? 'png')
  const pictures = frameCount(film)
  const troubles = film.keyframes.filter(key => faceTrouble(key, document)).length
  return (
    <form
      className="film-choices"
      onSubmit={event => {
        event.preventDefault()
        onRender({ format, side, fps: film.fps })
      }}
    >
      <fieldset>
        <legend>Longer edge</legend>
        {SIDES.map(each => (
          <label key={each} className="check">
            <input type="radio" name="side" checked={side === each} onChange={() => setSide(each)} />
            <span>{each} px</span>
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>As</legend>
        {FORMATS.map(({ format: each, label, hint }) => {
          const codec = codecOf(each)
          return (
            <label key={each} className="check">
              <input type="radio" name="format" checked={format === each} disabled={!codec} onChange={() => setWanted(each)} />
              <span>
                {label}
                {codec && each !== 'png' && `, ${CODECS[codec] ?? codec}`}
                <small>{codec ? hint : formats ? 'this browser cannot encode it' : 'asking the browser …'}</small>
              </span>
            </label>
          )
        })}
      </fieldset>
      <p className="fine film-estimate">
        {pictures} pictures, {film.seconds.toFixed(1)} s at {film.fps} fps
        {stats && !stats.baked && `, ${about((pictures * side * side * stats.milliseconds) / (stats.width * stats.height) / 1000)} here`}.
      </p>
      {troubles > 0 && (
        <p className="film-trouble">
          {troubles === 1 ? 'One keyframe names a face that is not here: it' : `${troubles} keyframes name faces that are not here: they`} will be
          unedited.
        </p>
      )}
      <p className="fine">It says of itself that it is synthetic. Say so too where you show it.</p>
      <div className="dialog-actions">
        <button type="button" onClick={onClose}>
          Not now
        </button>
        <button type="submit" className="primary">
          Render
        </button>
      </div>
    </form>
  )
}

function about(seconds: number): string {
  if (seconds < 10) return 'some seconds'
  return `about ${duration(seconds < 90 ? Math.round(seconds / 10) * 10 : seconds)}`
}
