import type { Pose } from '../../studio/src/protocol/messages.ts'

/** Looks at the origin from the front, 2 away: right is +x, down +y, forward +z. */
export const FRONTAL: Pose = {
  position: [0, 0, -2],
  orientation: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  zoom: 1,
}
