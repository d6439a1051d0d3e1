/** Where points of space are in the picture. */
import type { Pose, SceneInfo, Vector } from '../protocol/messages.ts'
import { dot, subtract } from './vectors.ts'

/** Nearer to the viewer than this nothing is seen. */
const NEAR = 0.05

export interface Projected {
  /** Shares of the picture's width and height, from its top left corner. */
  readonly at: readonly [number, number]
  /** Along the view, space units. */
  readonly depth: number
}

/** Undefined for points behind the viewer. */
export function projector({ halfView, center }: Pick<SceneInfo, 'halfView' | 'center'>, pose: Pose): (point: Vector) => Projected | undefined {
  return point => {
    const p = subtract(point, pose.position)
    const [x, y, depth] = pose.orientation.map(axis => dot(axis, p))
    if (depth < NEAR) return undefined
    return { at: [center[0] + (0.5 * pose.zoom * x) / (depth * halfView[0]), center[1] + (0.5 * pose.zoom * y) / (depth * halfView[1])], depth }
  }
}
