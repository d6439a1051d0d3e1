/** How far reconstructed cameras are from true ones, after the similarity that fits them best: structure from motion knows no more. */
import type { Camera } from '../src/camera/camera.ts'
import {
  add,
  cross,
  dot,
  length,
  type Matrix3,
  mean,
  multiply,
  subtract,
  transform,
  transformTransposed,
  type Vector3,
} from '../src/camera/vector.ts'
import { angleBetween } from '../src/capture/poses/rotationVector.ts'

/** p' = scale · rotation · p + offset. */
export interface Similarity {
  rotation: Matrix3
  scale: number
  offset: Vector3
}

/** The similarity that takes the cameras `from` nearest to the cameras `to`, pair by pair: mean rotation, then least squares of the positions. */
export function fitSimilarity(from: readonly Camera[], to: readonly Camera[]): Similarity {
  const rotation = meanRotation(from.map((camera, i) => product(transposed(to[i].orientation), camera.orientation)))
  const [fromMiddle, toMiddle] = [mean(from.map(camera => camera.position)), mean(to.map(camera => camera.position))]
  let [above, below] = [0, 0]
  for (const [i, camera] of from.entries()) {
    const turned = transform(rotation, subtract(camera.position, fromMiddle))
    above += dot(turned, subtract(to[i].position, toMiddle))
    below += dot(turned, turned)
  }
  const scale = above / below
  return { rotation, scale, offset: subtract(toMiddle, multiply(transform(rotation, fromMiddle), scale)) }
}

export function placeCamera(camera: Camera, { rotation, scale, offset }: Similarity): Camera {
  return {
    ...camera,
    orientation: camera.orientation.map(row => transform(rotation, row)) as Matrix3,
    position: add(multiply(transform(rotation, camera.position), scale), offset),
  }
}

export interface CameraErrors {
  /** Degrees, one per pair. */
  rotation: number[]
  /** Share of the camera's distance to `face`, one per pair. */
  position: number[]
}

/** Errors of `found` against `truth` after the best similarity; `face` is a point of the truth's world. */
export function cameraErrors(found: readonly Camera[], truth: readonly Camera[], face: Vector3 = [0, 0, 0]): CameraErrors {
  const similarity = fitSimilarity(found, truth)
  const placed = found.map(camera => placeCamera(camera, similarity))
  return {
    rotation: placed.map((camera, i) => degrees(angleBetween(camera.orientation, truth[i].orientation))),
    position: placed.map((camera, i) => length(subtract(camera.position, truth[i].position)) / length(subtract(truth[i].position, face))),
  }
}

/** The rotation nearest to all of them: their mean made orthogonal by Newton's iteration of the polar decomposition. */
export function meanRotation(rotations: readonly Matrix3[]): Matrix3 {
  let m = [0, 1, 2].map(i => [0, 1, 2].map(j => rotations.reduce((sum, r) => sum + r[i][j], 0) / rotations.length)) as Matrix3
  for (let k = 0; k < 30; k++) {
    const inverse = inverseTransposed(m)
    m = m.map((row, i) => row.map((value, j) => (value + inverse[i][j]) / 2)) as Matrix3
  }
  return m
}

export function product(a: Matrix3, b: Matrix3): Matrix3 {
  return a.map(row => transformTransposed(b, row)) as Matrix3
}

export function transposed(m: Matrix3): Matrix3 {
  return [0, 1, 2].map(i => [m[0][i], m[1][i], m[2][i]] as Vector3) as Matrix3
}

function inverseTransposed([a, b, c]: Matrix3): Matrix3 {
  const columns = [cross(b, c), cross(c, a), cross(a, b)]
  const determinant = dot(a, columns[0])
  return columns.map(column => multiply(column, 1 / determinant)) as Matrix3
}

export function degrees(radians: number): number {
  return (radians * 180) / Math.PI
}

/** Median, 90th percentile and largest of some numbers. */
export function spread(values: readonly number[]): { median: number; p90: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: sorted[sorted.length >> 1], p90: sorted[Math.floor(0.9 * (sorted.length - 1))], max: sorted[sorted.length - 1] }
}
