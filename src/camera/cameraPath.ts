/**
 * Camera paths with a timeline of expressions, as nerfstudio's viewer keeps the former in camera_path.json: keyframes that one sets, and the frames between
 * them. Cameras are in the world of the capture's camera files; expressions stand in the same file under a key of our own, which nerfstudio leaves alone.
 */
import type { Camera } from './camera.ts'
import type { Pose } from './openGlPose.ts'
import { slerp } from './rotation.ts'
import type { Vector3 } from './vector.ts'

/** Where a camera is and how wide it sees. */
export interface PathPose extends Pose {
  /** Vertical field of view, degrees. */
  readonly fov: number
}

/** A camera that the path passes. */
export interface PathKeyframe extends PathPose {
  /** Seconds from the keyframe before it, or with `closed` for the first, from the last one; default the path's `transition`. */
  readonly transition?: number
}

/** Which face is shown at a time: an edit, a frame's, a mix of frames', or with none of them the unedited one. */
export interface ExpressionKeyframe {
  /** Seconds. */
  readonly time: number
  /** Path of an .edit file, relative to the path's own. */
  readonly edit?: string
  /** Id of a frame. */
  readonly frame?: string
  /** Weight of each frame's code, by id; w_R has the rest. */
  readonly weights?: Readonly<Record<string, number>>
  /** 0 is the unedited face. Default 1. */
  readonly strength?: number
  /** Of an edit that mixes anchors: a factor on the strength for each of them, neutral first. Default 1. */
  readonly gains?: readonly number[]
}

/** A film: cameras at keyframes, and the expressions shown on the way. */
export interface CameraPath {
  /** px */
  readonly width: number
  readonly height: number
  readonly fps: number
  readonly seconds: number
  /** Whether it leads back to its first keyframe. */
  readonly closed: boolean
  /** Seconds between keyframes, where they do not say otherwise. */
  readonly transition: number
  /** How tightly positions follow the keyframes: 0 is a Catmull-Rom curve, 1 stops at each (the tension of Kochanek and Bartels 1984). */
  readonly tension: number
  readonly keyframes: readonly PathKeyframe[]
  /** Every frame, where the file has them; else they come from the keyframes. */
  readonly frames: readonly PathPose[]
  readonly expressions: readonly ExpressionKeyframe[]
}

/** Frames of a path: those written in it, else those its keyframes lead through. Throws for a path with neither. */
export function pathFrames(path: CameraPath): readonly PathPose[] {
  if (path.frames.length > 0) return path.frames
  const { fps, seconds } = path
  const count = Math.max(1, Math.round(fps * seconds))
  return Array.from({ length: count }, (_, i) => poseAt(path, i / fps))
}

/** The camera of every frame, in the capture's world: pinholes with the principal point in the middle. */
export function pathCameras(path: CameraPath): Camera[] {
  const { width, height } = path
  return pathFrames(path).map(({ orientation, position, fov }) => ({
    orientation,
    position,
    focalLength: height / 2 / Math.tan((fov * Math.PI) / 360),
    principalPoint: [width / 2, height / 2],
    skew: 0,
    pixelAspectRatio: 1,
    radialDistortion: [0, 0, 0],
    tangentialDistortion: [0, 0],
    imageSize: [width, height],
  }))
}

/** A camera as a keyframe: what is no pinhole of square pixels is left behind. */
export function keyframeOf({ orientation, position, focalLength, pixelAspectRatio, imageSize }: Camera): PathKeyframe {
  return { orientation, position, fov: (360 / Math.PI) * Math.atan(imageSize[1] / (2 * focalLength * pixelAspectRatio)) }
}

/** When the path is at each keyframe, in seconds; a closed path has one more, its first again. */
export function keyframeTimes({ keyframes, transition, closed }: CameraPath): number[] {
  const times = [0]
  for (const keyframe of [...keyframes.slice(1), ...(closed ? keyframes.slice(0, 1) : [])])
    times.push(times[times.length - 1] + (keyframe.transition ?? transition))
  return times
}

/** The pose at a time: positions on a cardinal spline through the keyframes at their times, orientations on great arcs, the field of view on a line. */
export function poseAt(path: CameraPath, time: number): PathPose {
  const { keyframes, closed, tension } = path
  if (keyframes.length === 0) throw new Error('poseAt: the path has no keyframes; set at least one')
  const times = keyframeTimes(path)
  const last = times.length - 1
  if (last === 0) return keyframes[0]
  const whole = times[last]
  const t = closed && whole > 0 ? ((time % whole) + whole) % whole : Math.min(whole, Math.max(0, time))
  const next = times.findIndex(end => end > t)
  const span = next < 0 ? last - 1 : next - 1
  const count = keyframes.length
  const key = (k: number): PathKeyframe => keyframes[closed ? (k + count) % count : Math.min(count - 1, Math.max(0, k))]
  const lengthOf = (k: number): number => {
    const i = closed ? (k + last) % last : k
    return i < 0 || i >= last ? 0 : times[i + 1] - times[i]
  }
  const duration = lengthOf(span)
  const u = duration > 0 ? (t - times[span]) / duration : 0
  const [from, to] = [key(span), key(span + 1)]
  const curve = { before: lengthOf(span - 1), duration, after: lengthOf(span + 1), u, tension }
  const place = [0, 1, 2].map(axis =>
    splineAt([key(span - 1).position[axis], from.position[axis], to.position[axis], key(span + 2).position[axis]], curve),
  ) as Vector3
  return { position: place, orientation: slerp(from.orientation, to.orientation, u), fov: from.fov + (to.fov - from.fov) * u }
}

/** The cubic from p1 to p2 whose slopes are the mean velocities through them; at the path's ends, where a span has no length, the slope that bends least. */
function splineAt(
  [p0, p1, p2, p3]: readonly [number, number, number, number],
  { before, duration, after, u, tension }: { before: number; duration: number; after: number; u: number; tension: number },
): number {
  if (duration === 0) return p1
  const chord = (p2 - p1) / duration
  const slope = (velocity: number, length: number): number => (velocity * duration + chord * length) / (length + duration)
  const free = (other: number): number => (3 * chord - other) / 2
  const inner = [before > 0 ? slope((p1 - p0) / before, before) : undefined, after > 0 ? slope((p3 - p2) / after, after) : undefined]
  const m1 = (inner[0] ?? free(inner[1] ?? chord)) * (1 - tension) * duration
  const m2 = (inner[1] ?? free(inner[0] ?? chord)) * (1 - tension) * duration
  return p1 * (1 + u * u * (2 * u - 3)) + m1 * u * (1 - u) ** 2 + p2 * u * u * (3 - 2 * u) + m2 * u * u * (u - 1)
}

/** The expressions around a time and how far it is from one to the other, 0..1; undefined without expressions. */
export function expressionAt<T extends { readonly time: number }>(
  expressions: readonly T[],
  time: number,
): { from: T; to: T; share: number } | undefined {
  const sorted = [...expressions].sort((a, b) => a.time - b.time)
  if (sorted.length === 0) return undefined
  const next = sorted.findIndex(keyframe => keyframe.time > time)
  const to = next < 0 ? sorted[sorted.length - 1] : sorted[next]
  const from = next === 0 ? to : (sorted[next - 1] ?? to)
  const share = to.time > from.time ? (time - from.time) / (to.time - from.time) : 0
  return { from, to, share }
}
