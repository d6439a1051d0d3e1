// Register blocks of the dense kernels. Four rows by eight columns: eight accumulators, two vectors of B and one broadcast of A stay in the
// sixteen vector registers of x64. Each step of the inner sum is written out once: V8 gains nothing from unrolling it further (measured).

import { sigmoidVector, softplusVector, splat } from './simdMath'

// @ts-ignore: decorator
@inline
export function storeColumns4(out: usize, v: v128, width: i32): void {
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

// @ts-ignore: decorator
@inline
function relu(z: v128): v128 {
  return f32x4.pmax(z, splat(0))
}

/** 2 softplus, 3 sigmoid. */
// @ts-ignore: decorator
@inline
function smooth(z: v128, activation: i32): v128 {
  return activation == 2 ? softplusVector(z) : sigmoidVector(z)
}

// @ts-ignore: decorator
@inline
export function activate(z: v128, activation: i32): v128 {
  if (activation == 0) return z
  return activation == 1 ? relu(z) : smooth(z, activation)
}

// @ts-ignore: decorator
@inline
export function step(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b))
}

/**
 * out[i][0..8) = activation(init[i] + sum_k x[i][k] * panel[k][0..8)) for every row i; the first `width` columns are stored.
 * Strides are in bytes; initStride 0 repeats one row (a bias).
 */
export function multiplyBy8(
  x: usize, xStride: usize, rows: i32, depth: i32, panel: usize,
  init: usize, initStride: usize, out: usize, outStride: usize, width: i32, activation: i32,
): void {
  for (; rows >= 4; rows -= 4) {
    const init1 = init + initStride
    const init2 = init1 + initStride
    const init3 = init2 + initStride
    let a0 = v128.load(init)
    let b0 = v128.load(init, 16)
    let a1 = v128.load(init1)
    let b1 = v128.load(init1, 16)
    let a2 = v128.load(init2)
    let b2 = v128.load(init2, 16)
    let a3 = v128.load(init3)
    let b3 = v128.load(init3, 16)
    let x0 = x
    let x1 = x0 + xStride
    let x2 = x1 + xStride
    let x3 = x2 + xStride
    let p = panel
    for (let k = depth; k > 0; k--) {
      const a = v128.load(p)
      const b = v128.load(p, 16)
      const s0 = v128.load32_splat(x0)
      a0 = step(a0, s0, a)
      b0 = step(b0, s0, b)
      const s1 = v128.load32_splat(x1)
      a1 = step(a1, s1, a)
      b1 = step(b1, s1, b)
      const s2 = v128.load32_splat(x2)
      a2 = step(a2, s2, a)
      b2 = step(b2, s2, b)
      const s3 = v128.load32_splat(x3)
      a3 = step(a3, s3, a)
      b3 = step(b3, s3, b)
      x0 += 4
      x1 += 4
      x2 += 4
      x3 += 4
      p += 32
    }
    if (activation == 1) {
      a0 = relu(a0)
      b0 = relu(b0)
      a1 = relu(a1)
      b1 = relu(b1)
      a2 = relu(a2)
      b2 = relu(b2)
      a3 = relu(a3)
      b3 = relu(b3)
    } else if (activation != 0) {
      a0 = smooth(a0, activation)
      b0 = smooth(b0, activation)
      a1 = smooth(a1, activation)
      b1 = smooth(b1, activation)
      a2 = smooth(a2, activation)
      b2 = smooth(b2, activation)
      a3 = smooth(a3, activation)
      b3 = smooth(b3, activation)
    }
    storeColumns8(out, a0, b0, width)
    storeColumns8(out + outStride, a1, b1, width)
    storeColumns8(out + outStride * 2, a2, b2, width)
    storeColumns8(out + outStride * 3, a3, b3, width)
    x += xStride << 2
    init += initStride << 2
    out += outStride << 2
  }
  for (; rows > 0; rows--) {
    let a0 = v128.load(init)
    let b0 = v128.load(init, 16)
    let x0 = x
    let p = panel
    for (let k = depth; k > 0; k--) {
      const s0 = v128.load32_splat(x0)
      a0 = step(a0, s0, v128.load(p))
      b0 = step(b0, s0, v128.load(p, 16))
      x0 += 4
      p += 32
    }
    storeColumns8(out, activate(a0, activation), activate(b0, activation), width)
    x += xStride
    init += initStride
    out += outStride
  }
}

/** The same for a panel of four columns. */
export function multiplyBy4(
  x: usize, xStride: usize, rows: i32, depth: i32, panel: usize,
  init: usize, initStride: usize, out: usize, outStride: usize, width: i32, activation: i32,
): void {
  for (; rows >= 4; rows -= 4) {
    let a0 = v128.load(init)
    let a1 = v128.load(init + initStride)
    let a2 = v128.load(init + initStride * 2)
    let a3 = v128.load(init + initStride * 3)
    let x0 = x
    let x1 = x0 + xStride
    let x2 = x1 + xStride
    let x3 = x2 + xStride
    let p = panel
    for (let k = depth; k > 0; k--) {
      const a = v128.load(p)
      a0 = step(a0, v128.load32_splat(x0), a)
      a1 = step(a1, v128.load32_splat(x1), a)
      a2 = step(a2, v128.load32_splat(x2), a)
      a3 = step(a3, v128.load32_splat(x3), a)
      x0 += 4
      x1 += 4
      x2 += 4
      x3 += 4
      p += 16
    }
    storeColumns4(out, activate(a0, activation), width)
    storeColumns4(out + outStride, activate(a1, activation), width)
    storeColumns4(out + outStride * 2, activate(a2, activation), width)
    storeColumns4(out + outStride * 3, activate(a3, activation), width)
    x += xStride << 2
    init += initStride << 2
    out += outStride << 2
  }
  for (; rows > 0; rows--) {
    let a0 = v128.load(init)
    let x0 = x
    let p = panel
    for (let k = depth; k > 0; k--) {
      a0 = step(a0, v128.load32_splat(x0), v128.load(p))
      x0 += 4
      p += 16
    }
    storeColumns4(out, activate(a0, activation), width)
    x += xStride
    init += initStride
    out += outStride
  }
}

