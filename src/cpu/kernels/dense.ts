// y = activation(x W + b) and its backward pass. W is [in, out], row-major, like every tensor here.
//
// W is copied into panels of 8 columns (the last one of 4 when that is enough), zero-padded, so that the inner loop reads it in order
// from the first-level cache and odd sizes need no second code path.

import { multiplyBy4, multiplyBy8, outerBy4, outerBy8, sumRowsOf8 } from './blocks'
import { SCRATCH_DZ, SCRATCH_DZ_BYTES, SCRATCH_PACK, SCRATCH_PACK_BYTES, SCRATCH_ZERO, scratch } from './layout'
import { activationBackward } from './simdMath'
import { multiplyByColumn, scaleColumn, sumScaledRows } from './singleColumn'

/** Panels kept at once: three quarters of a 32 KiB first-level cache. */
const RESIDENT_BYTES: i32 = 24 * 1024
/** Longest inner sum of one pass; longer ones are done in several, so that a few panels stay in the cache. */
const MAX_DEPTH: i32 = 256
/** Rows that one group of panels is applied to before the next panel: their x stays in the cache. */
const ROW_TILE: i32 = 64
/** Rows of dz worked on at once: x and dz of 64 columns then take 16 KiB each. */
const TILE_BYTES: i32 = 16 * 1024

// @ts-ignore: decorator
@inline
function panelColumns(left: i32): i32 {
  return left > 4 ? 8 : 4
}

/** Copies matrix[k][column ..end) into panels at `to`; element (k, j) of the matrix is at k * rowStride + j * columnStride bytes. */
function packPanels(matrix: usize, rowStride: usize, columnStride: usize, depth: i32, column: i32, end: i32, to: usize): void {
  while (column < end) {
    const wide = panelColumns(end - column)
    const width = min(wide, end - column)
    const from = matrix + usize(column) * columnStride
    if (width == wide && columnStride == 4) packRows(from, rowStride, depth, wide, to)
    else if (width == wide && rowStride == 4) packTransposed(from, columnStride, depth, wide, to)
    else packPadded(from, rowStride, columnStride, depth, width, wide, to)
    column += wide
    to += usize(depth * wide) << 2
  }
}

function packRows(from: usize, rowStride: usize, depth: i32, wide: i32, to: usize): void {
  for (let k = 0; k < depth; k++) {
    v128.store(to, v128.load(from))
    if (wide == 8) v128.store(to, v128.load(from, 16), 16)
    from += rowStride
    to += usize(wide) << 2
  }
}

/** Rows of the panel are columns in memory: 4 x 4 transposes. */
function packTransposed(from: usize, columnStride: usize, depth: i32, wide: i32, to: usize): void {
  const stride = usize(wide) << 2
  for (let half = 0; half < wide; half += 4) {
    let r0 = from
    let r1 = r0 + columnStride
    let r2 = r1 + columnStride
    let r3 = r2 + columnStride
    let out = to
    let k = depth
    for (; k >= 4; k -= 4) {
      const a = v128.load(r0)
      const b = v128.load(r1)
      const c = v128.load(r2)
      const d = v128.load(r3)
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5)
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
      const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
      const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
      v128.store(out, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5))
      v128.store(out + stride, v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7))
      v128.store(out + stride * 2, v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5))
      v128.store(out + stride * 3, v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7))
      r0 += 16
      r1 += 16
      r2 += 16
      r3 += 16
      out += stride << 2
    }
    for (; k > 0; k--) {
      v128.store(out, f32x4(load<f32>(r0), load<f32>(r1), load<f32>(r2), load<f32>(r3)))
      r0 += 4
      r1 += 4
      r2 += 4
      r3 += 4
      out += stride
    }
    from += columnStride << 2
    to += 16
  }
}

function packPadded(from: usize, rowStride: usize, columnStride: usize, depth: i32, width: i32, wide: i32, to: usize): void {
  for (let k = 0; k < depth; k++) {
    let source = from
    for (let j = 0; j < wide; j++) {
      store<f32>(to, j < width ? load<f32>(source) : 0)
      source += columnStride
      to += 4
    }
    from += rowStride
  }
}

