/** What the worker does for each request: the one place where the page's words become calls of the library. */
import {
  AnchorCompositor,
  type Device,
  edit,
  editViews,
  fileMap,
  openDevice,
  openScreen,
  REGION_NAMES,
  renderCodes,
  type Screen,
  saveScene,
  textGuidance,
  wordsRead,
} from 'faceclipnerf'
import { Cancelled } from '../protocol/commandQueue.ts'
import { fileName } from '../protocol/fileName.ts'
import type {
  DeviceInfo,
  EditInfo,
  EditRequest,
  FromWorker,
  NamedBytes,
  Requests,
  SceneInfo,
  StartRequest,
  Thumbnail,
  TrainRequest,
  View,
} from '../protocol/messages.ts'
import type { Breaks } from './breaks.ts'
import { sceneInfo } from './cameras.ts'
import { secondsPerStep } from './estimate.ts'
import { filmHandlers } from './film.ts'
import { colorPixels } from './heatMap.ts'
import { type OpenedCapture, openCapture } from './openedCapture.ts'
import { viewPng } from './pictures.ts'
import { paintedPoints, regionOf } from './regions.ts'
import { noteOf, Session, withGains } from './session.ts'
import { type SortedFiles, sortFiles } from './sortFiles.ts'
import { meshFile, pageFile } from './takeOut.ts'
import { Training } from './training.ts'
import { checkTruth, hasTruth, truthPicture } from './truth.ts'
import { Viewport } from './viewport.ts'

/** What lies beside the page. */
const ASSETS = { encoder: 'assets/encoder', viewer: 'assets/viewer.js', demo: 'assets/demo/ada.zip' }
const REPORT_EVERY = 5
/** Views of a quick edit: the expression can still be read in them. */
const QUICK = { count: 4, height: 32 }
/** Numbers of edits that came from files; the page counts its own from 1. */
const FILE_EDITS = 1_000_000

interface Task {
  readonly signal: AbortSignal
  say(text: string): void
}

type Handlers = { readonly [N in keyof Requests]: (body: Requests[N]['request'], task: Task) => Promise<Requests[N]['answer']> }

export class Engine {
  private started: StartRequest | undefined
  private device: Device | undefined
  private screen: Screen | undefined
  private session: Session | undefined
  private viewport: Viewport | undefined
  private lastView: View | undefined
  private capture: OpenedCapture | undefined
  private training: Training | undefined
  /** The training that the device was lost in. */
  private interrupted: Training | undefined
  /** Whether anybody looks: a hidden page gets no pictures. */
  private seen = true
  private numbers = FILE_EDITS

  constructor(private readonly post: (message: FromWorker) => void) {}

  readonly handlers: Handlers = {
    start: request => this.start(request),
    open: ({ files }) => this.open(files),
    train: (request, task) => this.train(request, task),
    resume: (_, task) => this.resume(task),
    estimate: async ({ preset }, { signal }) => await secondsPerStep(this.openedDevice(), this.openedCapture().capture, preset, signal),
    thumbnails: async ({ ids }) => this.openedCapture().thumbnails(ids),
    captureReport: async () => await this.openedCapture().report(),
    demo: (_, { say }) => this.demo(say),
    edit: (request, task) => this.edit(request, task),
    paint: request => paintedPoints(this.opened(), request),
    truth: ({ frame }) => truthPicture(this.opened(), this.capture?.capture, frame),
    anchors: ({ edit: id }, { signal }) => this.anchorFaces(id, signal),
    picture: async ({ view, side }) => {
      const session = this.opened()
      return { name: `${session.scene.description.name}.png`, bytes: plain(await viewPng(session, view, side)) }
    },
    saveEdit: async shown => {
      const session = this.opened()
      return { name: `${fileName(session.edit(shown.edit).info.prompt)}.edit`, bytes: plain(await session.editFile(shown)) }
    },
    mesh: async ({ face, format }, task) => {
      const session = this.opened()
      const name = face.edit === undefined ? session.scene.description.name : fileName(session.edit(face.edit).info.prompt)
      return { name: `${name}.${format}`, bytes: plain(await meshFile(session, face, format, task)) }
    },
    page: async ({ edits }, { say }) => {
      const session = this.opened()
      say('packing the page')
      const viewer = new TextDecoder().decode((await this.fetched(ASSETS.viewer)).bytes)
      return { name: `${session.scene.description.name}.html`, bytes: plain(await pageFile(session, edits, viewer)) }
    },
    ...filmHandlers(
      () => this.opened(),
      progress => this.post({ kind: 'filming', progress }),
      busy => this.viewport?.setLive(busy),
    ),
    saveScene: async () => {
      const { scene } = this.opened()
      // Of a training under way all that it needs to go on.
      return { name: `${scene.description.name}.scene`, bytes: plain(await saveScene(scene, { training: this.training !== undefined })) }
    },
  }

