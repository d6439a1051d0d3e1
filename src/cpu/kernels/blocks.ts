// Register blocks of the dense kernels: up to 4 rows x 8 columns of accumulators, fully unrolled by hand because the eight
// accumulators, two columns of B and one broadcast of A are what 16 vector registers hold.

import { activate } from './simdMath'

// @ts-ignore: decorator
@inline
function storeColumns4(out: usize, v: v128, width: i32): void {
  if (width >= 4) {
    v128.store(out, v)
    return
  }
  v128.store32_lane(out, v, 0)
  if (width > 1) v128.store32_lane(out, v, 1, 4)
  if (width > 2) v128.store32_lane(out, v, 2, 8)
}

// @ts-ignore: decorator
@inline
function storeColumns8(out: usize, a: v128, b: v128, width: i32): void {
  if (width >= 8) {
    v128.store(out, a)
    v128.store(out, b, 16)
    return
  }
  storeColumns4(out, a, width)
  if (width > 4) storeColumns4(out + 16, b, width - 4)
}

/**
 * out[i][0..8) = activation(init[i] + sum_k x[i][k] * panel[k][0..8)) for 4 rows; the first `width` columns are stored.
 * Strides are in bytes; initStride 0 repeats one row (a bias).
 */
export function rows4x8(x: usize, xStride: usize, depth: i32, panel: usize, init: usize, initStride: usize, out: usize, outStride: usize, width: i32, activation: i32): void {
  let c00 = v128.load(init)
  let c01 = v128.load(init, 16)
  let c10 = v128.load(init + initStride)
  let c11 = v128.load(init + initStride, 16)
  let c20 = v128.load(init + initStride * 2)
  let c21 = v128.load(init + initStride * 2, 16)
  let c30 = v128.load(init + initStride * 3)
  let c31 = v128.load(init + initStride * 3, 16)
  let x0 = x
  let x1 = x + xStride * 1
  let x2 = x + xStride * 2
  let x3 = x + xStride * 3
  let p = panel
  let k = depth
  for (; k >= 4; k -= 4) {
    const b00 = v128.load(p)
    const b01 = v128.load(p, 16)
    const a00 = v128.load32_splat(x0)
    c00 = f32x4.add(c00, f32x4.mul(a00, b00))
    c01 = f32x4.add(c01, f32x4.mul(a00, b01))
    const a01 = v128.load32_splat(x1)
    c10 = f32x4.add(c10, f32x4.mul(a01, b00))
    c11 = f32x4.add(c11, f32x4.mul(a01, b01))
    const a02 = v128.load32_splat(x2)
    c20 = f32x4.add(c20, f32x4.mul(a02, b00))
    c21 = f32x4.add(c21, f32x4.mul(a02, b01))
    const a03 = v128.load32_splat(x3)
    c30 = f32x4.add(c30, f32x4.mul(a03, b00))
    c31 = f32x4.add(c31, f32x4.mul(a03, b01))
    const b10 = v128.load(p, 32)
    const b11 = v128.load(p, 48)
    const a10 = v128.load32_splat(x0, 4)
    c00 = f32x4.add(c00, f32x4.mul(a10, b10))
    c01 = f32x4.add(c01, f32x4.mul(a10, b11))
    const a11 = v128.load32_splat(x1, 4)
    c10 = f32x4.add(c10, f32x4.mul(a11, b10))
    c11 = f32x4.add(c11, f32x4.mul(a11, b11))
    const a12 = v128.load32_splat(x2, 4)
    c20 = f32x4.add(c20, f32x4.mul(a12, b10))
    c21 = f32x4.add(c21, f32x4.mul(a12, b11))
    const a13 = v128.load32_splat(x3, 4)
    c30 = f32x4.add(c30, f32x4.mul(a13, b10))
    c31 = f32x4.add(c31, f32x4.mul(a13, b11))
    const b20 = v128.load(p, 64)
    const b21 = v128.load(p, 80)
    const a20 = v128.load32_splat(x0, 8)
    c00 = f32x4.add(c00, f32x4.mul(a20, b20))
    c01 = f32x4.add(c01, f32x4.mul(a20, b21))
    const a21 = v128.load32_splat(x1, 8)
    c10 = f32x4.add(c10, f32x4.mul(a21, b20))
    c11 = f32x4.add(c11, f32x4.mul(a21, b21))
    const a22 = v128.load32_splat(x2, 8)
    c20 = f32x4.add(c20, f32x4.mul(a22, b20))
    c21 = f32x4.add(c21, f32x4.mul(a22, b21))
    const a23 = v128.load32_splat(x3, 8)
    c30 = f32x4.add(c30, f32x4.mul(a23, b20))
    c31 = f32x4.add(c31, f32x4.mul(a23, b21))
    const b30 = v128.load(p, 96)
    const b31 = v128.load(p, 112)
    const a30 = v128.load32_splat(x0, 12)
    c00 = f32x4.add(c00, f32x4.mul(a30, b30))
    c01 = f32x4.add(c01, f32x4.mul(a30, b31))
    const a31 = v128.load32_splat(x1, 12)
    c10 = f32x4.add(c10, f32x4.mul(a31, b30))
    c11 = f32x4.add(c11, f32x4.mul(a31, b31))
    const a32 = v128.load32_splat(x2, 12)
    c20 = f32x4.add(c20, f32x4.mul(a32, b30))
    c21 = f32x4.add(c21, f32x4.mul(a32, b31))
    const a33 = v128.load32_splat(x3, 12)
    c30 = f32x4.add(c30, f32x4.mul(a33, b30))
    c31 = f32x4.add(c31, f32x4.mul(a33, b31))
    x0 += 16
    x1 += 16
    x2 += 16
    x3 += 16
    p += 128
  }
  for (; k > 0; k--) {
    const b00 = v128.load(p)
    const b01 = v128.load(p, 16)
    const a00 = v128.load32_splat(x0)
    c00 = f32x4.add(c00, f32x4.mul(a00, b00))
    c01 = f32x4.add(c01, f32x4.mul(a00, b01))
    const a01 = v128.load32_splat(x1)
    c10 = f32x4.add(c10, f32x4.mul(a01, b00))
    c11 = f32x4.add(c11, f32x4.mul(a01, b01))
    const a02 = v128.load32_splat(x2)
    c20 = f32x4.add(c20, f32x4.mul(a02, b00))
    c21 = f32x4.add(c21, f32x4.mul(a02, b01))
    const a03 = v128.load32_splat(x3)
    c30 = f32x4.add(c30, f32x4.mul(a03, b00))
    c31 = f32x4.add(c31, f32x4.mul(a03, b01))
    x0 += 4
    x1 += 4
    x2 += 4
    x3 += 4
    p += 32
  }
  storeColumns8(out, activate(c00, activation), activate(c01, activation), width)
  storeColumns8(out + outStride, activate(c10, activation), activate(c11, activation), width)
  storeColumns8(out + outStride * 2, activate(c20, activation), activate(c21, activation), width)
  storeColumns8(out + outStride * 3, activate(c30, activation), activate(c31, activation), width)
}

