/**
 * The world of a reconstruction whose scale and axes are arbitrary, laid around the head: origin between the eyes, x to the subject's left, +y up, z out of the
 * face, metres by the distance between the eyes.
 */
import { type Camera, validateCamera } from '../../camera/camera.ts'
import { focusPoint } from '../../camera/paths.ts'
import { pixelsToRays } from '../../camera/rays.ts'
import { add, cross, dot, length, type Matrix3, mean, multiply, normalize, subtract, transform, type Vector3 } from '../../camera/vector.ts'
import { eyeCenter, FIRST_LANDMARK, INTERPUPILLARY_DISTANCE, MEAN_FACE } from '../face/meanFace.ts'

export interface SeenFace {
  camera: Camera
  /** px of the camera's picture, 68 landmarks; absent where no face was found. */
  landmarks?: Float64Array
}

/** From the reconstruction's world to ours: p' = scale · rotation · (p - origin). */
export interface WorldFrame {
  origin: Vector3
  rotation: Matrix3
  /** Metres per unit of the reconstruction. */
  scale: number
  /** What was assumed, for want of a face. */
  warning?: string
}

/** A phone is held at about this distance, metres; used where no face tells the scale. */
const ARM_LENGTH = 0.5
/** Landmarks that expressions hardly move: the nose, and the corners of the eyes with their lids (their mean is the eye). */
const STABLE = [27, 28, 29, 30, 31, 33, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47]
/** Sine of the angle to a ray beyond which that ray counts less: about a fifth of an eye at arm's length. */
const RAY_DEVIATION = 0.01
/** The eyes must come out this far apart, as a share of their distance to the cameras, to be believed: 63 mm at 0.25 to 1.6 m. */
const EYES_OF_DISTANCE = [0.04, 0.25]

/** The frame of the head that the cameras saw. Without faces: the point all cameras look at, their mean up, and an arm's length. */
export function headFrame(seen: readonly SeenFace[]): WorldFrame {
  const cameras = seen.map(({ camera }) => camera)
  const up = normalize(mean(cameras.map(camera => multiply(camera.orientation[1], -1))), "the cameras' mean up axis")
  const withFace = seen.filter(({ landmarks }) => landmarks !== undefined)
  const found = withFace.length >= 3 ? triangulate(withFace) : undefined
  if (found) {
    const eyes: [Vector3, Vector3] = [eyeCenterOf(found, 0), eyeCenterOf(found, 1)]
    const apart = length(subtract(eyes[1], eyes[0]))
    const middle = multiply(add(eyes[0], eyes[1]), 0.5)
    const distance = median(cameras.map(camera => length(subtract(camera.position, middle))))
    if (apart > EYES_OF_DISTANCE[0] * distance && apart < EYES_OF_DISTANCE[1] * distance) {
      return { origin: middle, rotation: faceAxes(found, eyes, up), scale: INTERPUPILLARY_DISTANCE / apart }
    }
  }
  return withoutFace(cameras, up, withFace.length)
}

function withoutFace(cameras: Camera[], up: Vector3, faces: number): WorldFrame {
  const origin = focusPoint([...cameras])
  const toCameras = mean(cameras.map(camera => subtract(camera.position, origin)))
  const front = normalize(subtract(toCameras, multiply(up, dot(toCameras, up))), 'the direction to the cameras')
  const distance = median(cameras.map(camera => length(subtract(camera.position, origin))))
  return {
    origin,
    rotation: [cross(up, front), up, front],
    scale: ARM_LENGTH / distance,
    warning: `a face was found in ${faces === 0 ? 'no picture' : 'too few pictures, or not in one place'}; the camera was taken to be ${ARM_LENGTH} m away, so lengths are not to be trusted`,
  }
}

