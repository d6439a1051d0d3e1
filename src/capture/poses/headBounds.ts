/** Near and far of a capture whose head is at the origin, metres. */
import type { Camera } from '../../camera/camera.ts'
import { depth } from '../../camera/rays.ts'
import { length, type Vector3 } from '../../camera/vector.ts'

/** From between the eyes to the nearest of nose, hair and hands near the face. */
const HEAD_REACH = 0.14
/** Room before that: structure from motion and a mean face are off by some per cent. */
const NEAR_ROOM = 0.8
/** The head and the shoulders behind it. */
const BEHIND_HEAD = 0.35
/** Share of the room's points that may lie beyond far, and room behind the others. */
const BEYOND = 0.02
const FAR_ROOM = 1.1
/** Far is at most this many times the distance of the head: a window's view would thin out the samples, and its parallax is none. */
const FARTHEST = 12
const LEAST_NEAR = 0.02

/** Bounds that enclose the head, and the room where its points [n, 3] are known. */
export function headBounds(cameras: readonly Camera[], points: Float32Array = new Float32Array(0)): { near: number; far: number } {
  const distances = cameras.map(({ position }) => length(position))
  const [nearest, farthest] = [Math.min(...distances), Math.max(...distances)]
  const depths = roomDepths(cameras, points)
  const room = depths[Math.min(depths.length - 1, Math.floor((1 - BEYOND) * depths.length))] ?? 0
  return {
    near: Math.max(LEAST_NEAR, NEAR_ROOM * (nearest - HEAD_REACH)),
    far: Math.max(farthest + BEHIND_HEAD, Math.min(FARTHEST * farthest, FAR_ROOM * room)),
  }
}

/** Depths at which some of the cameras see the points, ascending. */
function roomDepths(cameras: readonly Camera[], points: Float32Array): number[] {
  const every = Math.max(1, Math.floor(cameras.length / 24))
  const some = Math.max(1, Math.floor(points.length / 3 / 5000))
  const depths: number[] = []
  for (let c = 0; c < cameras.length; c += every) {
    for (let i = 0; i < points.length; i += 3 * some) {
      const z = depth(cameras[c], [points[i], points[i + 1], points[i + 2]] as Vector3)
      if (z > 0) depths.push(z)
    }
  }
  return depths.sort((a, b) => a - b)
}
