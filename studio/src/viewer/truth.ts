/** The capture's own picture over what is drawn: when it is right, and how strongly it is seen. */
import type { FrameInfo, Pose, SceneInfo } from '../protocol/messages.ts'
import { dot, length, subtract } from './vectors.ts'

export interface Truth {
  readonly on: boolean
  /** Laid over at a share, or subtracted. */
  readonly show: 'blend' | 'difference'
  /** 0 is what is drawn, 1 what was recorded. */
  readonly share: number
  /** Whether the face is drawn with the frame's own expression instead of the chosen one. */
  readonly recorded: boolean
}

export const NO_TRUTH: Truth = { on: false, show: 'blend', share: 0.5, recorded: true }

/** Space units and cosine within which a camera stands where a frame's did: less than a pixel. */
const NEAR = { distance: 2e-3, cosine: 1 - 1e-6, zoom: 1e-3 }

/** Whether the camera stands where a frame's camera stood. */
export function standsAt(pose: Pose, { pose: wanted }: FrameInfo): boolean {
  return (
    length(subtract(pose.position, wanted.position)) < NEAR.distance &&
    dot(pose.orientation[2], wanted.orientation[2]) > NEAR.cosine &&
    dot(pose.orientation[0], wanted.orientation[0]) > NEAR.cosine &&
    Math.abs(pose.zoom - wanted.zoom) < NEAR.zoom
  )
}

/** The frame `by` cameras on from one, or the first or last. */
export function frameAfter({ frames }: SceneInfo, from: string | undefined, by: number): FrameInfo {
  const at = frames.findIndex(({ id }) => id === from)
  return frames[at < 0 && Number.isFinite(by) ? 0 : Math.min(frames.length - 1, Math.max(0, at + by))]
}
