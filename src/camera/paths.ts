import { type Camera, scaleCamera } from './camera.ts'
import { slerp } from './rotation.ts'
import { add, cross, determinant, dot, length, type Matrix3, mean, multiply, normalize, subtract, type Vector3 } from './vector.ts'

/** An orbit swings at least this far (radians) by default, so that a capture from one spot still shows depth. */
const LEAST_YAW = 0.1

/** Mean sin² of the angle between optical axes below which they count as parallel (0.001 is about 1.8 degrees). */
const PARALLEL = 1e-3

/** A camera's orientation that looks from `position` at `target` with `up` upwards in the image. Throws when up is along the view. */
export function lookAt(position: Vector3, target: Vector3, up: Vector3): Matrix3 {
  const forward = normalize(subtract(target, position), 'lookAt: target - position')
  const right = normalize(cross(forward, up), 'lookAt: view × up')
  return [right, cross(forward, right), forward]
}

/**
 * The point the cameras look at: the one nearest to all optical axes (least squares).
 * If the axes are parallel (or there is one camera), or meet behind the cameras, there is no such point; then it is the point
 * `distance` ahead of the mean camera position along the mean axis (for a capture pass the middle of near and far).
 */
export function focusPoint(cameras: Camera[], { distance = 1 }: { distance?: number } = {}): Vector3 {
  requireCameras(cameras, 'focusPoint')
  const position = mean(cameras.map(camera => camera.position))
  // Sum over cameras of (I - d dᵀ) (p - position) = 0, solved by Cramer's rule.
  const matrix: Matrix3 = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]
  let right: Vector3 = [0, 0, 0]
  for (const { orientation, position: center } of cameras) {
    const d = orientation[2]
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) matrix[i][j] += ((i === j ? 1 : 0) - d[i] * d[j]) / cameras.length
    const offset = subtract(center, position)
    right = add(right, multiply(subtract(offset, multiply(d, dot(d, offset))), 1 / cameras.length))
  }
  const size = determinant(matrix)
  if (size >= PARALLEL) {
    const solution = add(position, [0, 1, 2].map(column => determinant(replaceColumn(matrix, column, right)) / size) as Vector3)
    // asked of each camera: around an object the axes cancel, and their mean says nothing
    const inFront = cameras.filter(({ orientation, position: center }) => dot(orientation[2], subtract(solution, center)) > 0)
    if (2 * inFront.length > cameras.length) return solution
  }
  const axis = normalize(mean(cameras.map(camera => camera.orientation[2])), 'focusPoint: the mean optical axis')
  return add(position, multiply(axis, distance))
}

/** What `orbit` and `spiral` share. Angles are radians about the mean view of the cameras. */
export interface PathOptions {
  /** Cameras of the path; default 60 of an orbit, 120 of a spiral. */
  frames?: number
  /** Largest swing left and right, radians; default: that of the cameras, at least 0.1. */
  yaw?: number
  /** Largest swing up and down, radians; default: that of the cameras. */
  pitch?: number
  /** What the path looks at; default `focusPoint(cameras, { distance })`. */
  focus?: Vector3
  /** Distance of the focus if the cameras' axes do not meet. */
  distance?: number
  /** Height of the images in px; default that of the first camera. */
  height?: number
}

/**
 * An ellipse about the focus, seen from the mean distance of the cameras and inside their range of directions: a closed loop whose
 * first frame is the rightmost. Intrinsics are those of the first camera.
 */
export function orbit(cameras: Camera[], { frames = 60, ...options }: PathOptions = {}): Camera[] {
  requireFrames(frames, 'orbit')
  const view = viewRange(cameras, 'orbit', options)
  return Array.from({ length: frames }, (_, i) => {
    const turn = (2 * Math.PI * i) / frames
    return view.at(view.yaw * Math.cos(turn), view.pitch * Math.sin(turn), 1)
  })
}

/** A closed loop of `turns` turns that opens from the mean view to the orbit's ellipse and closes again, moving nearer by `zoom` midway. */
export function spiral(
  cameras: Camera[],
  { frames = 120, turns = 2, zoom = 0.15, ...options }: PathOptions & { turns?: number; zoom?: number } = {},
): Camera[] {
  requireFrames(frames, 'spiral')
  const view = viewRange(cameras, 'spiral', options)
  return Array.from({ length: frames }, (_, i) => {
    const turn = (2 * Math.PI * turns * i) / frames
    const opening = Math.sin((Math.PI * i) / frames) ** 2
    return view.at(view.yaw * opening * Math.cos(turn), view.pitch * opening * Math.sin(turn), 1 - zoom * opening)
  })
}

/**
 * A path through keyframe cameras: positions on a Catmull-Rom curve, orientations on great arcs, intrinsics blended linearly.
 * The first and last frames are the first and last keyframes; with `closed` the path returns to the first (which is not repeated).
 */
