// Rigid motions and the contraction of space; items = points. Points [Q, 3] are turned into four-lane x, y and z, four points at a time.

import { SCRATCH_PACK, scratch } from './layout'
import { madd, splat } from './simdMath'
import { cosPolynomial, inQuadrant, quarterTurns, sinPolynomial, withoutTurns } from './simdTrigonometry'

/** Bytes of four points. */
const BLOCK: usize = 48

// @ts-expect-error: decorator
@inline
function loadX(at: usize): v128 {
  return v128.shuffle<i32>(v128.shuffle<i32>(v128.load(at), v128.load(at, 16), 0, 3, 6, 6), v128.load(at, 32), 0, 1, 2, 5)
}

// @ts-expect-error: decorator
@inline
function loadY(at: usize): v128 {
  return v128.shuffle<i32>(v128.shuffle<i32>(v128.load(at), v128.load(at, 16), 1, 4, 7, 7), v128.load(at, 32), 0, 1, 2, 6)
}

// @ts-expect-error: decorator
@inline
function loadZ(at: usize): v128 {
  return v128.shuffle<i32>(v128.shuffle<i32>(v128.load(at), v128.load(at, 16), 2, 5, 5, 5), v128.load(at, 32), 0, 1, 4, 7)
}

// @ts-expect-error: decorator
@inline
function storePoints(at: usize, x: v128, y: v128, z: v128): void {
  const first = v128.shuffle<i32>(x, y, 0, 4, 1, 5)
  const last = v128.shuffle<i32>(x, y, 2, 6, 3, 7)
  v128.store(at, v128.shuffle<i32>(first, z, 0, 1, 4, 2))
  v128.store(at, v128.shuffle<i32>(v128.shuffle<i32>(y, z, 1, 5, 1, 5), last, 0, 1, 4, 5), 16)
  v128.store(at, v128.shuffle<i32>(z, last, 2, 6, 7, 3), 32)
}

/** a b - c d: one component of a cross product. */
// @ts-expect-error: decorator
@inline
function minor(a: v128, b: v128, c: v128, d: v128): v128 {
  return f32x4.sub(f32x4.mul(a, b), f32x4.mul(c, d))
}

// @ts-expect-error: decorator
@inline
function dot(ax: v128, ay: v128, az: v128, bx: v128, by: v128, bz: v128): v128 {
  return madd(ax, bx, madd(ay, by, f32x4.mul(az, bz)))
}

// @ts-expect-error: decorator
@inline
function polynomial(s: v128, c0: f32, c1: f32, c2: f32, c3: f32, c4: f32, c5: f32, c6: f32, c7: f32, c8: f32, c9: f32): v128 {
  let p = madd(splat(c9), s, splat(c8))
  p = madd(p, s, splat(c7))
  p = madd(p, s, splat(c6))
  p = madd(p, s, splat(c5))
  p = madd(p, s, splat(c4))
  p = madd(p, s, splat(c3))
  p = madd(p, s, splat(c2))
  p = madd(p, s, splat(c1))
  return madd(p, s, splat(c0))
}

// Taylor series in s = θ² (src/tensor/ops/se3.ts), good to f32 up to θ = π; beyond it the closed forms below.
const SERIES_END: f32 = 9.8696

/** sin θ / θ of s = θ². */
// @ts-expect-error: decorator
@inline
function seriesA(s: v128): v128 {
  return polynomial(s, 1.0, -0.1666666716337204, 0.008333333767950535, -0.000198412701, 2.75573188e-06, -2.50521079e-08, 1.60590444e-10, -7.64716361e-13, 2.81145736e-15, -8.22063508e-18)
}

/** (1 − cos θ) / θ². */
// @ts-expect-error: decorator
@inline
function seriesB(s: v128): v128 {
  return polynomial(s, 0.5, -0.0416666679084301, 0.0013888889225199819, -2.48015876e-05, 2.755732e-07, -2.08767559e-09, 1.14707454e-11, -4.77947726e-14, 1.56192068e-16, -4.11031759e-19)
}

/** (θ − sin θ) / θ³. */
// @ts-expect-error: decorator
@inline
function seriesC(s: v128): v128 {
  return polynomial(s, 0.1666666716337204, -0.008333333767950535, 0.000198412701, -2.75573188e-06, 2.50521079e-08, -1.60590444e-10, 7.64716361e-13, -2.81145736e-15, 8.22063508e-18, -1.95729415e-20)
}

/** gradient by w of seriesA is this times w; likewise below. */
// @ts-expect-error: decorator
@inline
function slopeA(s: v128): v128 {
  return polynomial(s, -0.3333333432674408, 0.03333333507180214, -0.0011904762359336019, 2.20458551e-05, -2.50521083e-07, 1.92708516e-09, -1.07060289e-11, 4.49833177e-14, -1.47971428e-16, 3.9145883e-19)
}

