/** The brush that marks on the picture where an edit may act. Its strokes become points on the face, which stay there when the face is turned. */
import type { PaintedPoints, Pose, SceneInfo, Vector } from '../protocol/messages.ts'
import { type Place, type Stroke, strokeTest } from '../protocol/stroke.ts'
import { History } from './history.ts'
import { projector } from './projection.ts'
import { Store } from './store.ts'
import { dot } from './vectors.ts'

export interface BrushState {
  /** Whether the pointer paints instead of turning the face, and what is painted is seen. */
  readonly on: boolean
  readonly erases: boolean
  /** Share of the picture's longer edge. */
  readonly radius: number
  /** Strokes that are being taken to the face. */
  readonly waiting: readonly Stroke[]
  readonly painted: readonly PaintedPoints[]
  readonly canUndo: boolean
}

/** Of the studio, what the brush needs. */
export interface BrushHost {
  scene(): SceneInfo | undefined
  pose(): Pose
  /** The points of the shown face under a stroke. */
  points(stroke: Stroke): Promise<PaintedPoints> | undefined
  say(problem: string): void
}

export const RADII = { least: 0.01, most: 0.2 } as const
/** Views closer than this (cosine) are one to a region. */
const SAME_VIEW = 0.9
const NOTHING: BrushState = { on: false, erases: false, radius: 0.05, waiting: [], painted: [], canUndo: false }

export class RegionBrush extends Store<BrushState> {
  private history = new History<readonly PaintedPoints[]>([])
  /** The stroke under the hand. */
  stroke: (Stroke & { readonly erases: boolean }) | undefined

  constructor(private readonly host: BrushHost) {
    super(NOTHING)
  }

  setOn(on: boolean): void {
    this.stroke = undefined
    this.set({ on })
  }

  setErases(erases: boolean): void {
    this.set({ erases })
  }

  setRadius(radius: number): void {
    this.set({ radius: Math.min(RADII.most, Math.max(RADII.least, radius)) })
  }

  /** @param other the opposite of what the brush is set to: marks where it erases, erases where it marks. */
  begin(place: Place, other = false): void {
    this.stroke = { path: [place], radius: this.current.radius, erases: this.current.erases !== other }
    this.set({})
  }

  move(place: Place): void {
    const { stroke } = this
    if (!stroke) return
    this.stroke = { ...stroke, path: [...stroke.path, place] }
    this.set({})
  }

  /** Ends the stroke: marked points come from the worker, erased ones go at once. */
  async end(): Promise<void> {
    const { stroke } = this
    this.stroke = undefined
    if (!stroke) return
    if (stroke.erases) return this.erase(stroke)
    this.set({ waiting: [...this.current.waiting, stroke] })
    try {
      const found = await this.host.points(stroke)
      if (found && found.points.length > 0 && this.current.waiting.includes(stroke)) this.change([...this.history.current, found])
    } catch (error) {
      this.host.say(error instanceof Error ? error.message : String(error))
    } finally {
      this.set({ waiting: this.current.waiting.filter(each => each !== stroke) })
    }
  }

  /** Leaves the stroke under the hand, as if it had not begun. */
  drop(): void {
    this.stroke = undefined
    this.set({})
  }

  private erase(stroke: Stroke): void {
    const scene = this.host.scene()
    if (!scene) return
    const project = projector(scene, this.host.pose())
    const covers = strokeTest(stroke, scene.aspect)
    const left = this.history.current.map(group => {
      const kept: number[] = []
      for (let i = 0; i < group.points.length; i += 3) {
        const point: Vector = [group.points[i], group.points[i + 1], group.points[i + 2]]
        const seen = project(point)
        if (!seen || !covers(seen.at)) kept.push(...point)
      }
      return kept.length === group.points.length ? group : { ...group, points: Float32Array.from(kept) }
    })
    this.change(left.filter(({ points }) => points.length > 0))
  }

  undo(): void {
    this.history.undo()
    this.change(this.history.current)
  }

  clear(): void {
    this.set({ waiting: [] })
    if (this.history.current.length > 0) this.change([])
  }

  /** Another scene: nothing is painted on it. */
  reset(): void {
    this.history = new History<readonly PaintedPoints[]>([])
    const { radius } = this.current
    this.stroke = undefined
    this.set({ ...NOTHING, radius })
  }

  /** What is painted, the strokes of one view together. */
  regions(): PaintedPoints[] {
    const groups: PaintedPoints[] = []
    for (const group of this.history.current) {
      const at = groups.findIndex(({ along }) => dot(along, group.along) > SAME_VIEW)
      if (at < 0) groups.push(group)
      else groups[at] = { ...groups[at], points: Float32Array.from([...groups[at].points, ...group.points]) }
    }
    return groups
  }

  private change(painted: readonly PaintedPoints[]): void {
    this.history.change(painted)
    this.set({ painted: this.history.current, canUndo: this.history.canUndo })
  }
}