/**
 * out[i][0..4) = activation(init[i] + sum_k x[i][k] * panel[k][0..4)) for 4 rows; the first `width` columns are stored.
 * Strides are in bytes; initStride 0 repeats one row (a bias).
 */
export function rows4x4(x: usize, xStride: usize, depth: i32, panel: usize, init: usize, initStride: usize, out: usize, outStride: usize, width: i32, activation: i32): void {
  let c00 = v128.load(init)
  let c10 = v128.load(init + initStride)
  let c20 = v128.load(init + initStride * 2)
  let c30 = v128.load(init + initStride * 3)
  let x0 = x
  let x1 = x + xStride * 1
  let x2 = x + xStride * 2
  let x3 = x + xStride * 3
  let p = panel
  let k = depth
  for (; k >= 4; k -= 4) {
    const b00 = v128.load(p)
    const a00 = v128.load32_splat(x0)
    c00 = f32x4.add(c00, f32x4.mul(a00, b00))
    const a01 = v128.load32_splat(x1)
    c10 = f32x4.add(c10, f32x4.mul(a01, b00))
    const a02 = v128.load32_splat(x2)
    c20 = f32x4.add(c20, f32x4.mul(a02, b00))
    const a03 = v128.load32_splat(x3)
    c30 = f32x4.add(c30, f32x4.mul(a03, b00))
    const b10 = v128.load(p, 16)
    const a10 = v128.load32_splat(x0, 4)
    c00 = f32x4.add(c00, f32x4.mul(a10, b10))
    const a11 = v128.load32_splat(x1, 4)
    c10 = f32x4.add(c10, f32x4.mul(a11, b10))
    const a12 = v128.load32_splat(x2, 4)
    c20 = f32x4.add(c20, f32x4.mul(a12, b10))
    const a13 = v128.load32_splat(x3, 4)
    c30 = f32x4.add(c30, f32x4.mul(a13, b10))
    const b20 = v128.load(p, 32)
    const a20 = v128.load32_splat(x0, 8)
    c00 = f32x4.add(c00, f32x4.mul(a20, b20))
    const a21 = v128.load32_splat(x1, 8)
    c10 = f32x4.add(c10, f32x4.mul(a21, b20))
    const a22 = v128.load32_splat(x2, 8)
    c20 = f32x4.add(c20, f32x4.mul(a22, b20))
    const a23 = v128.load32_splat(x3, 8)
    c30 = f32x4.add(c30, f32x4.mul(a23, b20))
    const b30 = v128.load(p, 48)
    const a30 = v128.load32_splat(x0, 12)
    c00 = f32x4.add(c00, f32x4.mul(a30, b30))
    const a31 = v128.load32_splat(x1, 12)
    c10 = f32x4.add(c10, f32x4.mul(a31, b30))
    const a32 = v128.load32_splat(x2, 12)
    c20 = f32x4.add(c20, f32x4.mul(a32, b30))
    const a33 = v128.load32_splat(x3, 12)
    c30 = f32x4.add(c30, f32x4.mul(a33, b30))
    x0 += 16
    x1 += 16
    x2 += 16
    x3 += 16
    p += 64
  }
  for (; k > 0; k--) {
    const b00 = v128.load(p)
    const a00 = v128.load32_splat(x0)
    c00 = f32x4.add(c00, f32x4.mul(a00, b00))
    const a01 = v128.load32_splat(x1)
    c10 = f32x4.add(c10, f32x4.mul(a01, b00))
    const a02 = v128.load32_splat(x2)
    c20 = f32x4.add(c20, f32x4.mul(a02, b00))
    const a03 = v128.load32_splat(x3)
    c30 = f32x4.add(c30, f32x4.mul(a03, b00))
    x0 += 4
    x1 += 4
    x2 += 4
    x3 += 4
    p += 16
  }
  storeColumns4(out, activate(c00, activation), width)
  storeColumns4(out + outStride, activate(c10, activation), width)
  storeColumns4(out + outStride * 2, activate(c20, activation), width)
  storeColumns4(out + outStride * 3, activate(c30, activation), width)
}

