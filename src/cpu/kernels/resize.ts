// Resampling along one axis of [outer, from, inner] (src/tensor/ops/resize.ts). Rows of `inner` floats are added up four at a time.

import { madd, splat } from './simdMath'

/** Weight of a tap `distance` / `parts` filter units away: 0 triangle, 1 bicubic with a = -0.5. */
// @ts-ignore: decorator
@inline
function weightAt(distance: i32, parts: f32, filter: i32): f32 {
  const d = f32(abs<i32>(distance)) / parts
  if (filter == 0) return max<f32>(1 - d, 0)
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0
}

/** to += weight from, `bytes` of each. */
// @ts-ignore: decorator
@inline
function addRow(weight: f32, from: usize, to: usize, bytes: usize): void {
  const scale = splat(weight)
  let at: usize = 0
  for (; at + 16 <= bytes; at += 16) v128.store(to + at, madd(scale, v128.load(from + at), v128.load(to + at)))
  for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(to + at) + weight * load<f32>(from + at))
}

/** Sum of the unnormalised weights of output i. */
function totalOf(i: i32, from: i32, to: i32, parts: i32, filter: i32): f32 {
  const centre = (2 * i + 1) * from
  const reach = (filter + 1) * parts
  const last = min<i32>((centre + reach) / (2 * to), from - 1)
  let total: f32 = 0
  for (let j = max<i32>(centre - reach, 0) / (2 * to); j <= last; j++) total += weightAt(centre - (2 * j + 1) * to, f32(parts), filter)
  return total
}

/** (x, y, inner, from, to, offset, count, parts, filter); items = outer * count. */
export function resizeAxis(args: usize, begin: i32, end: i32): void {
  const x: usize = load<u32>(args)
  const bytes = usize(load<u32>(args, 8)) << 2
  const from = load<i32>(args, 12)
  const to = load<i32>(args, 16)
  const offset = load<i32>(args, 20)
  const count = load<i32>(args, 24)
  const parts = load<i32>(args, 28)
  const filter = load<i32>(args, 32)
  const reach = (filter + 1) * parts
  let y = <usize>load<u32>(args, 4) + usize(begin) * bytes
  for (let item = begin; item < end; item++) {
    const i = (item % count) + offset
    const image = x + usize(item / count) * usize(from) * bytes
    const centre = (2 * i + 1) * from
    const last = min<i32>((centre + reach) / (2 * to), from - 1)
    const scale: f32 = 1 / totalOf(i, from, to, parts, filter)
    memory.fill(y, 0, bytes)
    for (let j = max<i32>(centre - reach, 0) / (2 * to); j <= last; j++) {
      addRow(weightAt(centre - (2 * j + 1) * to, f32(parts), filter) * scale, image + usize(j) * bytes, y, bytes)
    }
    y += bytes
  }
}

/** (dy, dx, inner, from, to, offset, count, parts, filter); items = outer * from. */
export function resizeAxisBackward(args: usize, begin: i32, end: i32): void {
  const dy: usize = load<u32>(args)
  const bytes = usize(load<u32>(args, 8)) << 2
  const from = load<i32>(args, 12)
  const to = load<i32>(args, 16)
  const offset = load<i32>(args, 20)
  const count = load<i32>(args, 24)
  const parts = load<i32>(args, 28)
  const filter = load<i32>(args, 32)
  const reach = (filter + 1) * parts
  let dx = <usize>load<u32>(args, 4) + usize(begin) * bytes
  for (let item = begin; item < end; item++) {
    const j = item % from
    const image = dy + usize(item / from) * usize(count) * bytes
    const centre = (2 * j + 1) * to
    const last = min<i32>((centre + reach) / (2 * from), offset + count - 1)
    memory.fill(dx, 0, bytes)
    for (let i = max<i32>(max<i32>(centre - reach, 0) / (2 * from), offset); i <= last; i++) {
      const weight = weightAt((2 * i + 1) * from - centre, f32(parts), filter) / totalOf(i, from, to, parts, filter)
      addRow(weight, image + usize(i - offset) * bytes, dx, bytes)
    }
    dx += bytes
  }
}
