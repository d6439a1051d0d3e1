/** Smoothness of maps: mean squared differences of neighbouring rows plus those of neighbouring columns (the authors' form of Eq. 16). */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Shape, showShape, type Tensor } from '../tensor.ts'
import { sum } from './reduce.ts'
import { float, itemKernel } from './wgsl.ts'

/** Row length in elements, image length in elements, and the factors that turn sums into means. */
function strides([height, width, channels]: Shape): { row: number; all: number; channels: number; rowScale: number; columnScale: number } {
  const row = width * channels
  return { row, all: height * row, channels, rowScale: 1 / ((height - 1) * row), columnScale: 1 / (height * (width - 1) * channels) }
}

/** Element (u, v, k): its share of the mean, from the differences to the next row and the next column. */
const SQUARED_DIFFERENCES: Op<null> = {
  name: 'squaredDifferences',
  shape: ([maps]) => {
    if (maps.shape.length !== 3 || maps.shape[0] < 2 || maps.shape[1] < 2)
      throw new Error(`totalVariation: maps must be [H, W, K] with H and W at least 2, got ${showShape(maps.shape)}`)
    return [{ shape: maps.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [maps] }) => {
    const { row, all, channels, rowScale, columnScale } = strides(maps.shape)
    const body = `  var s = 0.0;
  if (i + ${row}u < ${all}u) { let d = x[i + ${row}u] - x[i]; s += ${float(rowScale)} * d * d; }
  if (i % ${row}u + ${channels}u < ${row}u) { let d = x[i + ${channels}u] - x[i]; s += ${float(columnScale)} * d * d; }
  y[i] = s;`
    const reads = [{ name: 'x', ref: input(0) }]
    return { dispatches: [itemKernel({ label: 'squaredDifferences', reads, writes: [{ name: 'y', ref: output(0) }], items: all, body })] }
  },
  reference: ([x], [y], { inputs: [maps] }) => {
    const { row, all, channels, rowScale, columnScale } = strides(maps.shape)
    for (let i = 0; i < all; i++) {
      const down = i + row < all ? x[i + row] - x[i] : 0
      const right = (i % row) + channels < row ? x[i + channels] - x[i] : 0
      y[i] = rowScale * down * down + columnScale * right * right
    }
  },
  backward: ({ inputs: [maps], grads: [dy] }) => [dy && apply1(SQUARED_DIFFERENCES_BACKWARD, [maps, dy], null)],
}

const SQUARED_DIFFERENCES_BACKWARD: Op<null> = {
  name: 'squaredDifferencesBackward',
  shape: ([maps]) => [{ shape: maps.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [maps] }) => {
    const { row, all, channels, rowScale, columnScale } = strides(maps.shape)
    const [down, right] = [float(2 * rowScale), float(2 * columnScale)]
    const body = `  let v = x[i];
  let c = i % ${row}u;
  var s = 0.0;
  if (i + ${row}u < ${all}u) { s += ${down} * dy[i] * (v - x[i + ${row}u]); }
  if (i >= ${row}u) { s += ${down} * dy[i - ${row}u] * (v - x[i - ${row}u]); }
  if (c + ${channels}u < ${row}u) { s += ${right} * dy[i] * (v - x[i + ${channels}u]); }
  if (c >= ${channels}u) { s += ${right} * dy[i - ${channels}u] * (v - x[i - ${channels}u]); }
  dx[i] = s;`
    const reads = ['x', 'dy'].map((name, index) => ({ name, ref: input(index) }))
    return {
      dispatches: [
        itemKernel({ label: 'squaredDifferencesBackward', reads, writes: [{ name: 'dx', ref: output(0) }], items: elements(maps.shape), body }),
      ],
    }
  },
  reference: ([x, dy], [dx], { inputs: [maps] }) => {
    const { row, all, channels, rowScale, columnScale } = strides(maps.shape)
    for (let i = 0; i < all; i++) {
      let rows = 0
      let columns = 0
      if (i + row < all) rows += dy[i] * (x[i] - x[i + row])
      if (i >= row) rows += dy[i - row] * (x[i] - x[i - row])
      if ((i % row) + channels < row) columns += dy[i] * (x[i] - x[i + channels])
      if (i % row >= channels) columns += dy[i - channels] * (x[i] - x[i - channels])
      dx[i] = 2 * (rowScale * rows + columnScale * columns)
    }
  },
}

/** Mean squared row differences + mean squared column differences of maps [H, W, K]; a scalar []. Throws below 2 x 2 pixels. */
export function totalVariation(maps: Tensor): Tensor {
  return sum(apply1(SQUARED_DIFFERENCES, [maps], null))
}
