// Multi-resolution hash encoding (Mueller et al. 2022, "Instant Neural Graphics Primitives", section 3): per level the trilinear mix of the
// features at the eight corners of the grid cell. A level of r cells has (r + 1)^3 corners; it is stored densely when they fit, hashed if not.
// x [rows, 3], tables [levels][2^log2Entries][features], y [rows, levels * features].
//
// The four (y, z) corners j = y + 2 z of a cell are the lanes of a vector, once for the lower and once for the upper x. Two features:
// lower and upper x share a vector [a0 a1 b0 b1], in a dense level one load. Otherwise a vector holds four features, or one of the rest.

import { SCRATCH_DZ, scratch } from './layout'
import { splat } from './simdMath'

// A located point, in scratch: byte offsets of the lower-x corners and of the upper-x corners, fractions (x, y, z), lanes inside the cube; weights of the (y, z) corners.
const LOWER: usize = SCRATCH_DZ
const UPPER: usize = SCRATCH_DZ + 16
const FRACTION: usize = SCRATCH_DZ + 32
const INSIDE: usize = SCRATCH_DZ + 48
const WEIGHTS: usize = SCRATCH_DZ + 64

// the level at hand
let resolution: u32 = 0
let dense: bool = false
let mask: u32 = 0
let strideY: u32 = 0
let strideZ: u32 = 0

function enterLevel(address: usize, log2Entries: i32): void {
  resolution = load<u32>(address)
  const width = resolution + 1
  dense = u64(width) * width * width <= u64(1) << log2Entries
  mask = u32((u64(1) << log2Entries) - 1)
  strideY = dense ? width : 2654435761
  strideZ = dense ? width * width : 805459861
}

/** Writes the record of one point at `to` (this thread's scratch). */
function locate(x: usize, lo: f32, invExtent: f32, slotBytes: u32, to: usize): void {
  const t = f32x4.mul(f32x4.sub(v128.load(x), splat(lo)), splat(invExtent)) // the fourth lane is the next point's and is not used
  const p = f32x4.mul(f32x4.pmin(f32x4.pmax(t, splat(0)), splat(1)), splat(f32(resolution)))
  // the last cell owns its upper face, so that corner + 1 always exists
  const cell = i32x4.min_u(i32x4.trunc_sat_f32x4_u(p), i32x4.splat(resolution - 1))
  v128.store(to, f32x4.sub(p, f32x4.convert_i32x4_u(cell)), FRACTION)
  v128.store(to, v128.and(f32x4.ge(t, splat(0)), f32x4.le(t, splat(1))), INSIDE)
  const terms = i32x4.mul(cell, i32x4(1, strideY, strideZ, 0))
  const y = i32x4.add(v128.shuffle<i32>(terms, terms, 1, 1, 1, 1), i32x4(0, strideY, 0, strideY))
  const z = i32x4.add(v128.shuffle<i32>(terms, terms, 2, 2, 2, 2), i32x4(0, 0, strideZ, strideZ))
  const lower = v128.shuffle<i32>(terms, terms, 0, 0, 0, 0)
  const upper = i32x4.add(lower, i32x4.splat(1))
  const bytes = i32x4.splat(slotBytes)
  if (dense) {
    const yz = i32x4.add(y, z)
    v128.store(to, i32x4.mul(i32x4.add(lower, yz), bytes), LOWER)
    v128.store(to, i32x4.mul(i32x4.add(upper, yz), bytes), UPPER)
  } else {
    const yz = v128.xor(y, z)
    const entries = i32x4.splat(mask)
    v128.store(to, i32x4.mul(v128.and(v128.xor(lower, yz), entries), bytes), LOWER)
    v128.store(to, i32x4.mul(v128.and(v128.xor(upper, yz), entries), bytes), UPPER)
  }
}

// @ts-ignore: decorator
@inline
function lower(record: usize, j: usize): usize {
  return load<u32>(record + (j << 2), LOWER)
}
// @ts-ignore: decorator
@inline
function upper(record: usize, j: usize): usize {
  return load<u32>(record + (j << 2), UPPER)
}

/** Weights of the (y, z) corners. */
// @ts-ignore: decorator
@inline
function weightsYz(record: usize): v128 {
  const f = v128.load(record, FRACTION)
  const g = f32x4.sub(splat(1), f)
  // lanes 1 - fy, fy, 1 - fy, fy times 1 - fz, 1 - fz, fz, fz
  return f32x4.mul(v128.shuffle<f32>(g, f, 1, 5, 1, 5), v128.shuffle<f32>(g, f, 2, 2, 6, 6))
}

