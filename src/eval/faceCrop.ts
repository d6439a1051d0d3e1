/** The square around the face that encoders are shown: in it the face fills the picture as in the close-ups that edits are judged by. */
import type { Camera } from '../camera/camera.ts'
import { project } from '../camera/rays.ts'
import type { Vector3 } from '../camera/vector.ts'

/** Side of the square, as a share of the picture's shorter side. */
const CROP = 0.72

/** px */
export const cropSide = ({ imageSize }: Camera): number => Math.max(8, Math.round(CROP * Math.min(...imageSize)))

/** [side, side, 3] around the point's pixel; what lies outside the picture repeats its border. */
export function cropAround({ image, camera }: { image: ArrayLike<number>; camera: Camera }, focus: Vector3, side: number): Float32Array {
  const [width, height] = camera.imageSize
  const [x, y] = project(camera, focus)
  const [left, top] = [Math.round(x - side / 2), Math.round(y - side / 2)]
  const clamp = (value: number, size: number): number => Math.min(size - 1, Math.max(0, value))
  const out = new Float32Array(side * side * 3)
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      const from = (clamp(top + v, height) * width + clamp(left + u, width)) * 3
      for (let c = 0; c < 3; c++) out[(v * side + u) * 3 + c] = image[from + c]
    }
  }
  return out
}
