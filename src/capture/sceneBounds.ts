/** center, scale, near and far of a capture whose source does not give them, from its cameras and background points. */
import type { Camera } from '../camera/camera.ts'
import { focusPoint } from '../camera/paths.ts'
import { depth } from '../camera/rays.ts'
import { length, subtract, type Vector3 } from '../camera/vector.ts'
import { CaptureError } from './capture.ts'
import type { ImportedCapture } from './importedCapture.ts'

export interface SceneBounds {
  /** World point that becomes the origin. */
  center: Vector3
  /** Scene units per world unit. */
  scale: number
  /** World units. */
  near: number
  far: number
}

/** Share of the points that may lie outside near..far: structure from motion leaves some far off. */
const OUTLIERS = 0.005
/** Room left before the nearest and behind the farthest point. */
const [NEAR_ROOM, FAR_ROOM] = [0.75, 1.25]
/** near and far over the distance of what the cameras look at, where no point says more. The person reaches half way to the camera at most. */
const [NEAR_OF_FOCUS, FAR_OF_FOCUS] = [0.5, 1.5]
/** Most points that are looked at: percentiles need no more. */
const MOST_POINTS = 20_000

/**
 * Bounds that enclose the person and the background. Background points alone would put near behind the face, so near is also at most half the distance to
 * the point the cameras look at. Given values are kept; the scene is scaled so that cameras and points fit a ball of radius 1, as Nerfies does.
 * Throws when near and far, given or found, are not 0 <= near < far.
 */
export function sceneBounds({ name, frames, points, center, scale, near, far }: Omit<ImportedCapture, 'warnings' | 'format'>): SceneBounds {
  const cameras = frames.flatMap(frame => (frame.camera ? [frame.camera] : []))
  const picked = pickPoints(points ?? new Float32Array(0))
  const depths = picked.length > 0 ? pointDepths(cameras, picked) : []
  const isGiven = center !== undefined && near !== undefined && far !== undefined
  const found = isGiven ? { center, near, far } : { ...findBounds(cameras, depths, near, far), ...(center && { center }) }
  if (!(found.near >= 0 && found.near < found.far && Number.isFinite(found.far))) {
    const values = `near is ${found.near} and far ${found.far} (world units)`
    throw new CaptureError(`${name}: ${values}; they must be 0 <= near < far, correct the file or leave them out`)
  }
  return { ...found, scale: scale ?? 1 / radius(cameras, picked, found.center, found.far) }
}

function findBounds(cameras: Camera[], depths: readonly number[], near: number | undefined, far: number | undefined): Omit<SceneBounds, 'scale'> {
  const middle = near !== undefined && far !== undefined ? (near + far) / 2 : (depths[depths.length >> 1] ?? 1)
  const focus = focusPoint(cameras, { distance: middle })
  const distances = cameras.map(camera => depth(camera, focus)).filter(distance => distance > 0)
  const [nearest, farthest] = distances.length > 0 ? [Math.min(...distances), Math.max(...distances)] : [middle, middle]
  const at = (share: number): number | undefined => depths[Math.min(depths.length - 1, Math.floor(share * depths.length))]
  return {
    center: focus,
    near: near ?? Math.min(NEAR_OF_FOCUS * nearest, NEAR_ROOM * (at(OUTLIERS) ?? Number.POSITIVE_INFINITY)),
    far: far ?? Math.max(FAR_OF_FOCUS * farthest, FAR_ROOM * (at(1 - OUTLIERS) ?? 0)),
  }
}

/** Depths at which the cameras see the points, ascending. */
function pointDepths(cameras: readonly Camera[], points: readonly Vector3[]): number[] {
  const every = Math.max(1, Math.floor(cameras.length / 32))
  const seen = cameras.filter((_, i) => i % every === 0).flatMap(camera => points.map(point => depth(camera, point)))
  return seen.filter(z => z > 0).sort((a, b) => a - b)
}

function pickPoints(points: Float32Array): Vector3[] {
  const count = points.length / 3
  const step = Math.max(1, count / MOST_POINTS)
  const picked: Vector3[] = []
  for (let i = 0; i < count; i += step) {
    const at = 3 * Math.floor(i)
    picked.push([points[at], points[at + 1], points[at + 2]])
  }
  return picked
}

/** Of a ball about the origin that holds the cameras and all but the outlying points. */
function radius(cameras: readonly Camera[], points: readonly Vector3[], origin: Vector3, far: number): number {
  const toPoints = points.map(point => length(subtract(point, origin))).sort((a, b) => a - b)
  const toCameras = cameras.map(camera => length(subtract(camera.position, origin)))
  const reach = Math.max(...toCameras, toPoints[Math.floor((1 - OUTLIERS) * (toPoints.length - 1))] ?? 0)
  return reach > 0 ? reach : far
}