// @ts-expect-error: decorator
@inline
function slopeB(s: v128): v128 {
  return polynomial(s, -0.0833333358168602, 0.0055555556900799274, -0.000148809529, 2.2045856e-06, -2.08767563e-08, 1.37648948e-10, -6.69126809e-13, 2.49907309e-15, -7.39857141e-18, 1.77935823e-20)
}

// @ts-expect-error: decorator
@inline
function slopeC(s: v128): v128 {
  return polynomial(s, -0.01666666753590107, 0.000793650805, -1.65343918e-05, 2.00416864e-07, -1.60590441e-09, 9.17659611e-12, -3.93604013e-14, 1.31530161e-16, -3.52312947e-19, 7.73634047e-22)
}

// @ts-expect-error: decorator
@inline
function sinOf(theta: v128): v128 {
  const n = quarterTurns(theta)
  const r = withoutTurns(theta, n)
  return inQuadrant(sinPolynomial(r), cosPolynomial(r), i32x4.trunc_sat_f32x4_s(n))
}

// @ts-expect-error: decorator
@inline
function cosOf(theta: v128): v128 {
  const n = quarterTurns(theta)
  const r = withoutTurns(theta, n)
  return inQuadrant(sinPolynomial(r), cosPolynomial(r), i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(1)))
}

/** Four points: y = x + v + A w×x + B w×(w×x + v) + C w×(w×v). */
function transformBlock(w: usize, v: usize, x: usize, y: usize): void {
  const wx = loadX(w), wy = loadY(w), wz = loadZ(w)
  const vx = loadX(v), vy = loadY(v), vz = loadZ(v)
  const xx = loadX(x), xy = loadY(x), xz = loadZ(x)
  const s = dot(wx, wy, wz, wx, wy, wz)
  let a = seriesA(s), b = seriesB(s), c = seriesC(s)
  const far = f32x4.gt(s, splat(SERIES_END))
  if (v128.any_true(far)) {
    const theta = f32x4.sqrt(s)
    a = v128.bitselect(f32x4.div(sinOf(theta), theta), a, far)
    b = v128.bitselect(f32x4.div(f32x4.sub(splat(1), cosOf(theta)), s), b, far)
    c = v128.bitselect(f32x4.div(f32x4.sub(splat(1), a), s), c, far)
  }
  // p = w×x, q = w×v
  const px = minor(wy, xz, wz, xy), py = minor(wz, xx, wx, xz), pz = minor(wx, xy, wy, xx)
  const qx = minor(wy, vz, wz, vy), qy = minor(wz, vx, wx, vz), qz = minor(wx, vy, wy, vx)
  const yx = madd(c, minor(wy, qz, wz, qy), madd(b, f32x4.add(minor(wy, pz, wz, py), qx), madd(a, px, f32x4.add(xx, vx))))
  const yy = madd(c, minor(wz, qx, wx, qz), madd(b, f32x4.add(minor(wz, px, wx, pz), qy), madd(a, py, f32x4.add(xy, vy))))
  const yz = madd(c, minor(wx, qy, wy, qx), madd(b, f32x4.add(minor(wx, py, wy, px), qz), madd(a, pz, f32x4.add(xz, vz))))
  storePoints(y, yx, yy, yz)
}

/** (w, v, x, y): moves points by screws. */
export function se3Transform(args: usize, begin: i32, end: i32): void {
  const first = usize(begin) * 12
  let w = <usize>load<u32>(args) + first
  let v = <usize>load<u32>(args, 4) + first
  let x = <usize>load<u32>(args, 8) + first
  let y = <usize>load<u32>(args, 12) + first
  let left = end - begin
  for (; left >= 4; left -= 4) {
    transformBlock(w, v, x, y)
    w += BLOCK
    v += BLOCK
    x += BLOCK
    y += BLOCK
  }
  if (left == 0) return
  const pad = scratch() + SCRATCH_PACK
  const bytes = usize(left) * 12
  memory.copy(pad, w, bytes)
  memory.copy(pad + BLOCK, v, bytes)
  memory.copy(pad + 2 * BLOCK, x, bytes)
  transformBlock(pad, pad + BLOCK, pad + 2 * BLOCK, pad + 3 * BLOCK)
  memory.copy(y, pad + 3 * BLOCK, bytes)
}

/** g (w·u) + u (g·w) − 2 w (g·u), one component: the gradient by w of g·(w×(w×u)). */
// @ts-expect-error: decorator
@inline
function formSlope(g: v128, wu: v128, u: v128, gw: v128, w: v128, gu: v128): v128 {
  return f32x4.sub(madd(g, wu, f32x4.mul(u, gw)), f32x4.mul(f32x4.add(w, w), gu))
}

