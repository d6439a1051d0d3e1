/** Which points of a reconstruction are background: training holds them still, so a point on the person would hold the face. */
import type { Camera } from '../camera/camera.ts'
import { depth, project } from '../camera/rays.ts'
import type { Vector3 } from '../camera/vector.ts'
import type { Image } from '../io/imageCodec.ts'

/** A point that falls on the person in more than this share of the masks is taken as the person's; the person hides a point of the room in some of them only. */
const PERSON_SHARE = 0.9

/** About so many frames vote: more would not change the outcome. */
const FRAMES_ASKED = 40

export interface BackgroundVotes {
  /** Looks where the points fall in a frame's mask. */
  observe(camera: Camera, mask: Image | undefined): void
  /** [n, 3] the points that remain; pushes a warning where some were taken out, or none could be judged. */
  background(warnings: string[]): Float32Array
}

/** @param points [n, 3], world; @param frames how many frames there will be. */
export function backgroundVotes(points: Float32Array = new Float32Array(0), frames = 1): BackgroundVotes {
  const every = Math.ceil(frames / FRAMES_ASKED)
  let frame = 0
  const count = points.length / 3
  const [seen, person] = [new Uint32Array(count), new Uint32Array(count)]
  let masks = 0
  return {
    observe(camera, mask) {
      if (frame++ % every !== 0 || !mask || count === 0) return
      masks++
      const pixels = project(camera, points)
      for (let i = 0; i < count; i++) {
        const [x, y] = [Math.floor(pixels[2 * i]), Math.floor(pixels[2 * i + 1])]
        if (!(x >= 0 && y >= 0 && x < mask.width && y < mask.height)) continue
        const point: Vector3 = [points[3 * i], points[3 * i + 1], points[3 * i + 2]]
        if (depth(camera, point) <= 0) continue
        seen[i]++
        if (mask.data[y * mask.width + x] >= 128) person[i]++
      }
    },
    background(warnings) {
      if (count === 0) return points
      if (masks === 0) {
        warnings.push(`the ${count} points are taken as still background, because no masks tell the person from the room; give masks where you can`)
        return points
      }
      const kept: number[] = []
      for (let i = 0; i < count; i++) {
        if (person[i] <= PERSON_SHARE * seen[i]) kept.push(points[3 * i], points[3 * i + 1], points[3 * i + 2])
      }
      if (kept.length < points.length) warnings.push(`${count - kept.length / 3} of ${count} points lie on the person in the masks and were left out`)
      return Float32Array.from(kept)
    },
  }
}
