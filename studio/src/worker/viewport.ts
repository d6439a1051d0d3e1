/**
 * Draws the view it was last told of: coarse at once, finer while nothing changes, and on a GPU from a baked grid once everything stands still. Works in
 * turns, so that edits and requests get theirs between two pictures.
 */
import { type BakedView, bake, type CodeField, createRenderer, type DrawnImage, type Renderer, type Screen } from 'faceclipnerf'
import type { Face, FrameStats, View } from '../protocol/messages.ts'
import { cameraAt } from './cameras.ts'
import { depthPixels, ratioPixels } from './heatMap.ts'
import { BUDGETS, Resolution } from './resolution.ts'
import type { Session } from './session.ts'

/** Milliseconds that a view stands still before it is baked. */
const BAKE_AFTER = 250
/** Milliseconds of a picture while an edit is computed, which should not wait long. */
const LIVE_BUDGETS = { gpu: 60, cpu: 350 }

/** A picture that is on the canvas. */
interface Drawn {
  readonly key: string
  readonly side: number
  readonly split: number
  readonly baked: boolean
  readonly picture?: DrawnImage
  readonly left?: DrawnImage | undefined
}

interface Baked {
  readonly key: string
  readonly view: BakedView
}

export class Viewport {
  private view: View | undefined
  private drawn: Drawn | undefined
  private running = false
  private closed = false
  /** Grows whenever an edit's weights change. */
  private version = 0
  /** While an edit is computed pictures stay cheap. */
  private live = false
  private bakeable: boolean
  private stillSince = 0
  private readonly renderers = new Map<string, { readonly renderer: Renderer; side: number }>()
  private readonly baked = new Map<'main' | 'left', Baked>()
  private readonly resolutions: Record<'exact' | 'baked' | 'acr', Resolution>
  private readonly liveResolution: Resolution

  constructor(
    private readonly session: Session,
    private readonly screen: Screen,
    private readonly report: { frame(stats: FrameStats): void; trouble(error: unknown): void },
  ) {
    const { kind } = session.device
    const make = (): Resolution => new Resolution(BUDGETS[kind])
    this.resolutions = { exact: make(), baked: make(), acr: make() }
    this.liveResolution = new Resolution({ ...BUDGETS[kind], still: LIVE_BUDGETS[kind] })
    // On the CPU a bake takes longer than a person looks at one expression.
    this.bakeable = kind === 'gpu' && session.scene.config.sampling.kind === 'grid'
  }

  show(view: View): void {
    this.view = view
    void this.pump()
  }

  /** Says that an edit's weights have changed, or that one came or went. */
  changed(): void {
    this.version++
    void this.pump()
  }

  setLive(live: boolean): void {
    this.live = live
    this.changed()
  }

  /** Forgets the renderers of an edit that goes. */
  forget(edit: number): void {
    for (const [key, { renderer }] of this.renderers) {
      if (!key.endsWith(`:${edit}`)) continue
      renderer[Symbol.dispose]()
      this.renderers.delete(key)
    }
    this.changed()
  }

  [Symbol.dispose](): void {
    this.closed = true
    for (const { renderer } of this.renderers.values()) renderer[Symbol.dispose]()
    for (const { view } of this.baked.values()) view[Symbol.dispose]()
    this.renderers.clear()
    this.baked.clear()
  }

  private async pump(): Promise<void> {
    if (this.running || this.closed) return
    this.running = true
    try {
      while (!this.closed && this.view && (await this.turn(this.view))) await new Promise(resolve => setTimeout(resolve))
    } catch (error) {
      if (!this.closed) this.report.trouble(error)
    } finally {
      this.running = false
    }
  }

  /** Does the next thing there is to do for this view; whether there may be more. */
  private async turn(view: View): Promise<boolean> {
    const known = this.knownFaces(view)
    const key = this.keyOf(known)
    const { drawn } = this
    const share = this.pixelShare()
    const resolution = this.resolutionFor(known)
    if (drawn?.key !== key) {
      this.stillSince = performance.now()
      const side = resolution.moving(view.pixels, share)
      await this.draw(known, key, side)
      return true
    }
    const split = known.compare?.split ?? 0
    if (drawn.split !== split && drawn.picture) {
      await this.screen.show(drawn.picture, this.splitOptions(drawn.picture, drawn.left, split))
      this.drawn = { ...drawn, split }
      return true
    }
    if (view.moving) return false
    const finer = (this.live ? this.liveResolution : resolution).finer(drawn.side, view.pixels, share)
    if (finer !== undefined) {
      await this.draw(known, key, finer)
      return true
    }
    return await this.bakeWhenStill(known, key)
  }

  /** The view with faces that exist: an edit may have been cancelled since. */
  private knownFaces(view: View): View {
    const exists = ({ edit }: Face): boolean => edit === undefined || this.session.edits.has(edit)
    const face = exists(view.face) ? view.face : {}
    const mode = view.mode === 'acr' && !this.compositorOf(face) ? 'color' : view.mode
    const compare = mode === 'color' && view.compare && exists(view.compare.face) ? view.compare : undefined
    return { ...view, face, mode, compare }
  }

  private keyOf({ pose, mode, anchor, face, compare }: View): string {
    return JSON.stringify([pose, mode, anchor, face, compare?.face, this.version])
  }

  /** What of a picture does not depend on where the camera is. */
  private faceKey(face: Face): string {
    return JSON.stringify([face, this.version])
  }

