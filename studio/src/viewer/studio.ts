/** The studio without its looks: what is open, what is being done, and everything a person can do. The page shows its state; the worker does the work. */
import type { EditRequest, NamedBytes, Pose, SceneInfo, StartRequest, TruthPicture, View, ViewMode } from '../protocol/messages.ts'
import { anchorFaces } from './anchorFaces.ts'
import { CameraMover } from './cameraMover.ts'
import { Client, type Notice, type Pending, RequestFailed } from './client.ts'
import type { Core } from './core.ts'
import { EMPTY, entryIn, entryOf, type FaceDocument, faceOf, shownEdit, withChange, withEntry, withoutEntry } from './document.ts'
import type { Film } from './film.ts'
import { History } from './history.ts'
import { type LookChange, withLook } from './looks.ts'
import { readPrompts, withPrompt } from './prompts.ts'
import { Recovery } from './recovery.ts'
import { RegionBrush } from './regionBrush.ts'
import { type Job, jobAfter, NEWLY_OPENED, type Preview, START, type StudioState } from './state.ts'
import { Store } from './store.ts'
import { Trainer } from './trainer.ts'
import { frameAfter } from './truth.ts'
import { Unsaved } from './unsaved.ts'
import { viewOf } from './view.ts'

export type { StudioState } from './state.ts'

export class Studio extends Store<StudioState> {
  private history = new History<FaceDocument>(EMPTY)
  /** Asked directly it has no job on show. */
  client: Client | undefined
  private numbers = 0
  private pixels = 512
  private place: { readonly element: HTMLElement; readonly device: StartRequest['device'] } | undefined
  readonly mover: CameraMover
  /** Marks on the picture where an edit may act. */
  readonly brush = new RegionBrush({
    scene: () => this.current.scene,
    pose: () => this.mover.pose,
    points: stroke => this.client?.request('paint', { pose: this.mover.pose, face: this.view().face, stroke }).answer,
    say: problem => this.say(problem),
  })
  readonly trainer: Trainer
  readonly recovery: Recovery
  readonly unsaved = new Unsaved()

  constructor(private readonly makeWorker: () => Worker) {
    super({ ...START, prompts: readPrompts() })
    this.mover = new CameraMover(() => this.sendView())
    const core: Core = {
      state: this.state,
      set: change => this.set(change),
      client: () => this.client,
      run: (name, ask, describe) => this.run(name, ask, describe),
      trouble: error => this.trouble(error instanceof Error ? error.message : String(error), false),
      sendView: () => this.sendView(),
    }
    this.trainer = new Trainer(core)
    this.recovery = new Recovery(core, { restart: () => this.restart(), resume: () => this.trainer.resume() })
  }

  // --- the device and its canvas ---

  /** Puts a canvas into the element and opens the device. */
  async start(element: HTMLElement, device: StartRequest['device']): Promise<void> {
    this.place = { element, device }
    await this.restart()
  }

  /** Opens the device anew, e.g. after it was lost; the scene and its edits come back from the worker's memory. Whether that worked. */
  async restart(): Promise<boolean> {
    const { place } = this
    if (!place) return false
    this.client ??= new Client(this.makeWorker(), notice => this.notice(notice))
    const canvas = document.createElement('canvas')
    canvas.setAttribute('aria-hidden', 'true')
    place.element.replaceChildren(canvas)
    const offscreen = canvas.transferControlToOffscreen()
    const request: StartRequest = { canvas: offscreen, device: place.device, base: document.baseURI }
    const found = await this.run('opening the device', client => client.request('start', request, [offscreen]))
    if (!found) return false
    this.set({ device: found, problem: undefined })
    this.sendView()
    return true
  }

  /** Pixels along the longer edge of the picture on the screen. */
  setPixels(pixels: number): void {
    if (pixels === this.pixels || !(pixels > 0)) return
    this.pixels = pixels
    this.sendView()
  }

  // --- opening ---

  async openDemo(): Promise<void> {
    const scene = await this.run('opening the demo', client => client.request('demo', {}))
    if (!scene) return
    this.take(scene, true)
    // The first thing to see is what this is about: one face, before and after.
    this.look({ compare: { on: true } })
  }

  async openFiles(files: readonly NamedBytes[]): Promise<void> {
    if (!this.trainer.makesWay()) return
    const names = files.map(file => file.name).join(', ')
    const opened = await this.run(`opening ${names}`, client =>
      client.request(
        'open',
        { files },
        files.map(file => file.bytes.buffer),
      ),
    )
    if (!opened) return
    if ('capture' in opened) {
      this.unsaved.begin()
      void this.trainer.opened(opened.capture)
      return
    }
    const { scene } = opened
    const onlyEdits = scene.name === this.current.scene?.name && files.every(file => file.name.toLowerCase().endsWith('.edit'))
    if (onlyEdits) this.addEdits(scene)
    else this.take(scene, false)
  }

