/**
 * A region by points of the face's surface, as a brush or a mask marks them: the points are thinned on a grid of cells until few enough are left, and every
 * cell that holds some becomes a soft part. Points seen from one side say nothing of how deep the face goes there, so their parts are longer along the view.
 */
import { cross, dot, type Matrix3, normalize, type Vector3 } from '../camera/vector.ts'
import type { FaceRegion, RegionPart } from './faceRegion.ts'

/** Points of a surface that were marked together. */
export interface MarkedPoints {
  /** [P · 3], space units. */
  readonly points: ArrayLike<number>
  /** Direction of the view that they were marked in; without one their parts are balls. */
  readonly along?: Vector3
}

/** Number and size of the soft parts that make a region. */
export interface PointRegionOptions {
  /** Parts, at most: every point of a picture is asked about each of them. Default 24. */
  readonly most?: number
  /** Smallest radius of a part across the view, space units (half a picture is 1). Default 0.02. */
  readonly radius?: number
  /** Half of a part's depth along the view: lips that open show what lies behind them. Default 0.15. */
  readonly reach?: number
}

/** Radius over the size of a cell: at 0.71 parts of a full grid just meet, and what is more reaches over the border. */
const SPREAD = 0.75
/** Cells grow by this until few enough are left. */
const GROWTH = 1.12

const AXES: Matrix3 = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]

/** A region that reaches about half a cell beyond the points. Throws for no points, and for numbers that are not finite. */
export function pointRegion(
  marked: readonly MarkedPoints[],
  name: string,
  { most = 24, radius = 0.02, reach = 0.15 }: PointRegionOptions = {},
): FaceRegion {
  if (marked.every(({ points }) => points.length === 0)) throw new Error(`region: no points for "${name}"; give at least one`)
  if (!(Number.isInteger(most) && most >= marked.length))
    throw new Error(`region: at most ${most} parts for ${marked.length} groups of points; allow a part for each group`)
  for (const { points } of marked) {
    const at = Array.prototype.findIndex.call(points, value => !Number.isFinite(value))
    if (at >= 0) throw new Error(`region: number ${at} of the points of "${name}" is ${points[at]}; give finite numbers`)
  }
  const groups = marked.map(inAxes)
  for (let cell = radius / SPREAD; ; cell *= GROWTH) {
    const parts: RegionPart[] = []
    if (groups.every(group => addParts(parts, group, { cell, reach, most }))) return { name, parts }
  }
}

/** Marked points along axes across and along their view, from where they begin. */
interface Group {
  readonly axes: Matrix3
  readonly seen: boolean
  /** [P · 3] */
  readonly points: ArrayLike<number>
  /** [P · 3], from 0. */
  readonly places: Float64Array
}

function inAxes({ points, along }: MarkedPoints): Group {
  const axes = along ? axesOf(along) : AXES
  const places = Float64Array.from(points, (_, n) => dot(axes[n % 3], [points[n - (n % 3)], points[n - (n % 3) + 1], points[n - (n % 3) + 2]]))
  const least = [0, 1, 2].map(k => places.reduce((low, value, n) => (n % 3 === k ? Math.min(low, value) : low), Number.POSITIVE_INFINITY))
  return { axes, seen: along !== undefined, points, places: places.map((value, n) => value - least[n % 3]) }
}

/** Adds a part for every cell of this size that holds a point, around the mean of its points; false as soon as there are more than `most`. */
function addParts(parts: RegionPart[], { axes, seen, points, places }: Group, size: { cell: number; reach: number; most: number }): boolean {
  const { cell, reach, most } = size
  const deep = seen ? Math.max(cell, reach) : cell
  const cells = new Map<string, [number, number, number, number]>()
  for (let i = 0; i < points.length; i += 3) {
    const key = `${Math.floor(places[i] / cell)} ${Math.floor(places[i + 1] / cell)} ${Math.floor(places[i + 2] / deep)}`
    const sum = cells.get(key) ?? [0, 0, 0, 0]
    for (let c = 0; c < 3; c++) sum[c] += points[i + c]
    sum[3]++
    cells.set(key, sum)
    if (parts.length + cells.size > most) return false
  }
  const across = SPREAD * cell
  const radii = [across, across, seen ? Math.max(across, reach) : across]
  const rows = axes.map((axis, k) => axis.map(v => short(v / radii[k]))) as Matrix3
  for (const [x, y, z, count] of cells.values()) parts.push({ centre: [short(x / count), short(y / count), short(z / count)], rows })
  return true
}

/** Two directions across the view, and the view's. */
function axesOf(along: Vector3): Matrix3 {
  const forward = normalize(along, 'the view of the points')
  const least = forward.map(Math.abs).indexOf(Math.min(...forward.map(Math.abs)))
  const right = normalize(cross(forward, AXES[least]), 'an axis across the view')
  return [right, cross(forward, right), forward]
}

/** Six digits are exact enough, and keep the header of an edit file short. */
const short = (value: number): number => Number(value.toPrecision(6))