/** out = activation(x M + init) for packed columns [column, end); initMask 0 starts every panel from the same zeros. */
function multiplyPanels(
  x: usize, xStride: usize, rows: i32, depth: i32, panels: usize, column: i32, end: i32,
  init: usize, initStride: usize, initMask: usize, out: usize, outStride: usize, activation: i32,
): void {
  for (let row = 0; row < rows; row += ROW_TILE) {
    const tile = min(ROW_TILE, rows - row)
    let panel = panels
    for (let j = column; j < end; j += 8) {
      const width = end - j
      const bytes = usize(j) << 2
      const first = init + (bytes & initMask)
      if (width > 4) multiplyBy8(x, xStride, tile, depth, panel, first, initStride, out + bytes, outStride, width, activation)
      else multiplyBy4(x, xStride, tile, depth, panel, first, initStride, out + bytes, outStride, width, activation)
      panel += usize(depth) << 5
    }
    x += xStride * tile
    init += initStride * tile
    out += outStride * tile
  }
}

/**
 * out[rows, columns] = activation(x[rows, depth] M + bias), M addressed by strides in bytes (so that W and its transpose both serve).
 * `packed`: the panels of this very M are already in the scratch (only true where fitsResident).
 */
function multiply(
  x: usize, xStride: usize, rows: i32, depth: i32, matrix: usize, rowStride: usize, columnStride: usize, columns: i32,
  bias: usize, out: usize, outStride: usize, activation: i32, packed: bool,
): void {
  const panels = scratch() + SCRATCH_PACK
  for (let k = 0; k < depth || k == 0; k += MAX_DEPTH) {
    const part = min(MAX_DEPTH, depth - k)
    const last = k + part >= depth
    const group = max(8, (RESIDENT_BYTES / (max(part, 1) * 32)) << 3)
    let init = out
    let initStride = outStride
    if (k == 0) {
      init = bias == 0 ? scratch() + SCRATCH_ZERO : bias
      initStride = 0
    }
    const initMask: usize = k == 0 && bias == 0 ? 0 : -1
    for (let column = 0; column < columns; column += group) {
      const end = min(columns, column + group)
      if (!packed) packPanels(matrix + usize(k) * rowStride, rowStride, columnStride, part, column, end, panels)
      multiplyPanels(x + (usize(k) << 2), xStride, rows, part, panels, column, end, init, initStride, initMask, out, outStride, last ? activation : 0)
    }
  }
}

function fitsResident(depth: i32, columns: i32): bool {
  return depth <= MAX_DEPTH && ((columns + 7) >> 3) <= max(1, RESIDENT_BYTES / (max(depth, 1) * 32))
}

/** (x, W, b or 0, y, nIn, nOut, activation); items = rows. */
export function denseForward(args: usize, begin: i32, end: i32): void {
  const nIn = load<i32>(args, 16)
  const nOut = load<i32>(args, 20)
  const xStride = usize(nIn) << 2
  const yStride = usize(nOut) << 2
  const x = <usize>load<u32>(args) + usize(begin) * xStride
  const y = <usize>load<u32>(args, 12) + usize(begin) * yStride
  const matrix: usize = load<u32>(args, 4)
  const bias: usize = load<u32>(args, 8)
  const activation = load<i32>(args, 24)
  if (nOut == 1) multiplyByColumn(x, xStride, end - begin, nIn, matrix, bias == 0 ? scratch() + SCRATCH_ZERO : bias, y, activation)
  else multiply(x, xStride, end - begin, nIn, matrix, yStride, 4, nOut, bias, y, yStride, activation, false)
}

/** dz = dy * activation'(y) into rows of zStride bytes, the padding zeroed. */
function tileBackward(y: usize, dy: usize, rows: i32, nOut: i32, to: usize, zStride: usize, activation: i32): void {
  const rowBytes = usize(nOut) << 2
  let even = usize(nOut & ~3) << 2
  if (even == rowBytes && zStride == rowBytes) {
    // no padding: one long row
    even *= rows
    rows = 1
  }
  for (let r = 0; r < rows; r++) {
    for (let j: usize = 0; j < even; j += 16) v128.store(to + j, activationBackward(v128.load(y + j), v128.load(dy + j), activation))
    if (nOut & 3) {
      let yLast = v128.load32_zero(y + even)
      let dyLast = v128.load32_zero(dy + even)
      if (nOut & 2) {
        yLast = v128.load32_lane(y + even, yLast, 1, 4)
        dyLast = v128.load32_lane(dy + even, dyLast, 1, 4)
      }
      if ((nOut & 3) == 3) {
        yLast = v128.load32_lane(y + even, yLast, 2, 8)
        dyLast = v128.load32_lane(dy + even, dyLast, 2, 8)
      }
      v128.store(to + even, activationBackward(yLast, dyLast, activation))
    }
    y += rowBytes
    dy += rowBytes
    to += zStride
  }
}