/**
 * out[i][0..8) = init[i] + sum_r x[r][i] * z[r][0..8) for `columns` columns i of x: eight columns of xT z. The first `width` are stored.
 */
export function outerBy8(
  x: usize, xStride: usize, columns: i32, rows: i32, z: usize, zStride: usize,
  init: usize, initStride: usize, out: usize, outStride: usize, width: i32,
): void {
  for (; columns >= 4; columns -= 4) {
    const init1 = init + initStride
    const init2 = init1 + initStride
    const init3 = init2 + initStride
    let a0 = v128.load(init)
    let b0 = v128.load(init, 16)
    let a1 = v128.load(init1)
    let b1 = v128.load(init1, 16)
    let a2 = v128.load(init2)
    let b2 = v128.load(init2, 16)
    let a3 = v128.load(init3)
    let b3 = v128.load(init3, 16)
    let xr = x
    let zr = z
    for (let r = rows; r > 0; r--) {
      const a = v128.load(zr)
      const b = v128.load(zr, 16)
      const s0 = v128.load32_splat(xr)
      a0 = step(a0, s0, a)
      b0 = step(b0, s0, b)
      const s1 = v128.load32_splat(xr, 4)
      a1 = step(a1, s1, a)
      b1 = step(b1, s1, b)
      const s2 = v128.load32_splat(xr, 8)
      a2 = step(a2, s2, a)
      b2 = step(b2, s2, b)
      const s3 = v128.load32_splat(xr, 12)
      a3 = step(a3, s3, a)
      b3 = step(b3, s3, b)
      xr += xStride
      zr += zStride
    }
    storeColumns8(out, a0, b0, width)
    storeColumns8(out + outStride, a1, b1, width)
    storeColumns8(out + outStride * 2, a2, b2, width)
    storeColumns8(out + outStride * 3, a3, b3, width)
    x += 16
    init += initStride << 2
    out += outStride << 2
  }
  for (; columns > 0; columns--) {
    let a0 = v128.load(init)
    let b0 = v128.load(init, 16)
    let xr = x
    let zr = z
    for (let r = rows; r > 0; r--) {
      const s0 = v128.load32_splat(xr)
      a0 = step(a0, s0, v128.load(zr))
      b0 = step(b0, s0, v128.load(zr, 16))
      xr += xStride
      zr += zStride
    }
    storeColumns8(out, a0, b0, width)
    x += 4
    init += initStride
    out += outStride
  }
}

/** The same for four columns of z. */
export function outerBy4(
  x: usize, xStride: usize, columns: i32, rows: i32, z: usize, zStride: usize,
  init: usize, initStride: usize, out: usize, outStride: usize, width: i32,
): void {
  for (; columns >= 4; columns -= 4) {
    let a0 = v128.load(init)
    let a1 = v128.load(init + initStride)
    let a2 = v128.load(init + initStride * 2)
    let a3 = v128.load(init + initStride * 3)
    let xr = x
    let zr = z
    for (let r = rows; r > 0; r--) {
      const a = v128.load(zr)
      a0 = step(a0, v128.load32_splat(xr), a)
      a1 = step(a1, v128.load32_splat(xr, 4), a)
      a2 = step(a2, v128.load32_splat(xr, 8), a)
      a3 = step(a3, v128.load32_splat(xr, 12), a)
      xr += xStride
      zr += zStride
    }
    storeColumns4(out, a0, width)
    storeColumns4(out + outStride, a1, width)
    storeColumns4(out + outStride * 2, a2, width)
    storeColumns4(out + outStride * 3, a3, width)
    x += 16
    init += initStride << 2
    out += outStride << 2
  }
  for (; columns > 0; columns--) {
    let a0 = v128.load(init)
    let xr = x
    let zr = z
    for (let r = rows; r > 0; r--) {
      a0 = step(a0, v128.load32_splat(xr), v128.load(zr))
      xr += xStride
      zr += zStride
    }
    storeColumns4(out, a0, width)
    x += 4
    init += initStride
    out += outStride
  }
}

/** out[j] = init[j] + sum_r z[r][j] for the first `width` of eight columns. */
export function sumRowsOf8(z: usize, zStride: usize, rows: i32, init: usize, out: usize, width: i32): void {
  let a = v128.load(init)
  let b = v128.load(init, 16)
  for (; rows > 0; rows--) {
    a = f32x4.add(a, v128.load(z))
    b = f32x4.add(b, v128.load(z, 16))
    z += zStride
  }
  storeColumns8(out, a, b, width)
}
