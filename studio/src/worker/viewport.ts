/**
 * Draws the view it was last told of: coarse at once, finer while nothing changes, and on a GPU from a baked grid once everything stands still. Works in
 * turns, so that edits and requests get theirs between two pictures.
 */
import type { Camera, DrawnImage, HostPixels, Screen } from 'faceclipnerf'
import type { Face, FrameStats, View } from '../protocol/messages.ts'
import { cameraAt } from './cameras.ts'
import { FaceRenderers, type Used } from './faceRenderers.ts'
import { sideBySide } from './heatMap.ts'
import { hostPicture } from './hostPicture.ts'
import { BUDGETS, Resolution } from './resolution.ts'
import type { Session } from './session.ts'

/** Milliseconds that a view stands still before it is baked. */
const BAKE_AFTER = 250
/** Milliseconds of a picture while an edit is computed, which should not wait long. */
export const LIVE_BUDGETS = { gpu: 60, cpu: 350 }

/** A picture that is on the canvas. */
interface Drawn {
  readonly key: string
  readonly side: number
  readonly split: number
  /** Shows it again with the comparison elsewhere; absent where there is no comparison. */
  readonly again?: ((split: number) => Promise<void>) | undefined
}

/** On the CPU larger pictures than this are drawn in strips, between which others get their turn. */
const WHOLE_SIDE = 64

