/** Where a film is made: what is selected, where the playhead stands, playing, and everything a person can do to keyframes. */
import type { FilmFormats, FilmOptions } from '../protocol/film.ts'
import type { NamedBytes } from '../protocol/messages.ts'
import { entryIn, type FaceDocument } from './document.ts'
import {
  type Film,
  type FilmFace,
  keyframeAt,
  keyframeIn,
  NO_FILM,
  withContent,
  withFps,
  withKeyframe,
  withLoop,
  withoutKeyframe,
  withSeconds,
  withTime,
} from './film.ts'
import { contentOf, faceNow, filmFrames, filmOf, filmPoses, shownFace } from './filmPath.ts'
import { Store } from './store.ts'
import type { Studio } from './studio.ts'

export interface DeskState {
  /** Seconds. */
  readonly time: number
  readonly selected?: number | undefined
  readonly playing: boolean
  /** What a person should know of the file that was opened. */
  readonly note?: string | undefined
}

export class FilmDesk extends Store<DeskState> {
  private document: FaceDocument
  private last = 0
  /** Of the film rendered last. */
  options: Pick<FilmOptions, 'side' | 'format'> | undefined

  constructor(private readonly studio: Studio) {
    super({ time: 0, playing: false })
    this.document = studio.state().document
  }

  get film(): Film {
    return this.studio.state().document.film ?? NO_FILM
  }

  /** Keeps in step with what else is done in the studio, undo above all. Returns what ends it. */
  follow(): () => void {
    const end = this.studio.subscribe(() => {
      const { document, preview } = this.studio.state()
      if (this.current.playing && !preview) this.pause()
      if (document === this.document) return
      this.document = document
      const { film } = this
      if (this.current.time > film.seconds) this.set({ time: film.seconds })
      if (preview) this.look()
    })
    return () => {
      end()
      this.pause()
    }
  }

  // --- looking ---

  /** Shows the film at a time. */
  seek(time: number): void {
    const { film } = this
    this.set({ time: Math.min(film.seconds, Math.max(0, time)), selected: keyframeAt(film, time)?.id, note: undefined })
    this.look()
  }

  /** Goes so many pictures on. */
  step(pictures: number): void {
    const { fps } = this.film
    this.pause()
    this.seek((Math.round(this.current.time * fps) + pictures) / fps)
  }

  select(id: number): void {
    const key = keyframeIn(this.film, id)
    if (!key) return
    this.seek(key.time)
    this.set({ selected: id })
  }

  private look(): void {
    const { scene, document } = this.studio.state()
    const { film } = this
    if (!scene || film.keyframes.length === 0) {
      this.studio.setPreview(undefined)
      return
    }
    const { time, playing } = this.current
    const [pose] = filmPoses(film, [time], scene)
    this.studio.setPreview({ face: shownFace(faceNow(film, time, document)), time, moving: playing }, pose)
  }

  toggle(): void {
    if (this.current.playing) this.pause()
    else this.play()
  }

  private play(): void {
    const { film } = this
    if (film.keyframes.length < 2) return
    const { time } = this.current
    this.set({ playing: true, time: time >= film.seconds - 0.5 / film.fps ? 0 : time, selected: undefined })
    this.last = performance.now()
    requestAnimationFrame(this.tick)
  }

  pause(): void {
    if (!this.current.playing) return
    this.set({ playing: false, selected: keyframeAt(this.film, this.current.time)?.id })
    const { preview } = this.studio.state()
    if (preview) this.studio.setPreview({ ...preview, moving: false })
  }

  private readonly tick = (now: number): void => {
    if (!this.current.playing) return
    const { seconds, closed } = this.film
    const time = this.current.time + Math.max(0, now - this.last) / 1000
    this.last = now
    this.set({ time: closed ? time % seconds : Math.min(seconds, time) })
    this.look()
    if (!closed && time >= seconds) this.pause()
    else requestAnimationFrame(this.tick)
  }

  // --- keyframes ---

  /** Adds what is looked at: the camera, and the face unless it is on its way from one edit to another. */
  add(): void {
    const { document, preview } = this.studio.state()
    this.pause()
    const now = preview && faceNow(this.film, this.current.time, document)
    const face = now ? ('face' in now ? now.face : undefined) : this.faceOf(document.shown)
    const { film, id } = withKeyframe(this.film, { pose: this.studio.mover.pose, face }, this.current.time)
    this.change(film)
    this.select(id)
    this.studio.tell(`keyframe ${film.keyframes.findIndex(key => key.id === id) + 1} added`)
  }

  /** An edit as strong as it is now; the unedited face for none. */
  faceOf(id: number | undefined): FilmFace {
    const entry = entryIn(this.studio.state().document, id)
    return entry ? { kind: 'edit', edit: entry.id, strength: entry.strength, gains: entry.gains } : { kind: 'unedited' }
  }

  remove(id: number): void {
    this.change(withoutKeyframe(this.film, id))
    this.set({ selected: undefined })
    this.studio.tell('keyframe removed; undo brings it back')
  }

  setFace(id: number, face: FilmFace | undefined): void {
    this.change(withContent(this.film, id, { face }), face?.kind === 'edit' ? `film face ${id} ${face.edit}` : undefined)
  }

  /** The keyframe's camera becomes the one that is looked through. */
  retake(id: number): void {
    this.change(withContent(this.film, id, { pose: this.studio.mover.pose }))
    this.studio.tell('the keyframe has this view now')
  }

  move(id: number, time: number): void {
    const next = withTime(this.film, id, time)
    this.change(next, `film time ${id}`)
    const at = keyframeIn(next, id)?.time
    if (at !== undefined) this.set({ time: at, selected: id })
    this.look()
  }

  setSeconds(seconds: number): void {
    const { film } = this
    const next = withSeconds(film, seconds)
    this.set({ time: (this.current.time / film.seconds) * next.seconds })
    this.change(next)
  }

  setFps(fps: number): void {
    this.change(withFps(this.film, fps))
  }

  setLoop(closed: boolean): void {
    this.change(withLoop(this.film, closed))
  }

  settle(): void {
    this.studio.settle()
  }

  private change(film: Film, key?: string): void {
    if (film !== this.film) this.studio.changeFilm(film, key)
  }

  // --- files and films ---

  /** Opens a camera path in place of the film. */
  async open(file: NamedBytes): Promise<void> {
    const opened = await this.studio.run(`opening ${file.name}`, client => client.request('openPath', { file }))
    if (!opened) return
    this.change(filmOf(opened.path, this.studio.state().document))
    this.seek(0)
    this.set({ note: opened.note })
    this.studio.tell(`${file.name} is open. ${opened.note ?? ''}`)
  }

  save(): Promise<NamedBytes | undefined> {
    const path = contentOf(this.film, this.studio.state().document)
    return this.studio.run('writing the camera path', client => client.request('savePath', { path }))
  }

  /** What this browser can encode. */
  async formats(side: number): Promise<FilmFormats> {
    return (await this.studio.client?.request('filmFormats', { side }).answer) ?? {}
  }

  /** The film's bytes; undefined when it was cancelled or failed, which the studio then says. */
  render(options: FilmOptions): Promise<NamedBytes | undefined> | undefined {
    const { scene, document } = this.studio.state()
    if (!scene) return undefined
    this.pause()
    this.options = options
    const frames = filmFrames(this.film, scene, document)
    return this.studio.run(
      'rendering the film',
      client => client.request('film', { ...options, frames }),
      job => ({ ...job, film: { frame: 0, frames: frames.length, eta: Number.NaN } }),
    )
  }
}
