/**
 * The networks' coordinates. A capture's units say little about where the face is; networks and grids want it near the unit ball.
 * Space units put the point all cameras look at in the origin and half a picture's width there at 1; contract() then folds the room in.
 */
import { type Camera, toScene } from '../camera/camera.ts'
import { focusPoint } from '../camera/paths.ts'
import { add, length, multiply, subtract, type Vector3 } from '../camera/vector.ts'

export interface Space {
  /** Origin, in the capture's scene units. */
  readonly center: Vector3
  /** One space unit, in the capture's scene units. */
  readonly radius: number
}

/** Space of a capture, from its cameras alone. near and far (scene units) place the focus when the optical axes are parallel. */
export function spaceOf(cameras: readonly Camera[], near: number, far: number): Space {
  const center = focusPoint([...cameras], { distance: (near + far) / 2 })
  const halfWidths = cameras.map(c => (length(subtract(c.position, center)) * c.imageSize[0]) / (2 * c.focalLength))
  const radius = halfWidths.sort((a, b) => a - b)[halfWidths.length >> 1]
  if (!(radius > 0)) throw new Error(`spaceOf: the cameras sit on the point they look at (radius ${radius}); check the camera positions`)
  return { center, radius }
}

/** A camera of the capture (scene units) in space units. */
export const intoSpace = (camera: Camera, { center, radius }: Space): Camera => toScene(camera, 1 / radius, center)

/** The inverse of `intoSpace`. */
export const outOfSpace = (camera: Camera, { center, radius }: Space): Camera => ({
  ...camera,
  position: add(multiply(camera.position, radius), center),
})

/** Points [n, 3] in scene units -> space units. */
export function pointsIntoSpace(points: Float32Array, { center, radius }: Space): Float32Array {
  return points.map((value, i) => (value - center[i % 3]) / radius)
}
