/** Rays through the pixels of a camera, made on the device: a picture of any size costs an upload of 32 numbers (camera/rays.ts is the same on the host). */
import type { Camera } from '../../camera/camera.ts'
import { pixelsToRays } from '../../camera/rays.ts'
import type { Vector3 } from '../../camera/vector.ts'
import { apply, type Op } from '../op.ts'
import { detach, elements, input, output, showShape, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

/** Numbers of a camera on the device: the fields of `Camera` in their order, then the first pixel of the rays. */
export const CAMERA_NUMBERS = 32
const FIRST_PIXEL = 24

/** A camera as numbers for the device. @param first the first ray goes through this pixel, counted row by row; below 2^24. */
export function cameraNumbers(camera: Camera, first = 0): Float32Array {
  const { orientation, position, focalLength, principalPoint, skew, pixelAspectRatio, radialDistortion, tangentialDistortion, imageSize } = camera
  const fields = [orientation, position, focalLength, principalPoint, skew, pixelAspectRatio, radialDistortion, tangentialDistortion, imageSize]
  const numbers = new Float32Array(CAMERA_NUMBERS)
  numbers.set((fields as readonly (number | readonly number[] | readonly Vector3[])[]).flat(2) as number[])
  numbers[FIRST_PIXEL] = first
  return numbers
}

/** The camera that `cameraNumbers` wrote down. */
function cameraOf(n: ArrayLike<number>): Camera {
  const vector = (at: number): Vector3 => [n[at], n[at + 1], n[at + 2]]
  return {
    orientation: [vector(0), vector(3), vector(6)],
    position: vector(9),
    focalLength: n[12],
    principalPoint: [n[13], n[14]],
    skew: n[15],
    pixelAspectRatio: n[16],
    radialDistortion: vector(17),
    tangentialDistortion: [n[20], n[21]],
    imageSize: [n[22], n[23]],
  }
}

/** Newton steps that undo the lens distortion; one fewer than on the host changes nothing in f32. */
const RAY_WGSL = `fn distort(p: vec2f) -> vec2f {
  let r2 = dot(p, p);
  let radial = 1.0 + r2 * (camera[17] + r2 * (camera[18] + r2 * camera[19]));
  return p * radial + vec2f(2.0 * camera[20] * p.x * p.y + camera[21] * (r2 + 2.0 * p.x * p.x), 2.0 * camera[21] * p.x * p.y + camera[20] * (r2 + 2.0 * p.y * p.y));
}
fn undistort(goal: vec2f) -> vec2f {
  var p = goal;
  if (camera[17] == 0.0 && camera[18] == 0.0 && camera[19] == 0.0 && camera[20] == 0.0 && camera[21] == 0.0) { return p; }
  for (var step = 0u; step < 9u; step++) {
    let r2 = dot(p, p);
    let radial = 1.0 + r2 * (camera[17] + r2 * (camera[18] + r2 * camera[19]));
    let slope = 2.0 * (camera[17] + r2 * (2.0 * camera[18] + r2 * 3.0 * camera[19]));
    let off = distort(p) - goal;
    let xx = radial + slope * p.x * p.x + 2.0 * camera[20] * p.y + 6.0 * camera[21] * p.x;
    let xy = slope * p.x * p.y + 2.0 * camera[20] * p.x + 2.0 * camera[21] * p.y;
    let yy = radial + slope * p.y * p.y + 2.0 * camera[21] * p.x + 6.0 * camera[20] * p.y;
    let denominator = xx * yy - xy * xy;
    if (abs(denominator) < 1e-9) { break; }
    p -= vec2f(off.x * yy - off.y * xy, off.y * xx - off.x * xy) / denominator;
  }
  return p;
}
fn pixelRay(x: f32, y: f32) -> vec3f {
  let yd = (y - camera[14]) / (camera[12] * camera[16]);
  let p = undistort(vec2f((x - camera[13] - camera[15] * yd) / camera[12], yd));
  return normalize(p.x * vec3f(camera[0], camera[1], camera[2]) + p.y * vec3f(camera[3], camera[4], camera[5]) + vec3f(camera[6], camera[7], camera[8]));
}
`

const CAMERA_RAYS: Op<{ readonly rays: number }> = {
  name: 'cameraRays',
  shape: ([camera], { rays }) => {
    if (elements(camera.shape) !== CAMERA_NUMBERS)
      throw new Error(`cameraRays: a camera is ${CAMERA_NUMBERS} numbers (see cameraNumbers), got ${showShape(camera.shape)}`)
    if (!(Number.isInteger(rays) && rays > 0)) throw new Error(`cameraRays: ${rays} rays; give a whole number above 0`)
    return [
      { shape: [rays, 3], dtype: 'f32' },
      { shape: [rays, 3], dtype: 'f32' },
    ]
  },
  wgsl: (_, { rays }) => ({
    dispatches: [
      itemKernel({
        label: 'cameraRays',
        reads: [{ name: 'camera', ref: input(0) }],
        writes: [
          { name: 'origins', ref: output(0) },
          { name: 'directions', ref: output(1) },
        ],
        declarations: RAY_WGSL,
        items: rays,
        // rays beyond the last pixel repeat it
        body: `  let width = u32(camera[22]);
  let pixel = min(u32(camera[${FIRST_PIXEL}]) + i, width * u32(camera[23]) - 1u);
  let d = pixelRay(f32(pixel % width) + 0.5, f32(pixel / width) + 0.5);
  for (var axis = 0u; axis < 3u; axis++) {
    origins[3u * i + axis] = camera[9u + axis];
    directions[3u * i + axis] = d[axis];
  }`,
      }),
    ],
  }),
  reference: ([numbers], [origins, directions], _, { rays }) => {
    const camera = cameraOf(numbers)
    const [width, height] = camera.imageSize
    const pixels = new Float64Array(2 * rays)
    for (let i = 0; i < rays; i++) {
      const pixel = Math.min(numbers[FIRST_PIXEL] + i, width * height - 1)
      pixels[2 * i] = (pixel % width) + 0.5
      pixels[2 * i + 1] = Math.floor(pixel / width) + 0.5
      origins.set(camera.position, 3 * i)
    }
    directions.set(pixelsToRays(camera, pixels))
  },
}

/**
 * Rays through `rays` pixels from a camera's first on: origins and unit directions [R, 3] in the camera's units; those beyond its last pixel repeat it.
 * @param camera what `cameraNumbers` says, [32]. Throws for another length.
 */
export function cameraRays(camera: Tensor, rays: number): { origins: Tensor; directions: Tensor } {
  const [origins, directions] = apply(CAMERA_RAYS, [detach(camera)], { rays })
  return { origins, directions }
}