/** 1 - fx, 1 - fx, fx, fx. */
// @ts-ignore: decorator
@inline
function weightsX(record: usize): v128 {
  const f = v128.load(record, FRACTION)
  return v128.shuffle<f32>(f32x4.sub(splat(1), f), f, 0, 0, 4, 4)
}

/** Both features of the lower and of the upper corner. */
// @ts-ignore: decorator
@inline
function loadPair(table: usize, record: usize, j: usize): v128 {
  const a = table + lower(record, j)
  return dense ? v128.load(a) : v128.load64_lane(table + upper(record, j), v128.load64_zero(a), 1)
}

// @ts-ignore: decorator
@inline
function weighted(sum: v128, weight: v128, value: v128): v128 {
  return f32x4.add(sum, f32x4.mul(weight, value))
}

/** Four features, or one when fewer than four are left. */
// @ts-ignore: decorator
@inline
function loadFeatures(from: usize, four: bool): v128 {
  return four ? v128.load(from) : v128.load32_zero(from)
}

// @ts-ignore: decorator
@inline
function storeFeatures(to: usize, v: v128, four: bool): void {
  if (four) v128.store(to, v)
  else v128.store32_lane(to, v, 0)
}

/** (x, tables, y, resolutions u32, levels, log2Entries, features, lo, invExtent); items = rows. */
export function hashEncoding(args: usize, begin: i32, end: i32): void {
  const xFirst = <usize>load<u32>(args) + usize(begin) * 12
  const resolutions: usize = load<u32>(args, 12)
  const levels = load<i32>(args, 16)
  const log2Entries = load<i32>(args, 20)
  const features = load<i32>(args, 24)
  const lo = load<f32>(args, 28)
  const invExtent = load<f32>(args, 32)
  const slotBytes = usize(features) << 2
  const yStride = slotBytes * levels
  const record = scratch()
  let table: usize = load<u32>(args, 4)
  let yFirst = <usize>load<u32>(args, 8) + usize(begin) * yStride
  for (let level: usize = 0; level < usize(levels); level++) {
    enterLevel(resolutions + (level << 2), log2Entries)
    let x = xFirst
    let y = yFirst
    for (let row = begin; row < end; row++) {
      locate(x, lo, invExtent, u32(slotBytes), record)
      const w = weightsYz(record)
      const w0 = v128.shuffle<f32>(w, w, 0, 0, 0, 0)
      const w1 = v128.shuffle<f32>(w, w, 1, 1, 1, 1)
      const w2 = v128.shuffle<f32>(w, w, 2, 2, 2, 2)
      const w3 = v128.shuffle<f32>(w, w, 3, 3, 3, 3)
      if (features == 2) {
        let sum = f32x4.mul(w0, loadPair(table, record, 0))
        sum = weighted(sum, w1, loadPair(table, record, 1))
        sum = weighted(sum, w2, loadPair(table, record, 2))
        sum = weighted(sum, w3, loadPair(table, record, 3))
        sum = f32x4.mul(sum, weightsX(record))
        v128.store64_lane(y, f32x4.add(sum, v128.shuffle<f32>(sum, sum, 2, 3, 2, 3)), 0)
      } else {
        const f = v128.load(record, FRACTION)
        const fx = v128.shuffle<f32>(f, f, 0, 0, 0, 0)
        const gx = f32x4.sub(splat(1), fx)
        for (let at: usize = 0; at < slotBytes; ) {
          const four = slotBytes - at >= 16
          const from = table + at
          let a = f32x4.mul(w0, loadFeatures(from + lower(record, 0), four))
          a = weighted(a, w1, loadFeatures(from + lower(record, 1), four))
          a = weighted(a, w2, loadFeatures(from + lower(record, 2), four))
          a = weighted(a, w3, loadFeatures(from + lower(record, 3), four))
          let b = f32x4.mul(w0, loadFeatures(from + upper(record, 0), four))
          b = weighted(b, w1, loadFeatures(from + upper(record, 1), four))
          b = weighted(b, w2, loadFeatures(from + upper(record, 2), four))
          b = weighted(b, w3, loadFeatures(from + upper(record, 3), four))
          storeFeatures(y + at, weighted(f32x4.mul(gx, a), fx, b), four)
          at += four ? 16 : 4
        }
      }
      x += 12
      y += yStride
    }
    table += slotBytes << log2Entries
    yFirst += slotBytes
  }
}

