import type { Matrix3 } from './vector.ts'

export type Quaternion = [number, number, number, number]

/** The rotation a share `t` of the way from one to the other, along the shorter great arc. */
export function slerp(from: Matrix3, to: Matrix3, t: number): Matrix3 {
  const a = quaternion(from)
  const b = quaternion(to)
  const cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
  const angle = Math.acos(Math.min(1, Math.abs(cosine)))
  // Below 1e-6 rad the arc is a straight line to double precision, and sin(angle) would divide by nearly zero.
  const [wa, wb] = angle < 1e-6 ? [1 - t, t] : [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)]
  const sign = cosine < 0 ? -wb : wb
  return rotationFromQuaternion([wa * a[0] + sign * b[0], wa * a[1] + sign * b[1], wa * a[2] + sign * b[2], wa * a[3] + sign * b[3]])
}

/** Unit quaternion (w, x, y, z), dividing by the largest of its four parts so that no rotation is badly conditioned. */
export function quaternion(m: Matrix3): Quaternion {
  const squares = [1 + m[0][0] + m[1][1] + m[2][2], 1 + m[0][0] - m[1][1] - m[2][2], 1 - m[0][0] + m[1][1] - m[2][2], 1 - m[0][0] - m[1][1] + m[2][2]]
  const s = 0.5 / Math.sqrt(Math.max(...squares))
  const [zy, xz, yx] = [m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]]
  const [xy, xzSum, yz] = [m[0][1] + m[1][0], m[0][2] + m[2][0], m[1][2] + m[2][1]]
  const rows: Quaternion[] = [
    [squares[0], zy, xz, yx],
    [zy, squares[1], xy, xzSum],
    [xz, xy, squares[2], yz],
    [yx, xzSum, yz, squares[3]],
  ]
  return rows[squares.indexOf(Math.max(...squares))].map(value => value * s) as Quaternion
}

/** The rotation of a quaternion (w, x, y, z) of any length but 0, row by row. */
export function rotationFromQuaternion(q: Quaternion): Matrix3 {
  const size = Math.hypot(...q)
  const [w, x, y, z] = q.map(value => value / size)
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ]
}
