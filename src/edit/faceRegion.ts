/**
 * Regions of the face in which an edit may act: unions of ellipsoids in space, so that a region is the same from every view. A name is placed in the frame of
 * the face, which the anchors tell: where they differ are mouth and eyes (see faceFrame).
 */
import type { Matrix3, Vector3 } from '../camera/vector.ts'
import { type Device, tensor } from '../tensor/device.ts'
import { dense } from '../tensor/ops/dense.ts'
import { add, affine, exp, softplus, square } from '../tensor/ops/elementwise.ts'
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

/** Parts that are computed together: what they need of memory stays below what a layer of the networks does. */
const TOGETHER = 8

/**
 * How far points [Q, 3] in space units belong to a region, [Q]: 1 − Π over parts of (1 − σ(s · (1 − r²))), smooth, 1 within and 0 (as f32) two radii off.
 * Throws for a region without parts.
 */
export function regionWeight(device: Device, { name, parts }: FaceRegion): (x: Tensor) => Tensor {
  if (parts.length === 0) throw new Error(`regionWeight: region "${name}" has no part; give at least one ellipsoid`)
  const groups = Array.from({ length: Math.ceil(parts.length / TOGETHER) }, (_, i) =>
    outsideLog(device, parts.slice(i * TOGETHER, (i + 1) * TOGETHER)),
  )
  return x => affine(exp(affine(groups.map(group => group(x)).reduce(add), -1)), -1, 1)
}

/** −log Π over parts of (1 − σ(s · (1 − r²))) at points [Q, 3], [Q]. */
function outsideLog(device: Device, parts: readonly RegionPart[]): (x: Tensor) => Tensor {
  const n = parts.length
  // r of all parts at once: x · rowsᵀ − rows · centre, [Q, 3] -> [Q, 3n]; |r|² by a table of ones, [3n, n].
  const axes = new Float32Array(9 * n)
  const offsets = new Float32Array(3 * n)
  const ones = new Float32Array(3 * n * n)
  for (const [p, { centre, rows }] of parts.entries()) {
    for (const [i, row] of rows.entries()) {
      for (let c = 0; c < 3; c++) axes[c * 3 * n + 3 * p + i] = row[c]
      offsets[3 * p + i] = -row.reduce((sum, value, c) => sum + value * centre[c], 0)
      ones[(3 * p + i) * n + p] = 1
    }
  }
  const [w, b, squares] = [tensor(device, axes, [3, 3 * n]), tensor(device, offsets, [3 * n]), tensor(device, ones, [3 * n, n])]
  return x => {
    const distance = dense(square(dense(x, w, b)), squares) // [Q, n]
    // log(1 − σ(z)) = −softplus(z), which neither under- nor overflows
    return sumLast(softplus(affine(distance, -SHARPNESS, SHARPNESS)))
  }
}
