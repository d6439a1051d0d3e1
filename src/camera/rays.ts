import type { Camera } from './camera.ts'
import { length, multiply, subtract, transform, transformTransposed, type Vector3 } from './vector.ts'

/** Newton steps to undo the lens distortion; Nerfies uses as many, and portrait lenses converge in three or four. */
const NEWTON_STEPS = 10

/**
 * World directions of unit length through pixels: `pixels` [n, 2] as x, y (centres at +0.5) -> [n, 3].
 * All rays start at `camera.position`. Parity: camera.Camera.pixels_to_rays of the original code.
 */
export function pixelsToRays(camera: Camera, pixels: ArrayLike<number>): Float32Array {
  const count = pixels.length / 2
  if (!Number.isInteger(count)) throw new Error(`pixelsToRays: ${pixels.length} values are not x, y pairs; pass pixels [n, 2]`)
  const rays = new Float32Array(count * 3)
  for (let i = 0; i < count; i++) rays.set(pixelRay(camera, pixels[2 * i], pixels[2 * i + 1]), 3 * i)
  return rays
}

/**
 * Pixels of points: `points` [n, 3] in the camera's world -> [n, 2] as x, y in px.
 * Points behind the camera give the pixel of their mirror image; test `depth` first where that matters.
 */
export function project(camera: Camera, points: ArrayLike<number>): Float32Array {
  const count = points.length / 3
  if (!Number.isInteger(count)) throw new Error(`project: ${points.length} values are not x, y, z triples; pass points [n, 3]`)
  const pixels = new Float32Array(count * 2)
  for (let i = 0; i < count; i++) {
    const [x, y, z] = transform(camera.orientation, subtract([points[3 * i], points[3 * i + 1], points[3 * i + 2]], camera.position))
    const [xd, yd] = distort(camera, x / z, y / z)
    pixels[2 * i] = camera.focalLength * xd + camera.skew * yd + camera.principalPoint[0]
    pixels[2 * i + 1] = camera.focalLength * camera.pixelAspectRatio * yd + camera.principalPoint[1]
  }
  return pixels
}

/** Distance of a point along the camera's optical axis, in the units of its position; negative behind the camera. */
export function depth(camera: Camera, point: Vector3): number {
  return transform(camera.orientation, subtract(point, camera.position))[2]
}

/**
 * One ray per pixel centre of the whole image, row by row: `origins` and unit `directions`, both [H · W, 3].
 * A camera in world units becomes scene units with the capture's `scale` and `center`: origin = (position - center) · scale;
 * cameras of a loaded capture are in scene units already and need neither. Directions do not change.
 */
export function imageRays(
  camera: Camera,
  { scale = 1, center = [0, 0, 0] }: { scale?: number; center?: Vector3 } = {},
): { origins: Float32Array; directions: Float32Array } {
  const [width, height] = camera.imageSize
  const origin = multiply(subtract(camera.position, center), scale)
  const origins = new Float32Array(width * height * 3)
  const directions = new Float32Array(width * height * 3)
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 3) {
      directions.set(pixelRay(camera, column + 0.5, row + 0.5), at)
      origins.set(origin, at)
    }
  }
  return { origins, directions }
}

function pixelRay(camera: Camera, pixelX: number, pixelY: number): Vector3 {
  const yd = (pixelY - camera.principalPoint[1]) / (camera.focalLength * camera.pixelAspectRatio)
  const xd = (pixelX - camera.principalPoint[0] - camera.skew * yd) / camera.focalLength
  const [x, y] = undistort(camera, xd, yd)
  const world = transformTransposed(camera.orientation, [x, y, 1])
  return multiply(world, 1 / length(world))
}

/** Lens distortion of normalised coordinates (x/z, y/z); the formula is on `Camera`. */
function distort(camera: Camera, x: number, y: number): [number, number] {
  const [k1, k2, k3] = camera.radialDistortion
  const [p1, p2] = camera.tangentialDistortion
  const r2 = x * x + y * y
  const radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
  return [x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + 2 * p2 * x * y + p1 * (r2 + 2 * y * y)]
}

/** The inverse of `distort` by Newton's method from the distorted point. */
function undistort(camera: Camera, xd: number, yd: number): [number, number] {
  const [k1, k2, k3] = camera.radialDistortion
  const [p1, p2] = camera.tangentialDistortion
  if (k1 === 0 && k2 === 0 && k3 === 0 && p1 === 0 && p2 === 0) return [xd, yd]
  let x = xd
  let y = yd
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const [fx, fy] = distort(camera, x, y)
    const r2 = x * x + y * y
    const radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    const slope = 2 * (k1 + r2 * (2 * k2 + r2 * 3 * k3)) // d radial / d x = slope · x
    const dxx = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x
    const dxy = slope * x * y + 2 * p1 * x + 2 * p2 * y // equals dyx
    const dyy = radial + slope * y * y + 2 * p2 * x + 6 * p1 * y
    const denominator = dxx * dyy - dxy * dxy
    if (Math.abs(denominator) < 1e-9) break // the lens model folds over here; a step would jump to infinity
    x -= (dyy * (fx - xd) - dxy * (fy - yd)) / denominator
    y -= (dxx * (fy - yd) - dxy * (fx - xd)) / denominator
  }
  return [x, y]
}