/**
 * out[i][0..8) = activation(init[i] + sum_k x[i][k] * panel[k][0..8)) for 1 row; the first `width` columns are stored.
 * Strides are in bytes; initStride 0 repeats one row (a bias).
 */
export function rows1x8(x: usize, xStride: usize, depth: i32, panel: usize, init: usize, initStride: usize, out: usize, outStride: usize, width: i32, activation: i32): void {
  let c00 = v128.load(init)
  let c01 = v128.load(init, 16)
  let x0 = x
  let p = panel
  let k = depth
  for (; k >= 4; k -= 4) {
    const b00 = v128.load(p)
    const b01 = v128.load(p, 16)
    const a00 = v128.load32_splat(x0)
    c00 = f32x4.add(c00, f32x4.mul(a00, b00))
    c01 = f32x4.add(c01, f32x4.mul(a00, b01))
    const b10 = v128.load(p, 32)
    const b11 = v128.load(p, 48)
    const a10 = v128.load32_splat(x0, 4)
    c00 = f32x4.add(c00, f32x4.mul(a10, b10))
    c01 = f32x4.add(c01, f32x4.mul(a10, b11))
    const b20 = v128.load(p, 64)
    const b21 = v128.load(p, 80)
    const a20 = v128.load32_splat(x0, 8)
    c00 = f32x4.add(c00, f32x4.mul(a20, b20))
    c01 = f32x4.add(c01, f32x4.mul(a20, b21))
    const b30 = v128.load(p, 96)
    const b31 = v128.load(p, 112)
    const a30 = v128.load32_splat(x0, 12)
    c00 = f32x4.add(c00, f32x4.mul(a30, b30))
    c01 = f32x4.add(c01, f32x4.mul(a30, b31))
    x0 += 16
    p += 128
  }
  for (; k > 0; k--) {
    const b00 = v128.load(p)
    const b01 = v128.load(p, 16)
    const a00 = v128.load32_splat(x0)
    c00 = f32x4.add(c00, f32x4.mul(a00, b00))
    c01 = f32x4.add(c01, f32x4.mul(a00, b01))
    x0 += 4
    p += 32
  }
  storeColumns8(out, activate(c00, activation), activate(c01, activation), width)
}