/** Four points; dw, dv, dx may be 0. */
function transformBlockBackward(w: usize, v: usize, x: usize, g: usize, dw: usize, dv: usize, dx: usize): void {
  const wx = loadX(w), wy = loadY(w), wz = loadZ(w)
  const gx = loadX(g), gy = loadY(g), gz = loadZ(g)
  const s = dot(wx, wy, wz, wx, wy, wz)
  let a = seriesA(s), b = seriesB(s), c = seriesC(s)
  const far = f32x4.gt(s, splat(SERIES_END))
  const isFar = v128.any_true(far)
  let cosine = splat(1)
  if (isFar) {
    const theta = f32x4.sqrt(s)
    cosine = cosOf(theta)
    a = v128.bitselect(f32x4.div(sinOf(theta), theta), a, far)
    b = v128.bitselect(f32x4.div(f32x4.sub(splat(1), cosine), s), b, far)
    c = v128.bitselect(f32x4.div(f32x4.sub(splat(1), a), s), c, far)
  }
  // p = w×g, r = w×(w×g)
  const px = minor(wy, gz, wz, gy), py = minor(wz, gx, wx, gz), pz = minor(wx, gy, wy, gx)
  const rx = minor(wy, pz, wz, py), ry = minor(wz, px, wx, pz), rz = minor(wx, py, wy, px)
  if (dv) {
    storePoints(
      dv,
      madd(c, rx, f32x4.sub(gx, f32x4.mul(b, px))),
      madd(c, ry, f32x4.sub(gy, f32x4.mul(b, py))),
      madd(c, rz, f32x4.sub(gz, f32x4.mul(b, pz))),
    )
  }
  if (dx) {
    storePoints(
      dx,
      madd(b, rx, f32x4.sub(gx, f32x4.mul(a, px))),
      madd(b, ry, f32x4.sub(gy, f32x4.mul(a, py))),
      madd(b, rz, f32x4.sub(gz, f32x4.mul(a, pz))),
    )
  }
  if (!dw) return
  const vx = loadX(v), vy = loadY(v), vz = loadZ(v)
  const xx = loadX(x), xy = loadY(x), xz = loadZ(x)
  let da = slopeA(s), db = slopeB(s), dc = slopeC(s)
  if (isFar) {
    da = v128.bitselect(f32x4.div(f32x4.sub(cosine, a), s), da, far)
    db = v128.bitselect(f32x4.div(f32x4.sub(a, f32x4.add(b, b)), s), db, far)
    dc = v128.bitselect(f32x4.div(f32x4.sub(b, f32x4.mul(splat(3), c)), s), dc, far)
  }
  // t = x×g, u = v×g
  const tx = minor(xy, gz, xz, gy), ty = minor(xz, gx, xx, gz), tz = minor(xx, gy, xy, gx)
  const ux = minor(vy, gz, vz, gy), uy = minor(vz, gx, vx, gz), uz = minor(vx, gy, vy, gx)
  let along = f32x4.mul(da, dot(wx, wy, wz, tx, ty, tz))
  along = madd(db, f32x4.add(dot(xx, xy, xz, rx, ry, rz), dot(wx, wy, wz, ux, uy, uz)), along)
  along = madd(dc, dot(vx, vy, vz, rx, ry, rz), along)
  const dotWx = dot(wx, wy, wz, xx, xy, xz), dotWv = dot(wx, wy, wz, vx, vy, vz)
  const dotGw = dot(gx, gy, gz, wx, wy, wz)
  const dotGx = dot(gx, gy, gz, xx, xy, xz), dotGv = dot(gx, gy, gz, vx, vy, vz)
  const ox = madd(a, tx, madd(b, f32x4.add(formSlope(gx, dotWx, xx, dotGw, wx, dotGx), ux), madd(c, formSlope(gx, dotWv, vx, dotGw, wx, dotGv), f32x4.mul(along, wx))))
  const oy = madd(a, ty, madd(b, f32x4.add(formSlope(gy, dotWx, xy, dotGw, wy, dotGx), uy), madd(c, formSlope(gy, dotWv, vy, dotGw, wy, dotGv), f32x4.mul(along, wy))))
  const oz = madd(a, tz, madd(b, f32x4.add(formSlope(gz, dotWx, xz, dotGw, wz, dotGx), uz), madd(c, formSlope(gz, dotWv, vz, dotGw, wz, dotGv), f32x4.mul(along, wz))))
  storePoints(dw, ox, oy, oz)
}