/** (x, dy, dTables, resolutions, n rows, levels, log2Entries, features, lo, invExtent); items = levels: zero-fills a level, then adds the rows in order. */
export function hashEncodingBackwardTables(args: usize, begin: i32, end: i32): void {
  const xFirst: usize = load<u32>(args)
  const dyFirst: usize = load<u32>(args, 4)
  const dTables: usize = load<u32>(args, 8)
  const resolutions: usize = load<u32>(args, 12)
  const rows = load<i32>(args, 16)
  const levels = load<i32>(args, 20)
  const log2Entries = load<i32>(args, 24)
  const features = load<i32>(args, 28)
  const lo = load<f32>(args, 32)
  const invExtent = load<f32>(args, 36)
  const slotBytes = usize(features) << 2
  const levelBytes = slotBytes << log2Entries
  const record = scratch()
  for (let level = usize(begin); level < usize(end); level++) {
    const table = dTables + levelBytes * level
    memory.fill(table, 0, levelBytes)
    enterLevel(resolutions + (level << 2), log2Entries)
    let x = xFirst
    let dy = dyFirst + slotBytes * level
    for (let row = 0; row < rows; row++) {
      locate(x, lo, invExtent, u32(slotBytes), record)
      const wx = weightsX(record)
      v128.store(record, weightsYz(record), WEIGHTS)
      if (features == 2) {
        const g = f32x4.mul(wx, v128.load64_splat(dy))
        for (let j: usize = 0; j < 4; j++) {
          const u = f32x4.mul(g, v128.load32_splat(record + (j << 2), WEIGHTS))
          const a = table + lower(record, j)
          if (dense) {
            v128.store(a, f32x4.add(v128.load(a), u))
          } else {
            const b = table + upper(record, j) // may be the same slot
            v128.store64_lane(a, f32x4.add(v128.load64_zero(a), u), 0)
            v128.store64_lane(b, f32x4.add(v128.load64_zero(b), v128.shuffle<f32>(u, u, 2, 3, 2, 3)), 0)
          }
        }
      } else {
        const gx = v128.shuffle<f32>(wx, wx, 0, 0, 0, 0)
        const fx = v128.shuffle<f32>(wx, wx, 2, 2, 2, 2)
        for (let at: usize = 0; at < slotBytes; ) {
          const four = slotBytes - at >= 16
          const g = loadFeatures(dy + at, four)
          for (let j: usize = 0; j < 4; j++) {
            const u = f32x4.mul(g, v128.load32_splat(record + (j << 2), WEIGHTS))
            const a = table + at + lower(record, j)
            const b = table + at + upper(record, j)
            storeFeatures(a, weighted(loadFeatures(a, four), gx, u), four)
            storeFeatures(b, weighted(loadFeatures(b, four), fx, u), four)
          }
          at += four ? 16 : 4
        }
      }
      x += 12
      dy += slotBytes * levels
    }
  }
}

