/**
 * Multi-view consistency by reprojection: what one view shows of a surface, a second view from nearby should show too. Every pixel of the first view is put into
 * space by its rendered depth, projected into the second, and compared with what that shows, where its own depth says that it sees the same surface.
 */
import type { Camera } from '../camera/camera.ts'
import { imageRays, project } from '../camera/rays.ts'
import { length, subtract, type Vector3 } from '../camera/vector.ts'

/** A picture with the distance that each ray goes, in the units of its camera's position. */
export interface DepthView {
  readonly camera: Camera
  /** [H · W · 3], sRGB 0..1 */
  readonly rgb: ArrayLike<number>
  /** [H · W] */
  readonly depth: ArrayLike<number>
}

export interface Consistency {
  /** Root mean square difference of sRGB over the pixels compared. */
  readonly error: number
  /** Share of the first view's pixels that `within` holds and the second view sees. */
  readonly compared: number
}

/** Depths that differ by less, as a share, are one surface. */
const SAME_SURFACE = 0.02

/** Compares two views of one scene. `within` keeps points of the first view (default all). Undefined when the views share no surface. */
export function reprojectionError(a: DepthView, b: DepthView, within: (point: Vector3) => boolean = () => true): Consistency | undefined {
  const [width, height] = b.camera.imageSize
  const { directions } = imageRays(a.camera)
  const { position } = a.camera
  let [sum, compared, wanted] = [0, 0, 0]
  for (let i = 0; i < a.depth.length; i++) {
    const point: Vector3 = [0, 1, 2].map(c => position[c] + directions[3 * i + c] * a.depth[i]) as Vector3
    if (!within(point)) continue
    wanted++
    const [x, y] = project(b.camera, point)
    if (!(x >= 0.5 && y >= 0.5 && x <= width - 0.5 && y <= height - 0.5)) continue
    const sample = bilinear(x - 0.5, y - 0.5, width, height)
    const far = length(subtract(point, b.camera.position))
    if (Math.abs(sample(b.depth, 1, 0) - far) > SAME_SURFACE * far) continue
    for (let c = 0; c < 3; c++) sum += (a.rgb[3 * i + c] - sample(b.rgb, 3, c)) ** 2
    compared++
  }
  return compared === 0 ? undefined : { error: Math.sqrt(sum / (3 * compared)), compared: compared / wanted }
}

/** Reads channel c of C between pixels. */
function bilinear(x: number, y: number, width: number, height: number): (values: ArrayLike<number>, channels: number, c: number) => number {
  const [x0, y0] = [Math.min(width - 2, Math.floor(x)), Math.min(height - 2, Math.floor(y))]
  const [u, v] = [x - x0, y - y0]
  return (values, channels, c) => {
    const at = (dx: number, dy: number): number => values[((y0 + dy) * width + x0 + dx) * channels + c]
    return (1 - v) * ((1 - u) * at(0, 0) + u * at(1, 0)) + v * ((1 - u) * at(0, 1) + u * at(1, 1))
  }
}