  private compositorOf({ edit }: Face) {
    return edit === undefined ? undefined : this.session.edits.get(edit)?.compositor
  }

  private codesOf({ edit, strengths }: Face): CodeField {
    if (edit === undefined) return this.session.scene.referenceField
    const { adjustable, codes, compositor } = this.session.edit(edit)
    adjustable.setStrengths(strengths ?? new Array(compositor?.anchors.indices.length ?? 1).fill(1))
    return codes
  }

  private bakedOf(place: 'main' | 'left', face: Face): Renderer | undefined {
    const found = this.baked.get(place)
    return found?.key === this.faceKey(face) ? found.view : undefined
  }

  /** The renderer of a face: baked where it is, else the exact one, made on first use. */
  private rendererOf(place: 'main' | 'left', face: Face): { readonly renderer: Renderer; side: number } {
    const baked = this.bakedOf(place, face)
    const codes = this.codesOf(face)
    if (baked) return { renderer: baked, side: -1 }
    return this.exact(`${place}:${face.edit ?? 'unedited'}`, () => createRenderer(this.session.scene, codes, this.rays()))
  }

  private exact(key: string, make: () => Renderer): { readonly renderer: Renderer; side: number } {
    const known = this.renderers.get(key)
    if (known) return known
    const made = { renderer: make(), side: 0 }
    this.renderers.set(key, made)
    return made
  }

  /** On the CPU one plan for all sizes: recording anew for each would take longer than a coarse picture. */
  private rays(): { rays?: number } {
    return this.session.device.kind === 'cpu' ? { rays: 1024 } : {}
  }

  private resolutionFor(view: View): Resolution {
    if (view.mode === 'acr') return this.resolutions.acr
    return this.bakedOf('main', view.face) ? this.resolutions.baked : this.resolutions.exact
  }

  private async draw(view: View, key: string, side: number): Promise<void> {
    const { scene, device } = this.session
    const camera = cameraAt(scene, view.pose, side)
    const [width, height] = camera.imageSize
    const resolution = this.resolutionFor(view)
    const began = performance.now()
    const used = this.usedRenderers(view)
    const fresh = used.some(entry => entry.side !== side && entry.side >= 0)
    const [main, other] = used
    let picture: DrawnImage | undefined
    let left: DrawnImage | undefined
    if (view.mode === 'color') {
      this.codesOf(view.face)
      picture = main.renderer.draw(camera)
      if (view.compare && other) {
        this.codesOf(view.compare.face)
        left = other.renderer.draw(camera)
      }
      await this.screen.show(picture, this.splitOptions(picture, left, view.compare?.split ?? 0))
      await device.sync()
    } else {
      const image = await main.renderer.render(camera)
      this.screen.showPixels(view.mode === 'depth' ? depthPixels(image) : ratioPixels(image, view.anchor))
    }
    for (const entry of used) entry.side = side
    const milliseconds = performance.now() - began
    // A GPU compiles for a new size; what that took says nothing about the next picture.
    if (!fresh || device.kind === 'cpu') {
      for (const each of new Set([resolution, this.liveResolution])) each.measured(width * height * used.length, milliseconds)
    }
    const baked = this.bakedOf('main', view.face) !== undefined && view.mode !== 'acr'
    // An unmeasured picture is drawn once more, which measures it.
    const measured = !fresh || device.kind === 'cpu'
    this.drawn = { key: measured || view.moving ? key : '', side, split: view.compare?.split ?? 0, baked, picture, left }
    this.report.frame({ width, height, milliseconds, baked })
  }

  private usedRenderers(view: View): { readonly renderer: Renderer; side: number }[] {
    const { face, compare, mode } = view
    if (mode === 'acr') {
      const compositor = this.compositorOf(face)
      const codes = this.codesOf(face)
      return [this.exact(`acr:${face.edit}`, () => createRenderer(this.session.scene, codes, { ...this.rays(), channels: compositor?.ratios }))]
    }
    return [this.rendererOf('main', face), ...(compare ? [this.rendererOf('left', compare.face)] : [])]
  }

  private splitOptions({ width }: DrawnImage, left: DrawnImage | undefined, split: number): { left?: DrawnImage; split?: number } {
    return left ? { left, split: Math.round(split * width) } : {}
  }

  private pixelShare(): number {
    const [width, height] = this.session.scene.trainingCameras[0].imageSize
    return Math.min(width, height) / Math.max(width, height)
  }

  /** Bakes what is shown; whether there is something to draw again. */
  private async bakeWhenStill(view: View, key: string): Promise<boolean> {
    if (!this.bakeable || this.live || view.mode === 'acr') return false
    const wanted = [['main', view.face] as const, ...(view.compare ? [['left', view.compare.face] as const] : [])]
    const missing = wanted.find(([place, face]) => !this.bakedOf(place, face))
    if (!missing) return false
    const wait = this.stillSince + BAKE_AFTER - performance.now()
    if (wait > 0) {
      await new Promise(resolve => setTimeout(resolve, Math.min(wait, 30)))
      return true
    }
    const [place, face] = missing
    const faceKey = this.faceKey(face)
    try {
      const made = await bake(this.session.scene, this.codesOf(face))
      this.baked.get(place)?.view[Symbol.dispose]()
      this.baked.set(place, { key: faceKey, view: made })
    } catch (error) {
      // A scene that cannot be baked is drawn exactly; a device that is gone says so with the next picture.
      this.bakeable = false
      console.warn(error)
    }
    if (this.drawn?.key === key) this.drawn = undefined
    return true
  }
}