/** partial dW (and db after it) of one tile; `first` starts the sums at zero. */
function tileWeights(x: usize, xStride: usize, rows: i32, z: usize, zStride: usize, nIn: i32, nOut: i32, partial: usize, first: bool): void {
  const zero = scratch() + SCRATCH_ZERO
  const stride = usize(nOut) << 2
  const sums = partial + stride * nIn
  for (let j = 0; j < nOut; j += 8) {
    const bytes = usize(j) << 2
    const width = nOut - j
    const out = partial + bytes
    const init = first ? zero : out
    const initStride: usize = first ? 0 : stride
    if (width > 4) outerBy8(x, xStride, nIn, rows, z + bytes, zStride, init, initStride, out, stride, width)
    else outerBy4(x, xStride, nIn, rows, z + bytes, zStride, init, initStride, out, stride, width)
    sumRowsOf8(z + bytes, zStride, rows, first ? zero : sums + bytes, sums + bytes, width)
  }
}

/** (x, W, y, dy, dx or 0, partial or 0, nIn, nOut, activation, grain); items = rows; partial holds [chunk][nIn * nOut + nOut]: dW, then db. */
export function denseBackward(args: usize, begin: i32, end: i32): void {
  const nIn = load<i32>(args, 24)
  const nOut = load<i32>(args, 28)
  const activation = load<i32>(args, 32)
  const matrix: usize = load<u32>(args, 4)
  const xStride = usize(nIn) << 2
  const yStride = usize(nOut) << 2
  let x = <usize>load<u32>(args) + usize(begin) * xStride
  let y = <usize>load<u32>(args, 8) + usize(begin) * yStride
  let dy = <usize>load<u32>(args, 12) + usize(begin) * yStride
  const dxBase: usize = load<u32>(args, 16)
  let dx = dxBase + usize(begin) * xStride
  const partialBase: usize = load<u32>(args, 20)
  const partial = partialBase + usize(begin / load<i32>(args, 36)) * ((usize(nIn) * usize(nOut) + usize(nOut)) << 2)

  const single = nOut == 1
  const inPlace = activation == 0 && (single || (nOut & 3) == 0)
  const zStride = inPlace || single ? yStride : usize((nOut + 3) & ~3) << 2
  const tile = max(1, min(min(128, max(64, TILE_BYTES / i32(zStride))), inPlace ? 128 : i32(SCRATCH_DZ_BYTES) / i32(zStride)))
  const resident = fitsResident(nOut, nIn)
  for (let row = begin; row < end; row += tile) {
    const rows = min(tile, end - row)
    const z = inPlace ? dy : scratch() + SCRATCH_DZ
    if (!inPlace) tileBackward(y, dy, single ? 1 : rows, single ? rows : nOut, z, zStride, activation)
    if (single) {
      if (dxBase != 0) scaleColumn(z, rows, matrix, nIn, dx)
      if (partialBase != 0) sumScaledRows(z, rows, x, nIn, partial, row == begin)
    } else {
      if (dxBase != 0) multiply(z, zStride, rows, nOut, matrix, 4, yStride, nIn, 0, dx, xStride, 0, resident && row != begin)
      if (partialBase != 0) tileWeights(x, xStride, rows, z, zStride, nIn, nOut, partial, row == begin)
    }
    x += xStride * rows
    y += yStride * rows
    dy += yStride * rows
    dx += xStride * rows
  }
}

/** (partial, out, chunks, stride, offset) in floats; out[i] = sum over chunks, in their order, of partial[chunk * stride + offset + i]. */
export function reducePartials(args: usize, begin: i32, end: i32): void {
  const chunks = load<i32>(args, 8)
  const stride = usize(load<i32>(args, 12)) << 2
  let from = <usize>load<u32>(args) + (usize(load<i32>(args, 16) + begin) << 2)
  let out = <usize>load<u32>(args, 4) + (usize(begin) << 2)
  let left = end - begin
  for (; left >= 8; left -= 8) {
    let a = f32x4.splat(0)
    let b = f32x4.splat(0)
    let p = from
    for (let c = 0; c < chunks; c++) {
      a = f32x4.add(a, v128.load(p))
      b = f32x4.add(b, v128.load(p, 16))
      p += stride
    }
    v128.store(out, a)
    v128.store(out, b, 16)
    from += 32
    out += 32
  }
  for (; left > 0; left--) {
    let sum: f32 = 0
    let p = from
    for (let c = 0; c < chunks; c++) {
      sum += load<f32>(p)
      p += stride
    }
    store<f32>(out, sum)
    from += 4
    out += 4
  }
}