  private take(scene: SceneInfo, isDemo: boolean): void {
    this.unsaved.begin()
    const entries = scene.edits.map(({ id, ...info }) => entryOf(id, info))
    this.history = new History<FaceDocument>({ edits: entries, shown: entries[0]?.id })
    this.set({ ...NEWLY_OPENED, scene, isDemo, news: `${scene.name} is open` })
    this.showDocument()
    this.brush.reset()
    this.mover.take(scene)
    void this.fetchFaces()
  }

  /** Edits of files dropped on an open scene. */
  private addEdits(scene: SceneInfo): void {
    const known = new Set(this.current.document.edits.map(entry => entry.id))
    for (const { id, ...info } of scene.edits) if (!known.has(id) && id >= 1_000_000) this.change(withEntry(this.current.document, entryOf(id, info)))
    this.set({ news: 'edit opened' })
  }

  // --- editing ---

  async submit(prompt: string, options: Pick<EditRequest, 'steps' | 'seed' | 'quick' | 'region' | 'painted' | 'base'>): Promise<void> {
    const id = ++this.numbers
    this.set({ prompts: withPrompt(this.current.prompts, prompt) })
    const before = this.current.document
    let losses: readonly number[] = []
    const info = await this.run(
      `"${prompt}"`,
      client => client.request('edit', { id, prompt, ...options }),
      job => ({ ...job, edit: { id, prompt, losses: [] } }),
      () => (losses = this.current.job?.edit?.losses ?? []),
    )
    if (!info) {
      this.set({ document: this.history.current })
      this.sendView()
      return
    }
    this.change(withEntry(before === this.current.document ? before : this.history.current, entryOf(id, info, losses)))
    this.unsaved.made(id)
    this.set({ news: `"${prompt}" is done` })
    void this.fetchFaces()
  }

  cancel(): void {
    const { job } = this.current
    if (job) this.client?.cancel(job.id)
  }

  show(id: number | undefined): void {
    this.change({ ...this.current.document, shown: id })
  }

  remove(id: number): void {
    this.change(withoutEntry(this.current.document, id))
    this.set({ news: 'edit removed; undo brings it back' })
  }

  setStrength(id: number, strength: number): void {
    this.change(withChange(this.current.document, id, { strength }), `strength ${id}`)
  }

  setGain(id: number, anchor: number, gain: number): void {
    const gains = entryIn(this.current.document, id)?.gains.map((old, k) => (k === anchor ? gain : old))
    if (gains) this.change(withChange(this.current.document, id, { gains }), `gain ${id} ${anchor}`)
  }

  undo(): void {
    this.history.undo()
    this.showDocument()
    this.set({ news: 'undone' })
  }

  redo(): void {
    this.history.redo()
    this.showDocument()
    this.set({ news: 'done again' })
  }

  /** The end of a slider's drag: the next one is a step of its own. */
  settle(): void {
    this.history.settle()
  }

  changeFilm(film: Film, key?: string): void {
    this.change({ ...this.current.document, film }, key)
  }

  private change(next: FaceDocument, key?: string): void {
    // who changes the face looks at that one, not at the film's
    if (next.film === this.current.document.film) this.current = { ...this.current, preview: undefined }
    this.history.change(next, key)
    this.showDocument()
  }

  private showDocument(): void {
    const { current: shown, canUndo, canRedo } = this.history
    const { withEdit } = this.current.compare
    const compare = entryIn(shown, withEdit) ? this.current.compare : { ...this.current.compare, withEdit: undefined }
    this.set({ document: shown, canUndo, canRedo, compare })
    this.sendView()
  }

  // --- looking ---

  setMode(mode: ViewMode): void {
    this.set({ mode })
    this.sendView()
  }

  setAnchor(anchor: number | undefined): void {
    this.set({ anchor })
    this.sendView()
  }

  /** Before and after, faces side by side, the recorded picture: one of them at a time. */
  look(change: LookChange): void {
    this.set(withLook(this.current, change))
    if (change.grid?.on) this.brush.setOn(false)
    // The recorded picture is that of a camera, so there has to be one.
    if (change.truth?.on && !this.current.frame) this.jumpBy(1)
    this.sendView()
  }

  /** What the camera of a frame saw. */
  async truthPicture(frame: string): Promise<TruthPicture | undefined> {
    const found = await this.client?.request('truth', { frame }).answer
    this.sendView()
    return found
  }

