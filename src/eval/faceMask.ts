/** Where the face and its parts are in a view: dilated convex hulls of projected landmarks. For scores only; no training or editing knows landmarks. */
import type { Camera } from '../camera/camera.ts'
import { project } from '../camera/rays.ts'

/** x, y in px. */
export type Point = readonly [number, number]

/** Share of a hull's width by which it is dilated: the landmarks lie on the face's outline, what moves reaches a little beyond. */
const FACE_MARGIN = 0.05
const REGION_MARGIN = 0.08

/** Landmarks of the Multi-PIE 68 scheme, from and to (exclusive). */
const REGION_LANDMARKS = { eyes: [36, 48], brows: [17, 27], mouth: [48, 68] } as const
export type FaceRegion = keyof typeof REGION_LANDMARKS

export interface FaceMasks {
  /** [H · W], coverage of the person 0..1 within the face, 0 outside. */
  readonly face: Float32Array
  readonly regions: Readonly<Record<FaceRegion, Float32Array>>
}

/**
 * Masks of a view from sets of 68 landmarks [68 · 3] in the camera's world (an edit's and neutral's, so that nothing is missed that moved) and the person's
 * coverage [H · W].
 */
export function faceMasks(camera: Camera, landmarks: readonly ArrayLike<number>[], coverage: ArrayLike<number>): FaceMasks {
  const points = landmarks.map(set => pairs(project(camera, set)))
  const mask = (from: number, to: number, margin: number): Float32Array => {
    const hull = convexHull(points.flatMap(set => set.slice(from, to)))
    return dilatedHull(hull, margin * widthOf(hull), camera.imageSize).map((inside, i) => inside * coverage[i])
  }
  const region = (name: FaceRegion): Float32Array => {
    const [from, to] = REGION_LANDMARKS[name]
    return mask(from, to, REGION_MARGIN)
  }
  return { face: mask(0, 68, FACE_MARGIN), regions: { eyes: region('eyes'), brows: region('brows'), mouth: region('mouth') } }
}

const pairs = (pixels: Float32Array): Point[] => Array.from({ length: pixels.length / 2 }, (_, i) => [pixels[2 * i], pixels[2 * i + 1]] as const)

const widthOf = (hull: readonly Point[]): number => Math.max(...hull.map(p => p[0])) - Math.min(...hull.map(p => p[0]))

/** Twice the signed area of the triangle a, b, c: positive when c lies to the left of a -> b (x right, y up). */
const turn = (a: Point, b: Point, c: Point): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

/** Corners of the convex hull, each once, in the order in which `turn` is positive (Andrew 1979, monotone chain). Throws for fewer than three points. */
export function convexHull(points: readonly Point[]): Point[] {
  if (points.length < 3) throw new Error(`convexHull: ${points.length} points have no area; give at least three`)
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const chain = (ordered: readonly Point[]): Point[] => {
    const hull: Point[] = []
    for (const p of ordered) {
      while (hull.length >= 2 && turn(hull[hull.length - 2], hull[hull.length - 1], p) <= 0) hull.pop()
      hull.push(p)
    }
    return hull.slice(0, -1)
  }
  return [...chain(sorted), ...chain(sorted.reverse())]
}

/** 1 at pixels whose centre (+0.5) is in the convex polygon or at most `radius` px from it, else 0; [H · W]. */
export function dilatedHull(hull: readonly Point[], radius: number, [width, height]: readonly [number, number]): Float32Array {
  return Float32Array.from({ length: width * height }, (_, i) => {
    const p: Point = [(i % width) + 0.5, Math.floor(i / width) + 0.5]
    const edges = hull.map((a, k) => [a, hull[(k + 1) % hull.length]] as const)
    const inside = edges.every(([a, b]) => turn(a, b, p) >= 0)
    return inside || edges.some(([a, b]) => distanceToSegment(p, a, b) <= radius) ? 1 : 0
  })
}

function distanceToSegment(p: Point, a: Point, b: Point): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]]
  const along = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / (dx * dx + dy * dy)
  const t = Math.min(1, Math.max(0, along))
  return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy)
}