/**
 * out[i][0..4) = activation(init[i] + sum_k x[i][k] * panel[k][0..4)) for 1 row; the first `width` columns are stored.
 * Strides are in bytes; initStride 0 repeats one row (a bias).
 */
export function rows1x4(x: usize, xStride: usize, depth: i32, panel: usize, init: usize, initStride: usize, out: usize, outStride: usize, width: i32, activation: i32): void {
  let c00 = v128.load(init)
  let x0 = x
  let p = panel
  let k = depth
  for (; k >= 4; k -= 4) {
    const b00 = v128.load(p)
    const a00 = v128.load32_splat(x0)
    c00 = f32x4.add(c00, f32x4.mul(a00, b00))
    const b10 = v128.load(p, 16)
    const a10 = v128.load32_splat(x0, 4)
    c00 = f32x4.add(c00, f32x4.mul(a10, b10))
    const b20 = v128.load(p, 32)
    const a20 = v128.load32_splat(x0, 8)
    c00 = f32x4.add(c00, f32x4.mul(a20, b20))
    const b30 = v128.load(p, 48)
    const a30 = v128.load32_splat(x0, 12)
    c00 = f32x4.add(c00, f32x4.mul(a30, b30))
    x0 += 16
    p += 64
  }
  for (; k > 0; k--) {
    const b00 = v128.load(p)
    const a00 = v128.load32_splat(x0)
    c00 = f32x4.add(c00, f32x4.mul(a00, b00))
    x0 += 4
    p += 16
  }
  storeColumns4(out, activate(c00, activation), width)
}

/** out[i][0..8) = init[i] + sum_r x[r][i] * z[r][0..8) for 4 columns of x: a block of xT z. The first `width` columns are stored. */
export function outer4x8(x: usize, xStride: usize, depth: i32, z: usize, zStride: usize, init: usize, initStride: usize, out: usize, outStride: usize, width: i32): void {
  let c00 = v128.load(init)
  let c01 = v128.load(init, 16)
  let c10 = v128.load(init + initStride)
  let c11 = v128.load(init + initStride, 16)
  let c20 = v128.load(init + initStride * 2)
  let c21 = v128.load(init + initStride * 2, 16)
  let c30 = v128.load(init + initStride * 3)
  let c31 = v128.load(init + initStride * 3, 16)
  let xr = x
  let zr = z
  for (let r = depth; r > 0; r--) {
    const b0 = v128.load(zr)
    const b1 = v128.load(zr, 16)
    const a0 = v128.load32_splat(xr)
    c00 = f32x4.add(c00, f32x4.mul(a0, b0))
    c01 = f32x4.add(c01, f32x4.mul(a0, b1))
    const a1 = v128.load32_splat(xr, 4)
    c10 = f32x4.add(c10, f32x4.mul(a1, b0))
    c11 = f32x4.add(c11, f32x4.mul(a1, b1))
    const a2 = v128.load32_splat(xr, 8)
    c20 = f32x4.add(c20, f32x4.mul(a2, b0))
    c21 = f32x4.add(c21, f32x4.mul(a2, b1))
    const a3 = v128.load32_splat(xr, 12)
    c30 = f32x4.add(c30, f32x4.mul(a3, b0))
    c31 = f32x4.add(c31, f32x4.mul(a3, b1))
    xr += xStride
    zr += zStride
  }
  storeColumns8(out, c00, c01, width)
  storeColumns8(out + outStride, c10, c11, width)
  storeColumns8(out + outStride * 2, c20, c21, width)
  storeColumns8(out + outStride * 3, c30, c31, width)
}