  show(view: View): void {
    this.lastView = view
    this.viewport?.show(view)
  }

  private async start(request: StartRequest): Promise<DeviceInfo> {
    this.started = request
    const before = this.session
    await this.openDevice()
    if (before && before.file.bytes.length > 0) {
      const restored = await Session.open(this.openedDevice(), before.file, before.anchorsFile)
      for (const { id, bytes, info } of before.edits.values()) {
        if (bytes) await restored.load({ edits: [{ name: info.prompt, bytes: plain(bytes) }] }, () => id)
      }
      this.take(restored)
    }
    return this.deviceInfo()
  }

  /** A new device for each scene: what the one before held goes with its device. */
  private async openDevice(): Promise<void> {
    const request = this.started
    if (!request) throw new Error('studio: a scene before the device; reload the page')
    this.close()
    const { device: kind } = request
    this.device = await openDevice(kind === 'software' ? { kind: 'gpu', software: true } : { kind })
    this.screen = openScreen(this.device, request.canvas)
  }

  private close(): void {
    this.viewport?.[Symbol.dispose]()
    this.viewport = undefined
    this.session = undefined
    this.screen?.[Symbol.dispose]()
    this.device?.[Symbol.dispose]()
    this.device = undefined
  }

  private take(session: Session): void {
    const { screen } = this
    if (!screen) throw new Error('studio: no canvas; reload the page')
    this.session = session
    this.viewport = new Viewport(session, screen, {
      frame: stats => this.post({ kind: 'frame', stats }),
      trouble: error => this.trouble(error),
    })
    if (this.lastView) this.viewport.show(this.lastView)
  }

  private trouble(error: unknown): void {
    const lost = isLoss(error)
    // A paused training would not notice.
    if (lost) this.breaks?.fail(error as Error)
    this.post({ kind: 'trouble', message: messageOf(error), lost })
  }

  private async open(files: readonly NamedBytes[]): Promise<Requests['open']['answer']> {
    const sorted = await sortFiles(files)
    const opened = sorted.capture && (await openCapture(fileMap(new Map(sorted.capture.files), sorted.capture.name)))
    if (!opened || sorted.scene) return { scene: await this.openScene(sorted, opened) }
    this.capture = opened
    return { capture: opened.info }
  }

  /** @param capture what the scene was trained on, whose pictures can then be laid over what is drawn */
  private async openScene(sorted: SortedFiles, capture?: OpenedCapture): Promise<SceneInfo> {
    const { scene, edits, anchors } = sorted
    const numberOf = (): number => ++this.numbers
    if (!scene) {
      const { session } = this
      if (edits.length === 0) throw new Error('nothing to open; drop a .scene, an .edit or a zip of them')
      if (!session) throw new Error(`${edits[0].name}: an edit needs its scene; open the .scene first, or both together`)
      await session.load({ edits }, numberOf)
      return this.sceneInfo(session)
    }
    // Read on the side first: a file that is damaged must not close the scene that is open.
    using trial = await openDevice({ kind: 'cpu', threads: 1 })
    const checked = await Session.open(trial, scene, anchors)
    await checked.load({ edits }, () => 0)
    if (capture) checkTruth(checked, capture.capture)
    this.capture = capture
    await this.openDevice()
    const session = await Session.open(this.openedDevice(), scene, anchors)
    await session.load({ edits }, numberOf)
    this.lastView = undefined
    this.take(session)
    return this.sceneInfo(session)
  }

  private async demo(say: (text: string) => void): Promise<SceneInfo> {
    say('loading the demo')
    return await this.openScene(await sortFiles([await this.fetched(ASSETS.demo)]))
  }

  private async fetched(path: string): Promise<NamedBytes> {
    const address = new URL(path, this.started?.base).href
    const response = await fetch(address).catch(() => undefined)
    if (!response?.ok)
      throw new Error(`${address}: ${response ? `the server answered ${response.status}` : 'no answer'}; serve the studio with its assets folder`)
    return { name: path.split('/').at(-1) ?? path, bytes: new Uint8Array(await response.arrayBuffer()) }
  }

