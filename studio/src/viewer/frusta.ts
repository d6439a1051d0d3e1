/** Cameras of the capture as little pyramids in the picture. */
import type { FrameInfo, Pose, SceneInfo, Vector } from '../protocol/messages.ts'
import { projector } from './projection.ts'
import { add, multiply } from './vectors.ts'

/** A camera's lines in the picture, in units of its width and height (0..1). */
export interface Frustum {
  readonly id: string
  readonly split: FrameInfo['split']
  /** An SVG path. */
  readonly path: string
  /** Of the camera's own place. */
  readonly at: readonly [number, number]
}

/** Length of a pyramid in space units. */
const LENGTH = 0.16

/** Where points are in the picture of `pose`, in units of its width and height; undefined behind it. */
export function projection(scene: Pick<SceneInfo, 'halfView' | 'center'>, pose: Pose): (point: Vector) => readonly [number, number] | undefined {
  const project = projector(scene, pose)
  return point => project(point)?.at
}

/** The pyramids that can be seen from `pose`. */
export function frusta({ frames, halfView, center }: Pick<SceneInfo, 'frames' | 'halfView' | 'center'>, pose: Pose): Frustum[] {
  const project = projection({ halfView, center }, pose)
  return frames.flatMap(({ id, split, pose: { position, orientation } }) => {
    const corner = (x: number, y: number): Vector => {
      const side = add(multiply(orientation[0], x * halfView[0]), multiply(orientation[1], y * halfView[1]))
      return add(position, multiply(add(orientation[2], side), LENGTH))
    }
    const at = project(position)
    const corners = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)].map(project)
    if (!at || corners.some(c => !c)) return []
    const seen = corners as (readonly [number, number])[]
    if (![at, ...seen].some(([x, y]) => x > -0.2 && x < 1.2 && y > -0.2 && y < 1.2)) return []
    const text = ([x, y]: readonly [number, number]): string => `${(100 * x).toFixed(2)} ${(100 * y).toFixed(2)}`
    const path = `M${seen.map(text).join('L')}Z${seen.map(c => `M${text(at)}L${text(c)}`).join('')}`
    return [{ id, split, path, at }]
  })
}