/** (w, v, x, dy, dw or 0, dv or 0, dx or 0). */
export function se3TransformBackward(args: usize, begin: i32, end: i32): void {
  const first = usize(begin) * 12
  let w = <usize>load<u32>(args) + first
  let v = <usize>load<u32>(args, 4) + first
  let x = <usize>load<u32>(args, 8) + first
  let g = <usize>load<u32>(args, 12) + first
  const wantW = load<u32>(args, 16) != 0
  const wantV = load<u32>(args, 20) != 0
  const wantX = load<u32>(args, 24) != 0
  let dw = <usize>load<u32>(args, 16) + first
  let dv = <usize>load<u32>(args, 20) + first
  let dx = <usize>load<u32>(args, 24) + first
  let left = end - begin
  for (; left >= 4; left -= 4) {
    transformBlockBackward(w, v, x, g, wantW ? dw : 0, wantV ? dv : 0, wantX ? dx : 0)
    w += BLOCK
    v += BLOCK
    x += BLOCK
    g += BLOCK
    dw += BLOCK
    dv += BLOCK
    dx += BLOCK
  }
  if (left == 0) return
  const pad = scratch() + SCRATCH_PACK
  const bytes = usize(left) * 12
  memory.copy(pad, w, bytes)
  memory.copy(pad + BLOCK, v, bytes)
  memory.copy(pad + 2 * BLOCK, x, bytes)
  memory.copy(pad + 3 * BLOCK, g, bytes)
  transformBlockBackward(pad, pad + BLOCK, pad + 2 * BLOCK, pad + 3 * BLOCK, pad + 4 * BLOCK, pad + 5 * BLOCK, pad + 6 * BLOCK)
  if (wantW) memory.copy(dw, pad + 4 * BLOCK, bytes)
  if (wantV) memory.copy(dv, pad + 5 * BLOCK, bytes)
  if (wantX) memory.copy(dx, pad + 6 * BLOCK, bytes)
}

/** Four points: x within radius 1, (2 - 1/n) x/n outside. */
function contractBlock(x: usize, y: usize): void {
  const xx = loadX(x), xy = loadY(x), xz = loadZ(x)
  const n = f32x4.sqrt(dot(xx, xy, xz, xx, xy, xz))
  const r = f32x4.div(splat(1), n)
  const f = v128.bitselect(f32x4.mul(r, f32x4.sub(splat(2), r)), splat(1), f32x4.gt(n, splat(1)))
  storePoints(y, f32x4.mul(f, xx), f32x4.mul(f, xy), f32x4.mul(f, xz))
}

/** (x, y). */
export function contract(args: usize, begin: i32, end: i32): void {
  let x = <usize>load<u32>(args) + usize(begin) * 12
  let y = <usize>load<u32>(args, 4) + usize(begin) * 12
  let left = end - begin
  for (; left >= 4; left -= 4) {
    contractBlock(x, y)
    x += BLOCK
    y += BLOCK
  }
  if (left == 0) return
  const pad = scratch() + SCRATCH_PACK
  memory.copy(pad, x, usize(left) * 12)
  contractBlock(pad, pad + BLOCK)
  memory.copy(y, pad + BLOCK, usize(left) * 12)
}

/** Four points: dx = f g + (2/n⁴ − 2/n³) (g·x) x outside radius 1. */
function contractBlockBackward(x: usize, dy: usize, dx: usize): void {
  const xx = loadX(x), xy = loadY(x), xz = loadZ(x)
  const gx = loadX(dy), gy = loadY(dy), gz = loadZ(dy)
  const n = f32x4.sqrt(dot(xx, xy, xz, xx, xy, xz))
  const r = f32x4.div(splat(1), n)
  const outside = f32x4.gt(n, splat(1))
  const f = v128.bitselect(f32x4.mul(r, f32x4.sub(splat(2), r)), splat(1), outside)
  const steep = f32x4.mul(f32x4.mul(splat(2), f32x4.mul(r, f32x4.mul(r, r))), f32x4.sub(r, splat(1)))
  const along = v128.and(f32x4.mul(steep, dot(gx, gy, gz, xx, xy, xz)), outside)
  storePoints(dx, madd(f, gx, f32x4.mul(along, xx)), madd(f, gy, f32x4.mul(along, xy)), madd(f, gz, f32x4.mul(along, xz)))
}

/** (x, dy, dx). */
export function contractBackward(args: usize, begin: i32, end: i32): void {
  const first = usize(begin) * 12
  let x = <usize>load<u32>(args) + first
  let dy = <usize>load<u32>(args, 4) + first
  let dx = <usize>load<u32>(args, 8) + first
  let left = end - begin
  for (; left >= 4; left -= 4) {
    contractBlockBackward(x, dy, dx)
    x += BLOCK
    dy += BLOCK
    dx += BLOCK
  }
  if (left == 0) return
  const pad = scratch() + SCRATCH_PACK
  memory.copy(pad, x, usize(left) * 12)
  memory.copy(pad + BLOCK, dy, usize(left) * 12)
  contractBlockBackward(pad, pad + BLOCK, pad + 2 * BLOCK)
  memory.copy(dx, pad + 2 * BLOCK, usize(left) * 12)
}
