/** A point or direction [x, y, z]. */
export type Vector3 = [number, number, number]

/** A 3 × 3 matrix as its rows. */
export type Matrix3 = [Vector3, Vector3, Vector3]

export function add(a: Vector3, b: Vector3): Vector3 {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

export function subtract(a: Vector3, b: Vector3): Vector3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

export function multiply(a: Vector3, factor: number): Vector3 {
  return [a[0] * factor, a[1] * factor, a[2] * factor]
}

export function dot(a: Vector3, b: Vector3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

export function cross(a: Vector3, b: Vector3): Vector3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

export function length(a: Vector3): number {
  return Math.hypot(a[0], a[1], a[2])
}

/** `a` at unit length; `what` names it in the error for a zero vector, which has no direction. */
export function normalize(a: Vector3, what: string): Vector3 {
  const size = length(a)
  if (!(size > 1e-12)) throw new Error(`${what} is [${a}], which has no direction; pass a vector that is not zero`)
  return multiply(a, 1 / size)
}

/** The mean of at least one vector. */
export function mean(vectors: Vector3[]): Vector3 {
  return multiply(vectors.reduce(add, [0, 0, 0]), 1 / vectors.length)
}

/** rows · v: with a camera's orientation, a world direction in camera axes. */
export function transform(rows: Matrix3, v: Vector3): Vector3 {
  return [dot(rows[0], v), dot(rows[1], v), dot(rows[2], v)]
}

/** rowsᵀ · v: with a camera's orientation, a camera direction in world axes. */
export function transformTransposed(rows: Matrix3, v: Vector3): Vector3 {
  return [
    rows[0][0] * v[0] + rows[1][0] * v[1] + rows[2][0] * v[2],
    rows[0][1] * v[0] + rows[1][1] * v[1] + rows[2][1] * v[2],
    rows[0][2] * v[0] + rows[1][2] * v[1] + rows[2][2] * v[2],
  ]
}

export function determinant(rows: Matrix3): number {
  return dot(rows[0], cross(rows[1], rows[2]))
}
