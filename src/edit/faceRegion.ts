/**
 * Regions of the face in which an edit may act: unions of ellipsoids in space, so that a region is the same from every view. A name is placed in the frame of
 * the face, which the anchors tell: where they differ are mouth and eyes (see faceFrame).
 */
import { dot, type Matrix3, type Vector3 } from '../camera/vector.ts'
import { type Device, tensor } from '../tensor/device.ts'
import { concat } from '../tensor/ops/concat.ts'
import { dense } from '../tensor/ops/dense.ts'
import { affine, exp, mul, softplus } from '../tensor/ops/elementwise.ts'
import { sumLast } from '../tensor/ops/reduce.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** An ellipsoid: |rows · (x − centre)| < 1, space units. */
export interface RegionPart {
  readonly centre: Vector3
  readonly rows: Matrix3
}

/** What an edit file keeps of a region: plain data. */
export interface FaceRegion {
  readonly name: string
  readonly parts: readonly RegionPart[]
}

/** Border of a part: its weight is σ(SHARPNESS · (1 − r²)), 0.98 at r = 0.8 and 0.02 at r = 1.2. */
const SHARPNESS = 9

/** Products of two coordinates of a point, by their numbers: what |rows · (x − centre)|² consists of beside the coordinates themselves. */
const PRODUCTS = [
  [0, 0],
  [1, 1],
  [2, 2],
  [0, 1],
  [0, 2],
  [1, 2],
] as const

/**
 * How far points [Q, 3] in space units belong to a region, [Q]: 1 − Π over parts of (1 − σ(s · (1 − r²))), smooth, 1 within and 0 (as f32) two radii off.
 * Throws for a region without parts.
 */
export function regionWeight(device: Device, { name, parts }: FaceRegion): (x: Tensor) => Tensor {
  if (parts.length === 0) throw new Error(`regionWeight: region "${name}" has no part; give at least one ellipsoid`)
  const n = parts.length
  // s · (1 − r²) of all parts at once, as a table over the products and the coordinates, so that a part takes one number of memory per point.
  const table = new Float32Array(9 * n)
  const offsets = new Float32Array(n)
  for (const [p, { centre, rows }] of parts.entries()) {
    const shifts = rows.map(row => -dot(row, centre))
    const column = (a: number, b: number): number => rows.reduce((sum, row) => sum + row[a] * row[b], 0)
    for (const [k, [a, b]] of PRODUCTS.entries()) table[k * n + p] = -SHARPNESS * (a === b ? 1 : 2) * column(a, b)
    for (let c = 0; c < 3; c++) table[(6 + c) * n + p] = -SHARPNESS * rows.reduce((sum, row, i) => sum + 2 * row[c] * shifts[i], 0)
    offsets[p] = SHARPNESS * (1 - shifts.reduce((sum, shift) => sum + shift * shift, 0))
  }
  const chosen = (side: 0 | 1): Tensor =>
    tensor(
      device,
      Float32Array.from({ length: 18 }, (_, i) => (PRODUCTS[i % 6][side] === Math.floor(i / 6) ? 1 : 0)),
      [3, 6],
    )
  const [first, second, w, b] = [chosen(0), chosen(1), tensor(device, table, [9, n]), tensor(device, offsets, [n])]
  return x => {
    const products = mul(dense(x, first), dense(x, second)) // [Q, 6]
    const nearness = dense(concat([products, x]), w, b) // [Q, n]
    // log(1 − σ(z)) = −softplus(z), which neither under- nor overflows
    return affine(exp(affine(sumLast(softplus(nearness)), -1)), -1, 1)
  }
}
