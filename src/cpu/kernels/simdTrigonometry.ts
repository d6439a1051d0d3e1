// Sine and cosine of four lanes: x = n pi/2 + r, |r| <= pi/4, then two Taylor polynomials (remainders below 3e-8) and the quadrant n mod 4.

import { madd, splat } from './simdMath'

/** Nearest whole number of quarter turns. */
// @ts-ignore: decorator
@inline
export function quarterTurns(x: v128): v128 {
  return f32x4.nearest(f32x4.mul(x, splat(0.63661977)))
}

/** x - n pi/2. pi/2 is split so that n times the first two parts is exact up to n = 2^13, |x| < 12,867. */
// @ts-ignore: decorator
@inline
export function withoutTurns(x: v128, n: v128): v128 {
  let r = f32x4.sub(x, f32x4.mul(n, splat(QUARTER_1)))
  r = f32x4.sub(r, f32x4.mul(n, splat(QUARTER_2)))
  return f32x4.sub(r, f32x4.mul(n, splat(QUARTER_3)))
}

// @ts-ignore: decorator
@inline
export function sinPolynomial(r: v128): v128 {
  const t = f32x4.mul(r, r)
  let p = splat(1.0 / 362880.0)
  p = madd(p, t, splat(-1.0 / 5040.0))
  p = madd(p, t, splat(1.0 / 120.0))
  p = madd(p, t, splat(-1.0 / 6.0))
  return madd(f32x4.mul(p, t), r, r)
}

// @ts-ignore: decorator
@inline
export function cosPolynomial(r: v128): v128 {
  const t = f32x4.mul(r, r)
  let p = splat(1.0 / 40320.0)
  p = madd(p, t, splat(-1.0 / 720.0))
  p = madd(p, t, splat(1.0 / 24.0))
  p = madd(p, t, splat(-0.5))
  return madd(p, t, splat(1))
}

/** sin(q pi/2 + r) from sin r and cos r; with q + 1 it is the cosine. */
// @ts-ignore: decorator
@inline
export function inQuadrant(sin: v128, cos: v128, q: v128): v128 {
  const odd = i32x4.neg(v128.and(q, i32x4.splat(1)))
  const sign = i32x4.shl(v128.and(q, i32x4.splat(2)), 30)
  return v128.xor(v128.bitselect(cos, sin, odd), sign)
}

const QUARTER_1: f32 = 1.5703125
const QUARTER_2: f32 = 4.837512969970703e-4
const QUARTER_3: f32 = 7.549790126404332e-8
