/** A camera whose every number counts. */
import type { Camera } from '../../src/camera/camera.ts'
import { lookAt } from '../../src/camera/paths.ts'

export const DISTORTED: Camera = {
  orientation: lookAt([1, 0.5, -2], [0, 0, 0], [0, 1, 0]),
  position: [1, 0.5, -2],
  focalLength: 20,
  principalPoint: [8.2, 6.7],
  skew: 0.3,
  pixelAspectRatio: 1.1,
  radialDistortion: [0.05, -0.02, 0.004],
  tangentialDistortion: [0.003, -0.002],
  imageSize: [17, 13],
}
