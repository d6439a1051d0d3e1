// Dense layers with one output (densities, logits): the lanes go along the inputs, or three of four would idle.

import { activate, step, storeColumns4 } from './blocks'
import { splat } from './simdMath'

/** out[r] = activation(bias + x[r] . w): sums run along the row, four rows at a time. bias is an address. */
export function multiplyByColumn(x: usize, xStride: usize, rows: i32, depth: i32, w: usize, bias: usize, out: usize, activation: i32): void {
  const even = usize(depth & ~3) << 2
  const end = usize(depth) << 2
  const start = v128.load32_splat(bias)
  for (; rows >= 4; rows -= 4) {
    const x1 = x + xStride
    const x2 = x1 + xStride
    const x3 = x2 + xStride
    let s0 = splat(0)
    let s1 = splat(0)
    let s2 = splat(0)
    let s3 = splat(0)
    for (let at: usize = 0; at < even; at += 16) {
      const b = v128.load(w + at)
      s0 = step(s0, v128.load(x + at), b)
      s1 = step(s1, v128.load(x1 + at), b)
      s2 = step(s2, v128.load(x2 + at), b)
      s3 = step(s3, v128.load(x3 + at), b)
    }
    // lane i becomes the sum over the lanes of s_i, (0 + 2) + (1 + 3) as below
    const s01 = f32x4.add(v128.shuffle<f32>(s0, s1, 0, 4, 1, 5), v128.shuffle<f32>(s0, s1, 2, 6, 3, 7))
    const s23 = f32x4.add(v128.shuffle<f32>(s2, s3, 0, 4, 1, 5), v128.shuffle<f32>(s2, s3, 2, 6, 3, 7))
    let sum = f32x4.add(v128.shuffle<f32>(s01, s23, 0, 1, 4, 5), v128.shuffle<f32>(s01, s23, 2, 3, 6, 7))
    for (let at = even; at < end; at += 4) {
      const column = f32x4(load<f32>(x + at), load<f32>(x1 + at), load<f32>(x2 + at), load<f32>(x3 + at))
      sum = step(sum, column, v128.load32_splat(w + at))
    }
    v128.store(out, activate(f32x4.add(start, sum), activation))
    x += xStride << 2
    out += 16
  }
  for (; rows > 0; rows--) {
    let s = splat(0)
    for (let at: usize = 0; at < even; at += 16) s = step(s, v128.load(x + at), v128.load(w + at))
    let sum = f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 2) + (f32x4.extract_lane(s, 1) + f32x4.extract_lane(s, 3))
    for (let at = even; at < end; at += 4) sum += load<f32>(x + at) * load<f32>(w + at)
    v128.store32_lane(out, activate(f32x4.add(start, splat(sum)), activation), 0)
    x += xStride
    out += 4
  }
}

/** dx[r] = z[r] w. */
export function scaleColumn(z: usize, rows: i32, w: usize, width: i32, dx: usize): void {
  const even = usize(width & ~3) << 2
  const end = usize(width) << 2
  for (; rows > 0; rows--) {
    const s = v128.load32_splat(z)
    for (let at: usize = 0; at < even; at += 16) v128.store(dx + at, f32x4.mul(s, v128.load(w + at)))
    for (let at = even; at < end; at += 4) store<f32>(dx + at, load<f32>(z) * load<f32>(w + at))
    z += 4
    dx += end
  }
}

/** out[0..width) = (first ? 0 : out) + sum_r z[r] x[r]; then out[width] likewise += sum_r z[r]. */
export function sumScaledRows(z: usize, rows: i32, x: usize, width: i32, out: usize, first: bool): void {
  const xStride = usize(width) << 2
  let column = 0
  for (; width - column >= 16; column += 16) {
    let a = first ? splat(0) : v128.load(out)
    let b = first ? splat(0) : v128.load(out, 16)
    let c = first ? splat(0) : v128.load(out, 32)
    let d = first ? splat(0) : v128.load(out, 48)
    let from = x + (usize(column) << 2)
    for (let r: usize = 0; r < usize(rows); r++) {
      const s = v128.load32_splat(z + (r << 2))
      a = step(a, s, v128.load(from))
      b = step(b, s, v128.load(from, 16))
      c = step(c, s, v128.load(from, 32))
      d = step(d, s, v128.load(from, 48))
      from += xStride
    }
    v128.store(out, a)
    v128.store(out, b, 16)
    v128.store(out, c, 32)
    v128.store(out, d, 48)
    out += 64
  }
  for (; column < width; column += 4) {
    let a = first ? splat(0) : v128.load(out)
    let from = x + (usize(column) << 2)
    for (let r: usize = 0; r < usize(rows); r++) {
      a = step(a, v128.load32_splat(z + (r << 2)), v128.load(from))
      from += xStride
    }
    storeColumns4(out, a, width - column)
    out += usize(min(4, width - column)) << 2
  }
  let sum: f32 = first ? 0 : load<f32>(out)
  for (let r: usize = 0; r < usize(rows); r++) sum += load<f32>(z + (r << 2))
  store<f32>(out, sum)
}
