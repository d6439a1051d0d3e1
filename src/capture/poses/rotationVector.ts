import type { Matrix3, Vector3 } from '../../camera/vector.ts'

/** The rotation about a vector's direction by its length in radians (Rodrigues). */
export function rotationOf([x, y, z]: Vector3): Matrix3 {
  const angle = Math.hypot(x, y, z)
  // Below this the series is exact to double precision and the division would not be.
  const small = angle < 1e-5
  const s = small ? 1 - (angle * angle) / 6 : Math.sin(angle) / angle
  const c = small ? 0.5 - (angle * angle) / 24 : (1 - Math.cos(angle)) / (angle * angle)
  return [
    [1 - c * (y * y + z * z), c * x * y - s * z, c * x * z + s * y],
    [c * x * y + s * z, 1 - c * (x * x + z * z), c * y * z - s * x],
    [c * x * z - s * y, c * y * z + s * x, 1 - c * (x * x + y * y)],
  ]
}

/** Radians between two rotations. */
export function angleBetween(a: Matrix3, b: Matrix3): number {
  let trace = 0
  for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) trace += a[i][j] * b[i][j]
  return Math.acos(Math.min(1, Math.max(-1, (trace - 1) / 2)))
}