  private async edit(request: EditRequest, { signal, say }: Task): Promise<EditInfo> {
    const { id, prompt, steps, seed, quick, base } = request
    const session = this.opened()
    const { scene } = session
    const encoder = await session.encoderAt(new URL(ASSETS.encoder, this.started?.base).href, say)
    const anchors = await session.anchorCodes(encoder, say, signal)
    signal.throwIfAborted()
    say('reading the sentence')
    const guidance = await textGuidance(encoder, prompt)
    const region = await regionOf(session, request, anchors)
    const under = base && session.edit(base.edit)
    const earlier = under && base ? [...under.earlier, { ...under.info, strength: base.strength }] : []
    const field = under && base && withGains(under.field, base.gains)
    const compositor = new AnchorCompositor(scene, anchors, { seed, region, base: field, baseStrength: base?.strength })
    const note = noteOf(compositor, earlier, await wordsRead(encoder, prompt))
    const kept = await session.keep(id, compositor, { prompt, strength: 1, steps, seed }, { earlier, note })
    const { viewport } = this
    viewport?.setLive(true)
    try {
      say('looking for a start')
      for await (const { stage, step, steps: of, loss, eta } of edit(scene, compositor, guidance, editViews(scene, quick ? QUICK : {}), {
        steps,
        seed,
        reportEvery: REPORT_EVERY,
        signal,
      })) {
        this.post({ kind: 'editing', progress: { id, stage, step, steps: of, loss, eta } })
        viewport?.changed(id)
      }
      if (signal.aborted) throw new Cancelled('edit')
      kept.bytes = await session.editFile({ edit: id, strength: 1, gains: [] })
      return kept.info
    } catch (error) {
      viewport?.forget(id)
      session.drop(id)
      throw error
    } finally {
      viewport?.setLive(false)
    }
  }

  /** The breaks of the training under way, in which short work gets its turn. */
  get breaks(): Breaks | undefined {
    return this.training?.breaks
  }

  /** Training is to end after its step. */
  finish(): void {
    this.training?.finish()
  }

  /** A paused training leaves its time to the picture. */
  pause(paused: boolean): void {
    if (!this.breaks) return
    this.breaks.setPaused(paused)
    this.viewport?.setLive(!paused)
  }

  setSeen(seen: boolean): void {
    this.seen = seen
    if (seen) this.viewport?.changed()
  }

  private async train(request: TrainRequest, { signal, say }: Task): Promise<SceneInfo> {
    const capture = this.openedCapture().without(request.leftOut)
    say('getting ready to train')
    await this.openDevice()
    this.lastView = undefined
    return await this.learn(new Training(capture, request), Session.begin(this.openedDevice(), capture, request), signal)
  }

  /** Goes on with the training that the device was lost in, from its last copy; from the start where there is none yet. */
  private async resume({ signal }: Task): Promise<SceneInfo> {
    const { interrupted, session } = this
    if (!interrupted) throw new Error('no training was interrupted; begin one')
    const { capture, request } = interrupted
    const goesOn = session?.scene.optimizer ? session : Session.begin(this.openedDevice(), capture, request)
    return await this.learn(new Training(capture, request), goesOn, signal)
  }

  private async learn(training: Training, session: Session, signal: AbortSignal): Promise<SceneInfo> {
    const isNew = session !== this.session
    if (isNew) this.take(session)
    this.training = training
    this.interrupted = training
    this.viewport?.setLive(true)
    if (isNew) this.post({ kind: 'begun', scene: this.sceneInfo(session) })
    try {
      for await (const progress of training.steps(session, signal)) {
        this.post({ kind: 'training', progress })
        if (this.seen) this.viewport?.changed()
      }
      this.interrupted = undefined
      return this.sceneInfo(session)
    } finally {
      this.training = undefined
      this.viewport?.setLive(false)
    }
  }

  private openedCapture(): OpenedCapture {
    if (!this.capture) throw new Error('no capture is open; drop a zip of a .capture')
    return this.capture
  }

  private async anchorFaces(id: number, signal: AbortSignal): Promise<readonly Thumbnail[]> {
    const session = this.opened()
    const anchors = session.edit(id).compositor?.anchors
    const faces: Thumbnail[] = []
    if (anchors) for await (const picture of renderCodes(session.scene, anchors.indices, signal)) faces.push(colorPixels(picture))
    return faces
  }

  private opened(): Session {
    if (!this.session) throw new Error('no scene is open; open a .scene or the demo')
    return this.session
  }

  private openedDevice(): Device {
    if (!this.device) throw new Error('studio: no device; reload the page')
    return this.device
  }

  private deviceInfo(): DeviceInfo {
    const { kind, description } = this.openedDevice()
    return { kind, description }
  }

  private sceneInfo(session: Session): SceneInfo {
    const { scene, edits } = session
    return {
      ...sceneInfo(scene),
      hasTruth: hasTruth(session, this.capture?.capture),
      regions: REGION_NAMES,
      edits: [...edits.values()].map(({ id, info }) => ({ ...info, id })),
    }
  }
}

const plain = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes)
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const isLoss = (error: unknown): boolean => /device .* was (lost|closed)/.test(messageOf(error))