export class Viewport {
  private view: View | undefined
  private drawn: Drawn | undefined
  private running = false
  private closed = false
  /** While an edit is computed pictures stay cheap. */
  private live = false
  private stillSince = 0
  private readonly faces: FaceRenderers
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
    this.faces = new FaceRenderers(session)
  }

  show(view: View): void {
    this.view = view
    void this.pump()
  }

  /** Says that an edit's weights have changed; without a number that all may look different, or that an edit came or went. */
  changed(edit?: number): void {
    this.faces.changed(edit)
    void this.pump()
  }

  setLive(live: boolean): void {
    this.live = live
    this.changed()
  }

  /** Forgets the renderers of an edit that goes. */
  forget(edit: number): void {
    this.faces.forget(edit)
    this.changed()
  }

  [Symbol.dispose](): void {
    this.closed = true
    this.faces[Symbol.dispose]()
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
    this.faces.retire(known)
    const key = this.keyOf(known)
    const { drawn } = this
    const share = this.pixelShare() * (known.grid?.faces.length ?? 1)
    const resolution = this.resolutionFor(known)
    if (drawn?.key !== key) {
      this.stillSince = performance.now()
      const side = resolution.moving(view.pixels, share)
      await this.draw(known, key, side)
      return true
    }
    const split = known.compare?.split ?? 0
    if (drawn.split !== split && drawn.again) {
      await drawn.again(split)
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
    const { edits, recorded } = this.session
    const isThere = (edit: number | undefined): boolean => edit === undefined || edits.has(edit)
    const exists = ({ edit, toward, frame }: Face): boolean =>
      isThere(edit) && isThere(toward?.face.edit) && (frame === undefined || recorded.has(frame))
    const face = exists(view.face) ? view.face : {}
    const mode = view.mode === 'acr' && !this.faces.compositorOf(face) ? 'color' : view.mode
    const compare = mode === 'color' && view.compare && exists(view.compare.face) ? view.compare : undefined
    const grid = mode === 'acr' || !view.grid ? undefined : { ...view.grid, faces: view.grid.faces.map(each => (exists(each) ? each : {})) }
    return { ...view, face, mode, compare, grid }
  }

  private keyOf({ pose, mode, anchor, face, compare, grid }: View): string {
    return JSON.stringify([pose, mode, anchor, (grid?.faces ?? [face]).map(each => this.faces.key(each)), compare?.face, grid?.columns])
  }

  private resolutionFor(view: View): Resolution {
    if (view.mode === 'acr') return this.resolutions.acr
    return this.faces.allBaked(view) ? this.resolutions.baked : this.resolutions.exact
  }

  private async draw(view: View, key: string, side: number): Promise<void> {
    const { device } = this.session
    const camera = cameraAt(this.session.scene, view.pose, side)
    const [width, height] = camera.imageSize
    const used = this.faces.of(view)
    // A GPU compiles for a new size; what that took says nothing about the next picture.
    const measures = device.kind === 'cpu' || used.every(entry => entry.side === side || entry.side < 0)
    const strips = device.kind === 'cpu' && side > WHOLE_SIDE
    const began = performance.now()
    const again = view.grid
      ? await this.drawGrid(view, view.grid, camera, used, key)
      : view.mode === 'color' && !strips
        ? await this.drawOnDevice(view, camera, used)
        : await this.drawOnHost(view, camera, used, key)
    if (again === 'overtaken') return
    const milliseconds = performance.now() - began
    for (const entry of used) if (entry.side >= 0) entry.side = side
    if (measures) for (const each of [this.resolutionFor(view), this.liveResolution]) each.measured(width * height * used.length, milliseconds)
    // Where nothing was measured yet, the picture is drawn once more at the same size, which measures it.
    const unmeasured = !measures && !view.moving && !this.resolutionFor(view).isKnown
    this.drawn = { key: unmeasured ? '' : key, side, split: view.compare?.split ?? 0, again }
    const baked = view.mode !== 'acr' && this.faces.allBaked(view)
    this.report.frame({ width, height, milliseconds, baked, memory: device.memory.used })
  }

  /** Colours, which need not leave the device. */
  private async drawOnDevice(view: View, camera: Camera, [main, other]: readonly Used[]): Promise<Drawn['again']> {
    const [width] = camera.imageSize
    this.faces.codesOf(view.face)
    const picture = main.renderer.draw(camera)
    if (!view.compare || !other) {
      await this.screen.show(picture)
      await this.session.device.sync()
      return undefined
    }
    this.faces.codesOf(view.compare.face)
    const left = other.renderer.draw(camera)
    const again = (split: number): Promise<void> => this.screen.show(picture, { left, split: Math.round(split * width) })
    await again(view.compare.split)
    await this.session.device.sync()
    return again
  }

  /** Pictures whose numbers are made colours of here, and on the CPU large ones, strip by strip while nobody wants another. */
  private async drawOnHost(view: View, camera: Camera, [main, other]: readonly Used[], key: string): Promise<Drawn['again'] | 'overtaken'> {
    const goesOn = this.wantsStill(camera, key)
    const pixelsOf = async ({ renderer }: Used, face: Face): Promise<HostPixels | undefined> => {
      this.faces.codesOf(face)
      return await hostPicture(renderer, camera, view, goesOn)
    }
    const pixels = await pixelsOf(main, view.face)
    const left = view.compare && other ? await pixelsOf(other, view.compare.face) : undefined
    if (!pixels || (view.compare && other && !left)) return 'overtaken'
    const again = async (split: number): Promise<void> => this.screen.showPixels(left ? sideBySide(left, pixels, split) : pixels)
    await again(this.view?.compare?.split ?? 0)
    return left && again
  }

  /** Several faces, each by its renderer; on a GPU colours stay there. */
  private async drawGrid(view: View, { faces, columns }: NonNullable<View['grid']>, camera: Camera, used: readonly Used[], key: string) {
    const onDevice = view.mode === 'color' && this.session.device.kind === 'gpu'
    const goesOn = this.wantsStill(camera, key)
    const pictures: (DrawnImage | HostPixels)[] = []
    for (const [i, entry] of used.entries()) {
      // While one edit forms, the faces beside it stay as they are.
      const own = JSON.stringify([view.pose, view.mode, camera.imageSize, this.faces.key(faces[i])])
      this.faces.codesOf(faces[i])
      const known = entry.drawn?.key === own ? entry.drawn.picture : undefined
      const picture = known ?? (onDevice ? entry.renderer.draw(camera) : await hostPicture(entry.renderer, camera, view, goesOn))
      if (!picture) return 'overtaken'
      entry.drawn = { key: own, picture }
      pictures.push(picture)
    }
    await this.screen.showGrid(pictures, columns)
    await this.session.device.sync()
    return undefined
  }

  /** Whether a picture of a view is still wanted; undefined for one that is soon done. */
  private wantsStill({ imageSize }: Camera, key: string): (() => boolean) | undefined {
    if (this.session.device.kind === 'gpu' || Math.max(...imageSize) <= WHOLE_SIDE) return undefined
    return () => !this.closed && this.view !== undefined && this.keyOf(this.knownFaces(this.view)) === key
  }

  private pixelShare(): number {
    const [width, height] = this.session.scene.trainingCameras[0].imageSize
    return Math.min(width, height) / Math.max(width, height)
  }

  /** Bakes what is shown; whether there is something to draw again. */
  private async bakeWhenStill(view: View, key: string): Promise<boolean> {
    const missing = this.live ? undefined : this.faces.unbaked(view)
    if (!missing) return false
    const wait = this.stillSince + BAKE_AFTER - performance.now()
    if (wait > 0) {
      await new Promise(resolve => setTimeout(resolve, Math.min(wait, 30)))
      return true
    }
    await this.faces.bake(missing)
    if (this.drawn?.key === key) this.drawn = undefined
    return true
  }
}
