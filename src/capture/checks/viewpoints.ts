/** From where a capture shows the head, and which of its cameras cannot be right. */
import type { Camera } from '../../camera/camera.ts'
import { focusPoint } from '../../camera/paths.ts'
import { project } from '../../camera/rays.ts'
import { cross, dot, length, mean, multiply, normalize, subtract, type Vector3 } from '../../camera/vector.ts'

export interface Viewpoint {
  id: string
  /** Degrees around the head: yaw to the subject's left, pitch upwards; 0, 0 is the middle of all views. */
  yaw: number
  pitch: number
  /** From what the cameras look at, in the capture's units. */
  distance: number
  /** Place from above: to the right and towards the front, in units of the mean distance. */
  plan: [number, number]
  /** Direction of view from above, the same axes, at most 1 long. */
  looks: [number, number]
}

export interface Viewpoints {
  views: Viewpoint[]
  /** What the cameras look at. */
  focus: Vector3
  /** Mean distance of the cameras from it. */
  distance: number
}

/** Viewpoints of cameras in order of time. */
export function viewpoints(cameras: readonly { id: string; camera: Camera }[], distance: number): Viewpoints {
  const all = cameras.map(({ camera }) => camera)
  const focus = focusPoint(all, { distance })
  const up = normalize(mean(all.map(camera => multiply(camera.orientation[1], -1))), "the cameras' mean up axis")
  const offsets = all.map(camera => subtract(camera.position, focus))
  const back = mean(offsets)
  const front = normalize(subtract(back, multiply(up, dot(back, up))), 'the mean direction to the cameras')
  const right = cross(up, front)
  const usual = offsets.reduce((sum, offset) => sum + length(offset), 0) / offsets.length
  const views = cameras.map(({ id, camera }, i): Viewpoint => {
    const size = length(offsets[i])
    const forward = camera.orientation[2]
    return {
      id,
      yaw: degrees(Math.atan2(dot(offsets[i], right), dot(offsets[i], front))),
      pitch: degrees(Math.asin(Math.max(-1, Math.min(1, dot(offsets[i], up) / size)))),
      distance: size,
      plan: [dot(offsets[i], right) / usual, dot(offsets[i], front) / usual],
      looks: [dot(forward, right), dot(forward, front)],
    }
  })
  const middle = views.map(view => view.pitch).sort((a, b) => a - b)[views.length >> 1]
  for (const view of views) view.pitch -= middle
  return { views, focus, distance: usual }
}

/** A jump this many times the usual way between neighbours, and this share of the distance to the head, is no motion of a hand. */
const JUMP = 6
const LEAST_JUMP = 0.08
/** Degrees by which a camera's up axis may differ from the others'. */
const TILT = 30

/** Cameras that are probably wrong, each with the reason. Cameras in order of time. */
export function suspects(cameras: readonly { id: string; camera: Camera }[], { focus, distance }: Viewpoints): { id: string; why: string }[] {
  const up = normalize(mean(cameras.map(({ camera }) => multiply(camera.orientation[1], -1))), "the cameras' mean up axis")
  const steps = cameras.slice(1).map(({ camera }, i) => length(subtract(camera.position, cameras[i].camera.position)))
  const usual = [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? 0
  const limit = Math.max(JUMP * usual, LEAST_JUMP * distance)
  return cameras.flatMap(({ id, camera }, i) => {
    // Away from both neighbours while these are close to each other: one camera is wrong, not a cut in the video.
    const lone = i > 0 && i + 1 < cameras.length && steps[i - 1] > limit && steps[i] > limit
    if (lone && length(subtract(cameras[i + 1].camera.position, cameras[i - 1].camera.position)) < limit)
      return [{ id, why: 'it jumps away from its neighbours' }]
    const tilt = degrees(Math.acos(Math.max(-1, Math.min(1, -dot(camera.orientation[1], up)))))
    if (tilt > TILT) return [{ id, why: `it is tilted by ${tilt.toFixed(0)} degrees against the others` }]
    const [x, y] = project(camera, focus)
    const [width, height] = camera.imageSize
    const behind = dot(subtract(focus, camera.position), camera.orientation[2]) <= 0
    if (behind || x < 0 || y < 0 || x > width || y > height) return [{ id, why: 'it does not look at the head' }]
    return []
  })
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI
}