/** out[i][0..4) = init[i] + sum_r x[r][i] * z[r][0..4) for 4 columns of x: a block of xT z. The first `width` columns are stored. */
export function outer4x4(x: usize, xStride: usize, depth: i32, z: usize, zStride: usize, init: usize, initStride: usize, out: usize, outStride: usize, width: i32): void {
  let c00 = v128.load(init)
  let c10 = v128.load(init + initStride)
  let c20 = v128.load(init + initStride * 2)
  let c30 = v128.load(init + initStride * 3)
  let xr = x
  let zr = z
  for (let r = depth; r > 0; r--) {
    const b0 = v128.load(zr)
    const a0 = v128.load32_splat(xr)
    c00 = f32x4.add(c00, f32x4.mul(a0, b0))
    const a1 = v128.load32_splat(xr, 4)
    c10 = f32x4.add(c10, f32x4.mul(a1, b0))
    const a2 = v128.load32_splat(xr, 8)
    c20 = f32x4.add(c20, f32x4.mul(a2, b0))
    const a3 = v128.load32_splat(xr, 12)
    c30 = f32x4.add(c30, f32x4.mul(a3, b0))
    xr += xStride
    zr += zStride
  }
  storeColumns4(out, c00, width)
  storeColumns4(out + outStride, c10, width)
  storeColumns4(out + outStride * 2, c20, width)
  storeColumns4(out + outStride * 3, c30, width)
}

/** out[i][0..8) = init[i] + sum_r x[r][i] * z[r][0..8) for 1 column of x: a block of xT z. The first `width` columns are stored. */
export function outer1x8(x: usize, xStride: usize, depth: i32, z: usize, zStride: usize, init: usize, initStride: usize, out: usize, outStride: usize, width: i32): void {
  let c00 = v128.load(init)
  let c01 = v128.load(init, 16)
  let xr = x
  let zr = z
  for (let r = depth; r > 0; r--) {
    const b0 = v128.load(zr)
    const b1 = v128.load(zr, 16)
    const a0 = v128.load32_splat(xr)
    c00 = f32x4.add(c00, f32x4.mul(a0, b0))
    c01 = f32x4.add(c01, f32x4.mul(a0, b1))
    xr += xStride
    zr += zStride
  }
  storeColumns8(out, c00, c01, width)
}

/** out[i][0..4) = init[i] + sum_r x[r][i] * z[r][0..4) for 1 column of x: a block of xT z. The first `width` columns are stored. */
export function outer1x4(x: usize, xStride: usize, depth: i32, z: usize, zStride: usize, init: usize, initStride: usize, out: usize, outStride: usize, width: i32): void {
  let c00 = v128.load(init)
  let xr = x
  let zr = z
  for (let r = depth; r > 0; r--) {
    const b0 = v128.load(zr)
    const a0 = v128.load32_splat(xr)
    c00 = f32x4.add(c00, f32x4.mul(a0, b0))
    xr += xStride
    zr += zStride
  }
  storeColumns4(out, c00, width)
}
