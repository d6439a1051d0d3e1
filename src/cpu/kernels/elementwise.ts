// Elementwise kernels; items = elements. The last one to three elements go through the same vector code one lane at a time.

import { geluSlope, geluTanhSlope, geluTanhVector, geluVector, quickGeluSlope, quickGeluVector } from './simdMath'

// Which function; constants where the loops are inlined, so that nothing is asked per element.
const QUICK_GELU = 0
const GELU = 1
const GELU_TANH = 2

/** (a, b, y): y = a + b. */
export function addTensors(args: usize, begin: i32, end: i32): void {
  const first = usize(begin) << 2
  let a = <usize>load<u32>(args) + first
  let b = <usize>load<u32>(args, 4) + first
  let y = <usize>load<u32>(args, 8) + first
  let left = end - begin
  for (; left >= 4; left -= 4) {
    v128.store(y, f32x4.add(v128.load(a), v128.load(b)))
    a += 16
    b += 16
    y += 16
  }
  for (; left > 0; left--) {
    store<f32>(y, load<f32>(a) + load<f32>(b))
    a += 4
    b += 4
    y += 4
  }
}

/** (a, b, y): y = a * b. */
export function mulTensors(args: usize, begin: i32, end: i32): void {
  const first = usize(begin) << 2
  let a = <usize>load<u32>(args) + first
  let b = <usize>load<u32>(args, 4) + first
  let y = <usize>load<u32>(args, 8) + first
  let left = end - begin
  for (; left >= 4; left -= 4) {
    v128.store(y, f32x4.mul(v128.load(a), v128.load(b)))
    a += 16
    b += 16
    y += 16
  }
  for (; left > 0; left--) {
    store<f32>(y, load<f32>(a) * load<f32>(b))
    a += 4
    b += 4
    y += 4
  }
}

/** (a, y, s): y = a * s. */
export function scaleTensor(args: usize, begin: i32, end: i32): void {
  const first = usize(begin) << 2
  let a = <usize>load<u32>(args) + first
  let y = <usize>load<u32>(args, 4) + first
  const s = load<f32>(args, 8)
  let left = end - begin
  for (; left >= 4; left -= 4) {
    v128.store(y, f32x4.mul(v128.load(a), f32x4.splat(s)))
    a += 16
    y += 16
  }
  for (; left > 0; left--) {
    store<f32>(y, load<f32>(a) * s)
    a += 4
    y += 4
  }
}

// @ts-ignore: decorator
@inline
function valueOf(x: v128, kind: i32): v128 {
  if (kind == QUICK_GELU) return quickGeluVector(x)
  if (kind == GELU) return geluVector(x)
  return geluTanhVector(x)
}

// @ts-ignore: decorator
@inline
function slopeOf(x: v128, kind: i32): v128 {
  if (kind == QUICK_GELU) return quickGeluSlope(x)
  if (kind == GELU) return geluSlope(x)
  return geluTanhSlope(x)
}

/** (x, y): y = f(x). */
// @ts-ignore: decorator
@inline
function values(args: usize, begin: i32, end: i32, kind: i32): void {
  const first = usize(begin) << 2
  let x = <usize>load<u32>(args) + first
  let y = <usize>load<u32>(args, 4) + first
  let left = end - begin
  for (; left >= 4; left -= 4) {
    v128.store(y, valueOf(v128.load(x), kind))
    x += 16
    y += 16
  }
  for (; left > 0; left--) {
    v128.store32_lane(y, valueOf(v128.load32_zero(x), kind), 0)
    x += 4
    y += 4
  }
}

/** (x, dy, dx): dx = dy f'(x). */
// @ts-ignore: decorator
@inline
function slopes(args: usize, begin: i32, end: i32, kind: i32): void {
  const first = usize(begin) << 2
  let x = <usize>load<u32>(args) + first
  let dy = <usize>load<u32>(args, 4) + first
  let dx = <usize>load<u32>(args, 8) + first
  let left = end - begin
  for (; left >= 4; left -= 4) {
    v128.store(dx, f32x4.mul(v128.load(dy), slopeOf(v128.load(x), kind)))
    x += 16
    dy += 16
    dx += 16
  }
  for (; left > 0; left--) {
    v128.store32_lane(dx, f32x4.mul(v128.load32_zero(dy), slopeOf(v128.load32_zero(x), kind)), 0)
    x += 4
    dy += 4
    dx += 4
  }
}

/** (x, y): y = x sigmoid(1.702 x). */
export function quickGelu(args: usize, begin: i32, end: i32): void {
  values(args, begin, end, QUICK_GELU)
}

/** (x, dy, dx). */
export function quickGeluBackward(args: usize, begin: i32, end: i32): void {
  slopes(args, begin, end, QUICK_GELU)
}

/** (x, y): y = x Phi(x), the error-function form. */
export function gelu(args: usize, begin: i32, end: i32): void {
  values(args, begin, end, GELU)
}

/** (x, dy, dx). */
export function geluBackward(args: usize, begin: i32, end: i32): void {
  slopes(args, begin, end, GELU)
}

/** (x, y): the tanh form of GELU. */
export function geluTanh(args: usize, begin: i32, end: i32): void {
  values(args, begin, end, GELU_TANH)
}

/** (x, dy, dx). */
export function geluTanhBackward(args: usize, begin: i32, end: i32): void {
  slopes(args, begin, end, GELU_TANH)
}