  setShowsCameras(showsCameras: boolean): void {
    this.set({ showsCameras })
  }

  setShowsFilm(showsFilm: boolean): void {
    this.set({ showsFilm })
    if (!showsFilm) this.setPreview(undefined)
  }

  /** Looks at a moment of the film, or no longer. */
  setPreview(preview: Preview | undefined, pose?: Pose): void {
    this.set({ preview })
    if (pose) this.mover.place(pose)
    else this.sendView()
  }

  /** Goes to the camera of a frame. */
  jump(id: string): void {
    const frame = this.current.scene?.frames.find(f => f.id === id)
    if (!frame) return
    this.set({ frame: id })
    this.mover.jump(frame.pose)
    this.sendView()
  }

  /** Goes `by` cameras on, or to the first or last. */
  jumpBy(by: number): void {
    const { scene, frame } = this.current
    if (!scene) return
    this.jump(frameAfter(scene, frame, by).id)
  }

  reset(): void {
    this.mover.reset()
    this.set({ frame: undefined })
  }

  // --- keeping ---

  /** The view as a PNG. @param side px along the longer edge */
  picture(side: number): Promise<NamedBytes | undefined> {
    return this.run('drawing the picture', client => client.request('picture', { view: this.view(), side }))
  }

  async editFile(id: number): Promise<NamedBytes | undefined> {
    const entry = entryIn(this.current.document, id)
    return entry && (await this.run('writing the edit', client => client.request('saveEdit', shownEdit(entry))))
  }

  /** The surface of the face that is shown. */
  meshFile(format: 'glb' | 'ply'): Promise<NamedBytes | undefined> {
    const { document: shown } = this.current
    return this.run('making a mesh', client => client.request('mesh', { face: faceOf(shown, shown.shown), format }))
  }

  /** One page with the scene and all its edits, as strong as they are. */
  pageFile(): Promise<NamedBytes | undefined> {
    const edits = this.current.document.edits.map(shownEdit)
    return this.run('packing the page', client => client.request('page', { edits }))
  }

  sceneFile(): Promise<NamedBytes | undefined> {
    return this.run('writing the scene', client => client.request('saveScene', {}))
  }

  dismiss(): void {
    this.set({ problem: undefined })
  }

  note(note: string | undefined): void {
    this.set({ note })
  }

  say(problem: string, waits = false): void {
    this.set({ problem: { message: problem, lost: false, waits } })
  }

  tell(news: string): void {
    this.set({ news })
  }

  // --- the worker ---

  /** Runs a request with its job on show. Undefined when it failed, which the state then says, or was cancelled. */
  async run<T>(
    name: string,
    ask: (client: Client) => Pending<T>,
    describe: (job: Job) => Job = job => job,
    beforeEnd: () => void = () => undefined,
  ): Promise<T | undefined> {
    const { client } = this
    if (!client) return undefined
    const { id, answer } = ask(client)
    // A training stays on show while a picture or a file is made between its steps.
    if (!this.current.job?.training) this.set({ job: describe({ id, name, text: name }), problem: undefined })
    try {
      return await answer
    } catch (error) {
      if (error instanceof RequestFailed && error.cancelled) this.set({ news: 'cancelled' })
      else this.trouble(error instanceof Error ? error.message : String(error), false)
      return undefined
    } finally {
      beforeEnd()
      const { job, problem } = this.current
      if (job?.id === id) this.set({ job: undefined, problem: problem?.waits ? undefined : problem })
    }
  }

  private notice(notice: Notice): void {
    const { job } = this.current
    if (notice.kind === 'frame') this.set({ stats: notice.stats })
    else if (notice.kind === 'begun') {
      this.take(notice.scene, false)
      this.unsaved.trained()
    } else if (notice.kind === 'training') this.trainer.progressed(notice.progress)
    else if (notice.kind === 'trouble') this.trouble(notice.message, notice.lost)
    else if (job) {
      this.set({ job: jobAfter(job, notice) })
      // what is being formed is looked at from its first report on
      if (notice.kind === 'editing' && !job.edit?.progress) this.sendView()
    }
  }

  private trouble(message: string, lost: boolean): void {
    if (lost || /device .* was lost/.test(message)) this.recovery.lost()
    else this.set({ problem: { message, lost: false } })
  }

  private async fetchFaces(): Promise<void> {
    const faces = this.client && (await anchorFaces(this.client, this.current))
    if (faces) this.set({ faces })
  }

  private view(): View {
    return viewOf(this.current, this.mover, this.pixels)
  }

  private sendView(): void {
    if (this.current.scene) this.client?.show(this.view())
  }
}
