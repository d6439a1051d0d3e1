// Vectorised elementary functions on four f32 lanes. NaN goes through all of them.

// @ts-ignore: decorator
@inline
export function splat(value: f32): v128 {
  return f32x4.splat(value)
}

// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c)
}

/** e^x, relative error below 2e-7; 0 under -87.3, largest finite value above 88.37. */
export function expVector(x: v128): v128 {
  // x = n ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts so that n * LN2_HI is exact
  const safe = f32x4.pmin(f32x4.pmax(x, splat(-87.33)), splat(88.37)) // this argument order keeps NaN
  const n = f32x4.nearest(f32x4.mul(safe, splat(1.44269504)))
  let r = f32x4.sub(safe, f32x4.mul(n, splat(0.693359375)))
  r = f32x4.sub(r, f32x4.mul(n, splat(-2.12194440e-4)))
  let p = splat(1.0 / 5040.0)
  p = madd(p, r, splat(1.0 / 720.0))
  p = madd(p, r, splat(1.0 / 120.0))
  p = madd(p, r, splat(1.0 / 24.0))
  p = madd(p, r, splat(1.0 / 6.0))
  p = madd(p, r, splat(0.5))
  p = madd(f32x4.mul(p, r), r, r)
  p = f32x4.add(p, splat(1))
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return v128.andnot(f32x4.mul(p, scale), f32x4.lt(x, splat(-87.33)))
}

/** log(1 + u) for u in [0, 1], relative error below 3e-7: 2 atanh(s), s = u / (2 + u) <= 1/3. */
// @ts-ignore: decorator
@inline
export function log1pUnit(u: v128): v128 {
  const s = f32x4.div(u, f32x4.add(u, splat(2)))
  const t = f32x4.mul(s, s)
  let p = splat(1.0 / 15.0)
  p = madd(p, t, splat(1.0 / 13.0))
  p = madd(p, t, splat(1.0 / 11.0))
  p = madd(p, t, splat(1.0 / 9.0))
  p = madd(p, t, splat(1.0 / 7.0))
  p = madd(p, t, splat(1.0 / 5.0))
  p = madd(p, t, splat(1.0 / 3.0))
  const twice = f32x4.add(s, s)
  return madd(f32x4.mul(p, t), twice, twice)
}

/** log(1 + e^x) = max(x, 0) + log1p(e^-|x|). */
export function softplusVector(x: v128): v128 {
  const tail = log1pUnit(expVector(f32x4.neg(f32x4.abs(x))))
  return f32x4.add(f32x4.pmax(x, splat(0)), tail)
}

/** 1 / (1 + e^-x), computed from e^-|x| so that neither end loses digits. */
export function sigmoidVector(x: v128): v128 {
  const e = expVector(f32x4.neg(f32x4.abs(x)))
  const numerator = v128.bitselect(e, splat(1), f32x4.lt(x, splat(0)))
  return f32x4.div(numerator, f32x4.add(e, splat(1)))
}

/** 1 - e^-y for y >= 0, relative error below 5e-7: the derivative of softplus from its value. */
export function oneMinusExpNegative(y: v128): v128 {
  const direct = f32x4.sub(splat(1), expVector(f32x4.neg(y)))
  // alternating series for small y, where the difference cancels
  let p = splat(-1.0 / 40320.0)
  p = madd(p, y, splat(1.0 / 5040.0))
  p = madd(p, y, splat(-1.0 / 720.0))
  p = madd(p, y, splat(1.0 / 120.0))
  p = madd(p, y, splat(-1.0 / 24.0))
  p = madd(p, y, splat(1.0 / 6.0))
  p = madd(p, y, splat(-0.5))
  const series = madd(f32x4.mul(p, y), y, y)
  return v128.bitselect(series, direct, f32x4.lt(y, splat(0.7)))
}

/** dy * activation'(z), from the value y = activation(z); 0 none, 1 relu, 2 softplus, 3 sigmoid. */
// @ts-ignore: decorator
@inline
export function activationBackward(y: v128, dy: v128, activation: i32): v128 {
  if (activation == 0) return dy
  if (activation == 1) return v128.and(dy, f32x4.gt(y, splat(0)))
  if (activation == 2) return f32x4.mul(dy, oneMinusExpNegative(y))
  return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(splat(1), y)))
}

/** Phi(x), the normal distribution function, given e = e^(-x^2 / 2): relative error below 1e-6 down to x = -6, absolute below 2e-7 everywhere. */
// @ts-ignore: decorator
@inline
function normalDistribution(x: v128, e: v128): v128 {
  // erfc(z) e^(z^2) as a polynomial in t = 1 / (1 + 0.3 z): interpolation at Chebyshev nodes for z in [0, 9.3], relative error 5e-8
  const z = f32x4.mul(f32x4.abs(x), splat(0.70710678))
  const t = f32x4.div(splat(1), madd(z, splat(0.3), splat(1)))
  let p = splat(-0.11617889255285263)
  p = madd(p, t, splat(0.411162406206131))
  p = madd(p, t, splat(-0.33193179965019226))
  p = madd(p, t, splat(0.2986046075820923))
  p = madd(p, t, splat(0.12117195874452591))
  p = madd(p, t, splat(0.09345566481351852))
  p = madd(p, t, splat(0.19270673394203186))
  p = madd(p, t, splat(0.16058245301246643))
  p = madd(p, t, splat(0.1705002784729004))
  p = madd(p, t, splat(-7.341269520111382e-5))
  const tail = f32x4.mul(f32x4.mul(p, e), splat(0.5))
  return v128.bitselect(tail, f32x4.sub(splat(1), tail), f32x4.lt(x, splat(0)))
}

/** e^(-x^2 / 2). */
// @ts-ignore: decorator
@inline
function bell(x: v128): v128 {
  return expVector(f32x4.mul(f32x4.mul(x, x), splat(-0.5)))
}

/** x Phi(x). */
export function geluVector(x: v128): v128 {
  return f32x4.mul(x, normalDistribution(x, bell(x)))
}

/** Phi(x) + x phi(x). */
export function geluSlope(x: v128): v128 {
  const e = bell(x)
  return madd(f32x4.mul(x, e), splat(0.39894228), normalDistribution(x, e))
}

/** x sigmoid(1.702 x). */
export function quickGeluVector(x: v128): v128 {
  return f32x4.mul(x, sigmoidVector(f32x4.mul(x, splat(1.702))))
}

export function quickGeluSlope(x: v128): v128 {
  const z = f32x4.mul(x, splat(1.702))
  const s = sigmoidVector(z)
  return madd(f32x4.mul(z, s), f32x4.sub(splat(1), s), s)
}

/** 2 sqrt(2 / pi) (x + 0.044715 x^3), whose sigmoid is the tanh form of Phi. */
// @ts-ignore: decorator
@inline
function tanhFormArgument(x: v128): v128 {
  return f32x4.mul(x, madd(f32x4.mul(x, x), splat(0.0713548163), splat(1.5957691216)))
}

/** 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
export function geluTanhVector(x: v128): v128 {
  return f32x4.mul(x, sigmoidVector(tanhFormArgument(x)))
}

export function geluTanhSlope(x: v128): v128 {
  const s = sigmoidVector(tanhFormArgument(x))
  const slope = f32x4.mul(x, madd(f32x4.mul(x, x), splat(0.2140644488), splat(1.5957691216)))
  return madd(f32x4.mul(slope, s), f32x4.sub(splat(1), s), s)
}