export function interpolate(keyframes: Camera[], { frames = 60, closed = false }: { frames?: number; closed?: boolean } = {}): Camera[] {
  requireCameras(keyframes, 'interpolate')
  requireFrames(frames, 'interpolate')
  const count = keyframes.length
  const spans = closed ? count : count - 1
  const key = (index: number): Camera => keyframes[closed ? (index + count) % count : Math.min(count - 1, Math.max(0, index))]
  return Array.from({ length: frames }, (_, i) => {
    const along = (i * spans) / Math.max(1, closed ? frames : frames - 1)
    const span = Math.min(Math.floor(along), Math.max(0, spans - 1))
    const t = along - span
    const [before, from, to, after] = [key(span - 1), key(span), key(span + 1), key(span + 2)]
    return {
      orientation: slerp(from.orientation, to.orientation, t),
      position: [0, 1, 2].map(k => catmullRom(before.position[k], from.position[k], to.position[k], after.position[k], t)) as Vector3,
      focalLength: mix(from.focalLength, to.focalLength, t),
      principalPoint: mixPair(from.principalPoint, to.principalPoint, t),
      skew: mix(from.skew, to.skew, t),
      pixelAspectRatio: mix(from.pixelAspectRatio, to.pixelAspectRatio, t),
      radialDistortion: [0, 1, 2].map(k => mix(from.radialDistortion[k], to.radialDistortion[k], t)) as Vector3,
      tangentialDistortion: mixPair(from.tangentialDistortion, to.tangentialDistortion, t),
      imageSize: keyframes[0].imageSize,
    }
  })
}

/** The directions from which cameras saw what they look at, and a camera from any of them: what a mouse orbits in. */
export interface OrbitRange {
  /** Largest swing to each side of the mean view, radians. */
  readonly yaw: number
  /** Largest swing up and down, radians. */
  readonly pitch: number
  /** The camera `yaw` to the right of the mean view and `pitch` above it, at so many times the cameras' mean distance, with the first camera's lens. */
  at(yaw: number, pitch: number, distance: number): Camera
}

/** The range of a capture's cameras. Throws without cameras. */
export function orbitRange(cameras: Camera[], options: Omit<PathOptions, 'frames'> = {}): OrbitRange {
  return viewRange(cameras, 'orbitRange', options)
}

/** Polar coordinates about the focus: the cameras' mean direction is yaw 0, pitch 0; `up` is the mean of their upward axes. */
function viewRange(cameras: Camera[], caller: string, options: Omit<PathOptions, 'frames'>): OrbitRange {
  requireCameras(cameras, caller)
  const focus = options.focus ?? focusPoint(cameras, { distance: options.distance })
  const offsets = cameras.map(camera => subtract(camera.position, focus))
  const up = normalize(mean(cameras.map(camera => multiply(camera.orientation[1], -1))), `${caller}: the cameras' mean up axis`)
  const back = normalize(mean(offsets), `${caller}: mean camera position - focus`)
  const front = normalize(subtract(back, multiply(up, dot(back, up))), `${caller}: view direction across up`)
  const right = cross(up, front) // the image's right, seen from a camera that looks at the focus
  const angles = offsets.map(offset => {
    const unit = normalize(offset, `${caller}: camera position - focus`)
    return { yaw: Math.atan2(dot(unit, right), dot(unit, front)), pitch: Math.asin(Math.min(1, Math.max(-1, dot(unit, up)))) }
  })
  const middlePitch = angles.reduce((sum, angle) => sum + angle.pitch, 0) / angles.length
  const radius = offsets.reduce((sum, offset) => sum + length(offset), 0) / offsets.length
  const [width, height] = cameras[0].imageSize
  const resize = options.height === undefined ? 1 : options.height / height
  const size: [number, number] = [Math.round(width * resize), Math.round(height * resize)]
  const intrinsics = resize === 1 ? cameras[0] : scaleCamera(cameras[0], resize, size)
  return {
    yaw: options.yaw ?? Math.max(LEAST_YAW, ...angles.map(angle => Math.abs(angle.yaw))),
    pitch: options.pitch ?? Math.max(...angles.map(angle => Math.abs(angle.pitch - middlePitch))),
    at(yaw: number, pitch: number, distance: number): Camera {
      const elevation = middlePitch + pitch
      const level = add(multiply(front, Math.cos(yaw)), multiply(right, Math.sin(yaw)))
      const direction = add(multiply(level, Math.cos(elevation)), multiply(up, Math.sin(elevation)))
      const position = add(focus, multiply(direction, radius * distance))
      return { ...intrinsics, position, orientation: lookAt(position, focus, up) }
    },
  }
}

function catmullRom(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
}

function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t
}

function mixPair(a: [number, number], b: [number, number], t: number): [number, number] {
  return [mix(a[0], b[0], t), mix(a[1], b[1], t)]
}

function replaceColumn(matrix: Matrix3, column: number, values: Vector3): Matrix3 {
  return matrix.map((row, i) => row.map((value, j) => (j === column ? values[i] : value))) as Matrix3
}

function requireCameras(cameras: Camera[], caller: string): void {
  if (cameras.length === 0) throw new Error(`${caller}: no cameras given; pass at least one`)
}

function requireFrames(frames: number, caller: string): void {
  if (!Number.isInteger(frames) || frames < 1) throw new Error(`${caller}: frames is ${frames}; pass a whole number of at least 1`)
}