/** (x, tables, dy, dx, resolutions, levels, log2Entries, features, lo, invExtent); items = rows. Zero along an axis on which the point was clamped. */
export function hashEncodingBackwardInput(args: usize, begin: i32, end: i32): void {
  const xFirst = <usize>load<u32>(args) + usize(begin) * 12
  const dxFirst = <usize>load<u32>(args, 12) + usize(begin) * 12
  const resolutions: usize = load<u32>(args, 16)
  const levels = load<i32>(args, 20)
  const log2Entries = load<i32>(args, 24)
  const features = load<i32>(args, 28)
  const lo = load<f32>(args, 32)
  const invExtent = load<f32>(args, 36)
  const slotBytes = usize(features) << 2
  const yStride = slotBytes * levels
  const record = scratch()
  let table: usize = load<u32>(args, 4)
  let dyFirst = <usize>load<u32>(args, 8) + usize(begin) * yStride
  memory.fill(dxFirst, 0, usize(end - begin) * 12)
  for (let level: usize = 0; level < usize(levels); level++) {
    enterLevel(resolutions + (level << 2), log2Entries)
    const slope = splat(f32(resolution) * invExtent)
    let x = xFirst
    let dx = dxFirst
    let dy = dyFirst
    for (let row = begin; row < end; row++) {
      locate(x, lo, invExtent, u32(slotBytes), record)
      // per corner j, spread over the lanes: s = features . dy; along x the difference d of upper and lower s, and their mix m
      let d0: v128, d1: v128, d2: v128, d3: v128
      let m0: v128, m1: v128, m2: v128, m3: v128
      if (features == 2) {
        const g = v128.load64_splat(dy)
        const sign = f32x4(-1, -1, 1, 1)
        const wx = weightsX(record)
        const s0 = f32x4.mul(g, loadPair(table, record, 0))
        const s1 = f32x4.mul(g, loadPair(table, record, 1))
        const s2 = f32x4.mul(g, loadPair(table, record, 2))
        const s3 = f32x4.mul(g, loadPair(table, record, 3))
        d0 = f32x4.mul(sign, s0)
        d1 = f32x4.mul(sign, s1)
        d2 = f32x4.mul(sign, s2)
        d3 = f32x4.mul(sign, s3)
        m0 = f32x4.mul(wx, s0)
        m1 = f32x4.mul(wx, s1)
        m2 = f32x4.mul(wx, s2)
        m3 = f32x4.mul(wx, s3)
      } else {
        const f = v128.load(record, FRACTION)
        const fx = v128.shuffle<f32>(f, f, 0, 0, 0, 0)
        d0 = d1 = d2 = d3 = m0 = m1 = m2 = m3 = splat(0)
        for (let at: usize = 0; at < slotBytes; ) {
          const four = slotBytes - at >= 16
          const g = loadFeatures(dy + at, four)
          const a0 = f32x4.mul(g, loadFeatures(table + at + lower(record, 0), four))
          const a1 = f32x4.mul(g, loadFeatures(table + at + lower(record, 1), four))
          const a2 = f32x4.mul(g, loadFeatures(table + at + lower(record, 2), four))
          const a3 = f32x4.mul(g, loadFeatures(table + at + lower(record, 3), four))
          const e0 = f32x4.sub(f32x4.mul(g, loadFeatures(table + at + upper(record, 0), four)), a0)
          const e1 = f32x4.sub(f32x4.mul(g, loadFeatures(table + at + upper(record, 1), four)), a1)
          const e2 = f32x4.sub(f32x4.mul(g, loadFeatures(table + at + upper(record, 2), four)), a2)
          const e3 = f32x4.sub(f32x4.mul(g, loadFeatures(table + at + upper(record, 3), four)), a3)
          d0 = f32x4.add(d0, e0)
          d1 = f32x4.add(d1, e1)
          d2 = f32x4.add(d2, e2)
          d3 = f32x4.add(d3, e3)
          m0 = f32x4.add(m0, weighted(a0, fx, e0))
          m1 = f32x4.add(m1, weighted(a1, fx, e1))
          m2 = f32x4.add(m2, weighted(a2, fx, e2))
          m3 = f32x4.add(m3, weighted(a3, fx, e3))
          at += four ? 16 : 4
        }
      }
      const f = v128.load(record, FRACTION)
      const g = f32x4.sub(splat(1), f)
      const w = weightsYz(record)
      let alongX = f32x4.mul(v128.shuffle<f32>(w, w, 0, 0, 0, 0), d0)
      alongX = weighted(alongX, v128.shuffle<f32>(w, w, 1, 1, 1, 1), d1)
      alongX = weighted(alongX, v128.shuffle<f32>(w, w, 2, 2, 2, 2), d2)
      alongX = weighted(alongX, v128.shuffle<f32>(w, w, 3, 3, 3, 3), d3)
      let alongY = f32x4.mul(v128.shuffle<f32>(g, g, 2, 2, 2, 2), f32x4.sub(m1, m0))
      alongY = weighted(alongY, v128.shuffle<f32>(f, f, 2, 2, 2, 2), f32x4.sub(m3, m2))
      let alongZ = f32x4.mul(v128.shuffle<f32>(g, g, 1, 1, 1, 1), f32x4.sub(m2, m0))
      alongZ = weighted(alongZ, v128.shuffle<f32>(f, f, 1, 1, 1, 1), f32x4.sub(m3, m1))
      // lanes x, y, z become the sums over the lanes of the three
      const xy = f32x4.add(v128.shuffle<f32>(alongX, alongY, 0, 4, 1, 5), v128.shuffle<f32>(alongX, alongY, 2, 6, 3, 7))
      const zz = f32x4.add(alongZ, v128.shuffle<f32>(alongZ, alongZ, 2, 3, 0, 1))
      const sum = f32x4.add(v128.shuffle<f32>(xy, zz, 0, 1, 4, 4), v128.shuffle<f32>(xy, zz, 2, 3, 5, 5))
      const gradient = v128.and(f32x4.mul(slope, sum), v128.load(record, INSIDE))
      const total = f32x4.add(v128.load32_lane(dx, v128.load64_zero(dx), 2, 8), gradient)
      v128.store64_lane(dx, total, 0)
      v128.store32_lane(dx, total, 2, 8)
      x += 12
      dx += 12
      dy += yStride
    }
    table += slotBytes << log2Entries
    dyFirst += slotBytes
  }
}
