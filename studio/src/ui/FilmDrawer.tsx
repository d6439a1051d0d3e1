import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { FilmOptions, FilmProgress } from '../protocol/film.ts'
import { duration } from '../viewer/duration.ts'
import { keyframeIn, MOST_FPS, MOST_SECONDS } from '../viewer/film.ts'
import { FilmDesk } from '../viewer/filmDesk.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { FilmDialog } from './FilmDialog.tsx'
import { FilmTimeline } from './FilmTimeline.tsx'
import './film.css'
import { download, readFiles } from './files.ts'
import { IconButton } from './IconButton.tsx'
import { CloseIcon, OpenIcon, PauseIcon, PlayIcon, SaveIcon } from './icons.tsx'
import { KeyframeFields } from './KeyframeFields.tsx'
import { NumberField } from './NumberField.tsx'
import { useFilmKeys } from './useFilmKeys.ts'

/** Keyframes, a timeline, and what is made of them. */
export default function FilmDrawer({ studio, state }: { studio: Studio; state: StudioState }) {
  const [desk] = useState(() => new FilmDesk(studio))
  const { time, selected, playing, note } = useSyncExternalStore(desk.subscribe, desk.state)
  const [asks, setAsks] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const drawer = useRef<HTMLElement>(null)
  useEffect(() => desk.follow(), [desk])
  useFilmKeys(desk)
  const { film } = desk
  const { job } = state
  const busy = job !== undefined
  const few = film.keyframes.length < 2
  const key = keyframeIn(film, selected)

  const savePath = async (): Promise<void> => {
    const file = await desk.save()
    if (file) download(file)
  }
  const render = async (options: FilmOptions): Promise<void> => {
    setAsks(false)
    const file = await desk.render(options)
    if (!file) return
    download(file)
    studio.tell(`saved ${file.name}`)
  }
  const cancel = (): void => {
    studio.cancel()
    // the button goes: the focus stays near it
    drawer.current?.focus({ preventScroll: true })
  }

  return (
    <section className="film" aria-label="Film" ref={drawer} tabIndex={-1}>
      <div className="film-bar">
        <IconButton
          label={playing ? 'Pause' : 'Play'}
          disabled={few}
          onClick={() => desk.toggle()}
          title={few ? 'Two keyframes make a film' : `${playing ? 'Pause' : 'Play'} (P)`}
        >
          {playing ? <PauseIcon /> : <PlayIcon />}
        </IconButton>
        <p className="film-time">
          {time.toFixed(2)} <span>of {film.seconds.toFixed(2)} s</span>
        </p>
        <button type="button" className="primary" onClick={() => desk.add()} title="This camera and this face (K)">
          Add keyframe
        </button>
        <NumberField
          label="Length"
          unit="s"
          least={0.1}
          most={MOST_SECONDS}
          step={0.1}
          value={film.seconds}
          onChange={value => desk.setSeconds(value)}
        />
        <NumberField
          label="fps"
          title="Pictures a second"
          least={1}
          most={MOST_FPS}
          step={1}
          value={film.fps}
          onChange={value => desk.setFps(value)}
        />
        <label className="film-loop">
          <input type="checkbox" checked={film.closed} onChange={event => desk.setLoop(event.currentTarget.checked)} />
          Loop
        </label>
        <div className="film-files">
          <IconButton
            label="Open a camera path"
            disabled={busy}
            onClick={() => picker.current?.click()}
            title="Open a camera path: camera_path.json of nerfstudio or of this studio"
          >
            <OpenIcon />
          </IconButton>
          <IconButton
            label="Save the camera path"
            disabled={busy || film.keyframes.length === 0}
            onClick={() => void savePath()}
            title="Save as camera_path.json, which nerfstudio and faceclipnerf render open"
          >
            <SaveIcon />
          </IconButton>
          <button
            type="button"
            disabled={busy || few}
            onClick={() => setAsks(true)}
            title={few ? 'Two keyframes make a film' : 'MP4, WebM or pictures'}
          >
            Render…
          </button>
          <IconButton label="Close the film" onClick={() => studio.setShowsFilm(false)} title="Close the film (T)">
            <CloseIcon />
          </IconButton>
        </div>
      </div>
      <FilmTimeline desk={desk} film={film} document={state.document} time={time} selected={selected} />
      {job?.film ? (
        <Rendering progress={job.film} onCancel={cancel} />
      ) : note ? (
        <p className="film-note">{note}</p>
      ) : key ? (
        <KeyframeFields desk={desk} film={film} document={state.document} keyframe={key} />
      ) : (
        <p className="film-hint">{hintFor(film.keyframes.length)}</p>
      )}
      <input
        ref={picker}
        type="file"
        hidden
        aria-label="Camera path to open"
        accept=".json,application/json"
        onChange={async ({ currentTarget }) => {
          const [file] = await readFiles(currentTarget.files ?? [])
          currentTarget.value = ''
          if (file) void desk.open(file)
        }}
      />
      <FilmDialog open={asks} desk={desk} state={state} onClose={() => setAsks(false)} onRender={options => void render(options)} />
    </section>
  )
}

function hintFor(keyframes: number): string {
  if (keyframes === 0)
    return 'Turn the face to where the film begins, choose how it looks, and add a keyframe. Then the next: the film passes from one to the other.'
  if (keyframes === 1) return 'One keyframe stands still. Turn the face, or choose another, and add a second.'
  return 'Click a keyframe to change it, drag it to another time.'
}

function Rendering({ progress: { frame, frames, eta }, onCancel }: { progress: FilmProgress; onCancel(): void }) {
  return (
    <div className="film-rendering">
      <progress value={frame / frames} aria-label="Progress of the film" />
      <p className="film-hint">{frame === 0 ? `getting ready for ${frames} pictures …` : `picture ${frame} of ${frames} · ${duration(eta)} left`}</p>
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </div>
  )
}
