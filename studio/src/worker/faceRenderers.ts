/** The renderers of the faces on show: made on first use, kept while their edit lives, and replaced by a baked grid once somebody asks for one. */
import {
  type AnchorCompositor,
  type BakedView,
  bake,
  type CodeField,
  createRenderer,
  type DrawnImage,
  type HostPixels,
  type Renderer,
} from 'faceclipnerf'
import type { Face, View } from '../protocol/messages.ts'
import { FaceCodes, shapeOf } from './faceCodes.ts'
import type { Session } from './session.ts'

/** The face of a view, the one left of it, or one of a grid. */
type Place = 'main' | 'left' | `cell:${number | 'unedited'}`

/** Of a face in a grid: they are small, and there are many of them. */
const CELL = { rays: 4096, bakedBytes: 2 ** 25 }
const cellOf = ({ edit }: Face): Place => `cell:${edit ?? 'unedited'}`

/** A renderer and the side of the last picture it drew; −1 for one to which all sizes are the same. */
export interface Used {
  readonly renderer: Renderer
  side: number
  /** The last picture of a face in a grid, and what it shows. */
  drawn?: { readonly key: string; readonly picture: DrawnImage | HostPixels }
}

interface Baked {
  readonly key: string
  readonly view: BakedView
}

export class FaceRenderers implements Disposable {
  /** Grows whenever weights change that all faces may depend on. */
  private version = 0
  /** The same of one edit's. */
  private readonly versions = new Map<number, number>()
  private bakeable: boolean
  private readonly exact = new Map<string, Used>()
  private readonly baked = new Map<Place, Baked>()
  private readonly codes: FaceCodes

  constructor(private readonly session: Session) {
    const { device, scene } = session
    this.codes = new FaceCodes(scene, edit => session.edit(edit).adjustable)
    // On the CPU a bake takes longer than a person looks at one expression.
    this.bakeable = device.kind === 'gpu' && scene.config.sampling.kind === 'grid'
  }

  /** Says that an edit's weights have changed, or anybody's. */
  changed(edit?: number): void {
    if (edit === undefined) this.version++
    else this.versions.set(edit, (this.versions.get(edit) ?? 0) + 1)
  }

  /** Two faces with the same key look the same. */
  key(face: Face): string {
    const { edit = -1, toward } = face
    return JSON.stringify([face, this.version, this.versions.get(edit), this.versions.get(toward?.face.edit ?? -1)])
  }

  compositorOf({ edit }: Face): AnchorCompositor | undefined {
    return edit === undefined ? undefined : this.session.edits.get(edit)?.compositor
  }

  /** The codes of a face, at its strengths until others are set. */
  codesOf(face: Face): CodeField {
    return face.frame === undefined ? this.codes.of(face) : (this.session.recorded.get(face.frame) ?? this.session.scene.referenceField)
  }

  /** The renderers that a view needs, its own face's first. */
  of({ face, compare, mode, grid }: View): Used[] {
    if (grid) return grid.faces.map(each => this.faceOf(cellOf(each), each))
    if (mode === 'acr') {
      const channels = this.compositorOf(face)?.ratios
      return [this.exactOf(`acr:${face.edit}`, face, channels)]
    }
    return [this.faceOf('main', face), ...(compare ? [this.faceOf('left', compare.face)] : [])]
  }

  private isBaked(place: Place, face: Face): boolean {
    return this.baked.get(place)?.key === this.key(face)
  }

  /** Whether the picture of a view comes from a grid: of its first face, or of all where they stand side by side. */
  allBaked({ face, grid }: View): boolean {
    return grid ? grid.faces.every(each => this.isBaked(cellOf(each), each)) : this.isBaked('main', face)
  }

  /** The first face of a view that could be baked and is not. */
  unbaked({ face, compare, mode, grid }: View): { place: Place; face: Face } | undefined {
    if (!this.bakeable || mode === 'acr') return undefined
    const single: { place: Place; face: Face }[] = [{ place: 'main', face }, ...(compare ? [{ place: 'left' as const, face: compare.face }] : [])]
    const faces = grid ? grid.faces.map(each => ({ place: cellOf(each), face: each })) : single
    return faces.find(each => !this.isBaked(each.place, each.face))
  }

  /** Lets the renderers of a grid and of frames go that a view does not show. */
  retire({ face, grid }: View): void {
    const kept = new Set<string>([...(grid?.faces.map(cellOf) ?? []), `frame:${face.frame}`])
    this.releaseWhere(place => /^(cell|frame):/.test(place) && !kept.has(place))
  }

  async bake({ place, face }: { place: Place; face: Face }): Promise<void> {
    const key = this.key(face)
    try {
      const cell = place.startsWith('cell:') ? { mostBytes: CELL.bakedBytes } : {}
      const view = await bake(this.session.scene, this.codesOf(face), { ...cell, ...this.warpOf(face) })
      this.baked.get(place)?.view[Symbol.dispose]()
      this.baked.set(place, { key, view })
    } catch (error) {
      // A scene that cannot be baked is drawn exactly; a device that is gone says so with the next picture.
      this.bakeable = false
      console.warn(error)
    }
  }

  /** Lets the renderers of an edit go. */
  forget(edit: number): void {
    this.releaseWhere(key => new RegExp(`[:>]${edit}(>|$)`).test(key))
  }

  private releaseWhere(goes: (key: string) => boolean): void {
    for (const [key, { renderer }] of this.exact) {
      if (!goes(key)) continue
      renderer[Symbol.dispose]()
      this.exact.delete(key)
    }
    for (const [place, { view }] of this.baked) {
      if (!goes(place)) continue
      view[Symbol.dispose]()
      this.baked.delete(place)
    }
  }

  /** As it was recorded, a face has its frame's code everywhere. */
  private warpOf(face: Face): { readonly warp?: CodeField } {
    return face.frame === undefined ? {} : { warp: this.codesOf(face) }
  }

  private faceOf(place: Place, face: Face): Used {
    const baked = this.baked.get(place)
    if (baked && this.isBaked(place, face)) return { renderer: baked.view, side: -1 }
    if (face.frame !== undefined) return this.exactOf(`frame:${face.frame}`, face)
    return this.exactOf(place.startsWith('cell:') ? place : `${place}:${shapeOf(face)}`, face)
  }

  private exactOf(key: string, face: Face, channels?: AnchorCompositor['ratios']): Used {
    const known = this.exact.get(key)
    if (known) return known
    const { scene, device } = this.session
    // On the CPU one plan for all sizes: recording anew for each would take longer than a coarse picture.
    const rays = device.kind === 'cpu' ? { rays: 1024 } : key.startsWith('cell:') ? { rays: CELL.rays } : {}
    const made = { renderer: createRenderer(scene, this.codesOf(face), { ...rays, ...this.warpOf(face), channels }), side: 0 }
    this.exact.set(key, made)
    return made
  }

  [Symbol.dispose](): void {
    for (const { renderer } of this.exact.values()) renderer[Symbol.dispose]()
    for (const { view } of this.baked.values()) view[Symbol.dispose]()
    this.codes[Symbol.dispose]()
    this.exact.clear()
    this.baked.clear()
  }
}
