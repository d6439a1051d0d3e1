/** Poses of programs that look along -z with y up (OpenGL, Blender, nerfstudio), as OpenCV's, and back: signs only, so nothing is rounded. */
import type { Matrix3, Vector3 } from './vector.ts'
import { determinant, dot, length, multiply } from './vector.ts'

export interface Pose {
  /** Rows right, down, forward. */
  orientation: Matrix3
  position: Vector3
}

const LAST_ROW_TOLERANCE = 1e-6

/**
 * From a camera-to-world matrix, 3 x 4 or 4 x 4 row by row, columns right, up, back, position. A matrix that also scales (some exporters leave the scene's
 * scale in it) is freed of it, with a note. Throws, naming the matrix, when it is no rotation: singular, sheared or a mirror image.
 */
export function poseFromOpenGl(matrix: readonly number[], where: string, note: (text: string) => void, field = 'transform_matrix'): Pose {
  if (matrix.length === 16) {
    const last = matrix.slice(12)
    // inverses and products leave a rounding there
    if (last.some((value, i) => Math.abs(value - (i === 3 ? 1 : 0)) > LAST_ROW_TOLERANCE))
      throw new Error(`${where}: "${field}" ends in the row [${last}], not [0,0,0,1]; write camera-to-world matrices row by row`)
  }
  const column = (k: number, sign: number): Vector3 => [sign * matrix[k] + 0, sign * matrix[4 + k] + 0, sign * matrix[8 + k] + 0]
  const rows: Matrix3 = [column(0, 1), column(1, -1), column(2, -1)]
  return { orientation: rotationOf(rows, where, note), position: [matrix[3], matrix[7], matrix[11]] }
}

/** The camera-to-world matrix of a pose, [4, 4]. */
export function poseToOpenGl({ orientation: [right, down, forward], position }: Pose): number[][] {
  return [...[0, 1, 2].map(k => [right[k], -down[k] + 0, -forward[k] + 0, position[k]]), [0, 0, 0, 1]]
}

/** The rows as a rotation. What `Camera` accepts as one stays exactly as it is; a common scale is divided out, with a note. */
export function rotationOf(rows: Matrix3, where: string, note: (text: string) => void): Matrix3 {
  const lengths = rows.map(length)
  const scale = lengths.reduce((a, b) => a + b, 0) / 3
  const even = scale > 1e-12 && lengths.every(size => Math.abs(size / scale - 1) < 1e-3)
  const square = [dot(rows[0], rows[1]), dot(rows[1], rows[2]), dot(rows[0], rows[2])].every(product => Math.abs(product) < 1e-3 * scale * scale)
  if (!even || !square) throw new Error(`${where}: the rotation ${JSON.stringify(rows)} is singular or sheared; export this pose again`)
  if (determinant(rows) < 0)
    throw new Error(`${where}: the rotation ${JSON.stringify(rows)} is a mirror image; export right-handed camera-to-world matrices`)
  if (lengths.every(size => Math.abs(size * size - 1) < 1e-3)) return rows
  note(`poses that scale by ${scale.toPrecision(3)}: the scale was taken out of the rotation`)
  return rows.map((row, i) => multiply(row, 1 / lengths[i])) as Matrix3
}