/** Axes from the eyes and the way from the mouth-side of the nose to the eyes: x along the eyes, y as near to the mean face's up as that allows. */
function faceAxes(points: ReadonlyMap<number, Vector3>, [right, left]: [Vector3, Vector3], up: Vector3): Matrix3 {
  const x = normalize(subtract(left, right), 'the line of the eyes')
  const nose = [31, 33, 35].flatMap(i => {
    const point = points.get(i)
    return point ? [point] : []
  })
  const toNose = nose.length > 0 ? subtract(mean(nose), multiply(add(left, right), 0.5)) : multiply(up, -1)
  const model = [31, 33, 35].map(i => MEAN_FACE[i - FIRST_LANDMARK])
  // where the nose's base lies from the eyes in a mean face: down and a little out
  const slope = subtract(mean(model), multiply(add(eyeCenter(MEAN_FACE, 0), eyeCenter(MEAN_FACE, 1)), 0.5))
  const across = subtract(toNose, multiply(x, dot(toNose, x)))
  const downward = normalize(across, "the way from the eyes to the nose's base")
  // Turn that way about x until it points straight down, as it does in the mean face when its axes are upright.
  const tilt = Math.atan2(slope[2], -slope[1])
  const outward = cross(x, multiply(downward, -1))
  const y = normalize(add(multiply(downward, -Math.cos(tilt)), multiply(outward, Math.sin(tilt))), 'the way up')
  return [x, y, cross(x, y)]
}

function eyeCenterOf(points: ReadonlyMap<number, Vector3>, side: 0 | 1): Vector3 {
  return eyeCenter(
    MEAN_FACE.map((_, i) => points.get(FIRST_LANDMARK + i) ?? [0, 0, 0]),
    side,
  )
}

/** Landmarks as points nearest to all rays that saw them; rays that pass far off count less (Cauchy weights, ten rounds). */
function triangulate(seen: readonly SeenFace[]): Map<number, Vector3> | undefined {
  const points = new Map<number, Vector3>()
  for (const landmark of STABLE) {
    const rays = seen.flatMap(({ camera, landmarks }) => {
      if (!landmarks) return []
      const [x, y, z] = pixelsToRays(camera, [landmarks[2 * landmark], landmarks[2 * landmark + 1]])
      return [{ from: camera.position, along: [x, y, z] as Vector3 }]
    })
    let point: Vector3 | undefined
    for (let round = 0; round < 10; round++) {
      const last = point
      point = nearestPoint(
        rays.map(({ from, along }) => {
          if (!last) return { from, along, weight: 1 }
          const to = subtract(last, from)
          const distance = length(to)
          const sine = length(cross(to, along)) / distance
          return { from, along, weight: 1 / (distance * distance * (1 + (sine / RAY_DEVIATION) ** 2)) }
        }),
      )
      if (!point) return undefined
    }
    if (point) points.set(landmark, point)
  }
  return points
}

/** Weighted least squares of the distances to rays: Σ w (I - ddᵀ)(p - o) = 0. Undefined where the rays are parallel. */
function nearestPoint(rays: readonly { from: Vector3; along: Vector3; weight: number }[]): Vector3 | undefined {
  const a: Matrix3 = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]
  let right: Vector3 = [0, 0, 0]
  let total = 0
  for (const { from, along, weight } of rays) {
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) a[i][j] += weight * ((i === j ? 1 : 0) - along[i] * along[j])
    right = add(right, multiply(subtract(from, multiply(along, dot(along, from))), weight))
    total += weight
  }
  const columns = [cross(a[1], a[2]), cross(a[2], a[0]), cross(a[0], a[1])] // a is symmetric
  const determinant = dot(a[0], columns[0])
  if (!(determinant > 1e-9 * total ** 3)) return undefined
  return [0, 1, 2].map(k => columns.reduce((sum, column, i) => sum + column[k] * right[i], 0) / determinant) as Vector3
}

/** A camera in the frame. */
export function cameraInFrame(camera: Camera, frame: WorldFrame): Camera {
  // rows of the orientation are directions in the old world; in the new one they are rotation · row
  const orientation = camera.orientation.map(row => transform(frame.rotation, row)) as Matrix3
  const moved = { ...camera, orientation, position: pointInFrame(camera.position, frame) }
  validateCamera(moved, 'the reconstruction')
  return moved
}

export function pointInFrame(point: Vector3, { origin, rotation, scale }: WorldFrame): Vector3 {
  return multiply(transform(rotation, subtract(point, origin)), scale)
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}
