// Windowed frequency encoding. A row of y is, band after band, sin(2^k x) of all coordinates, then sin(2^k x + pi/2) of all, times the band's window.
// Four rows share a vector: the doubling from band to band is exact, and no lane is idle whatever the number of coordinates.

import { splat } from './simdMath'
import { cosPolynomial, inQuadrant, quarterTurns, sinPolynomial, withoutTurns } from './simdTrigonometry'

/** Lane i is the float at row min(i, rows - 1). */
// @ts-ignore: decorator
@inline
function loadRows(from: usize, stride: usize, rows: i32): v128 {
  let v = v128.load32_splat(from)
  if (rows > 1) v = v128.load32_lane(from + stride, v, 1)
  if (rows > 2) v = v128.load32_lane(from + (stride << 1), v, 2)
  if (rows > 3) v = v128.load32_lane(from + stride * 3, v, 3)
  return v
}

// @ts-ignore: decorator
@inline
function storeRows(to: usize, stride: usize, rows: i32, v: v128): void {
  v128.store32_lane(to, v, 0)
  if (rows > 1) v128.store32_lane(to + stride, v, 1)
  if (rows > 2) v128.store32_lane(to + (stride << 1), v, 2)
  if (rows > 3) v128.store32_lane(to + stride * 3, v, 3)
}

/** 2^band as a float. */
// @ts-ignore: decorator
@inline
function scaleOf(band: i32): v128 {
  return f32x4.splat(reinterpret<f32>((band + 127) << 23))
}

/** (x, window or 0, y, channels, minBand, bands); items = rows. */
export function frequencyEncoding(args: usize, begin: i32, end: i32): void {
  const x: usize = load<u32>(args)
  const window: usize = load<u32>(args, 4)
  const y: usize = load<u32>(args, 8)
  const channels = load<i32>(args, 12)
  const minBand = load<i32>(args, 16)
  const bands = load<i32>(args, 20)
  const xStride = usize(channels) << 2
  const yStride = usize(channels * bands) << 3
  for (let row = begin; row < end; row += 4) {
    const rows = min(4, end - row)
    for (let c: usize = 0; c < xStride; c += 4) {
      let v = f32x4.mul(loadRows(x + usize(row) * xStride + c, xStride, rows), scaleOf(minBand))
      let to = y + usize(row) * yStride + c
      for (let band = 0; band < bands; band++) {
        const n = quarterTurns(v)
        const r = withoutTurns(v, n)
        const q = i32x4.trunc_sat_f32x4_s(n)
        const s = sinPolynomial(r)
        const k = cosPolynomial(r)
        const w = window == 0 ? splat(1) : v128.load32_splat(window + (usize(band) << 2))
        storeRows(to, yStride, rows, f32x4.mul(w, inQuadrant(s, k, q)))
        storeRows(to + xStride, yStride, rows, f32x4.mul(w, inQuadrant(s, k, i32x4.add(q, i32x4.splat(1)))))
        to += xStride << 1
        v = f32x4.add(v, v)
      }
    }
  }
}

/** (x, window or 0, dy, dx, channels, minBand, bands); items = rows. dx = sum over bands of window 2^k (cos dySin - sin dyCos). */
export function frequencyEncodingBackward(args: usize, begin: i32, end: i32): void {
  const x: usize = load<u32>(args)
  const window: usize = load<u32>(args, 4)
  const dy: usize = load<u32>(args, 8)
  const dx: usize = load<u32>(args, 12)
  const channels = load<i32>(args, 16)
  const minBand = load<i32>(args, 20)
  const bands = load<i32>(args, 24)
  const xStride = usize(channels) << 2
  const yStride = usize(channels * bands) << 3
  for (let row = begin; row < end; row += 4) {
    const rows = min(4, end - row)
    for (let c: usize = 0; c < xStride; c += 4) {
      let v = f32x4.mul(loadRows(x + usize(row) * xStride + c, xStride, rows), scaleOf(minBand))
      let from = dy + usize(row) * yStride + c
      let sum = splat(0)
      for (let band = 0; band < bands; band++) {
        const n = quarterTurns(v)
        const r = withoutTurns(v, n)
        const q = i32x4.trunc_sat_f32x4_s(n)
        const s = sinPolynomial(r)
        const k = cosPolynomial(r)
        const sin = inQuadrant(s, k, q)
        const cos = inQuadrant(s, k, i32x4.add(q, i32x4.splat(1)))
        let w = scaleOf(minBand + band)
        if (window != 0) w = f32x4.mul(w, v128.load32_splat(window + (usize(band) << 2)))
        const slope = f32x4.sub(f32x4.mul(cos, loadRows(from, yStride, rows)), f32x4.mul(sin, loadRows(from + xStride, yStride, rows)))
        sum = f32x4.add(sum, f32x4.mul(w, slope))
        from += xStride << 1
        v = f32x4.add(v, v)
      }
      storeRows(dx + usize(row) * xStride + c, xStride, rows, sum)
    }
  }
}
