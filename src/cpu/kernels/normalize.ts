// Layer normalisation and softmax over rows of any width; a row's sums are taken lane by lane, then over the lanes, then over the tail.

import { expVector, madd, splat } from './simdMath'

// @ts-ignore: decorator
@inline
function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
}

// moments of the row at hand
let mean: f32 = 0
let inverseDeviation: f32 = 0

/** Two passes: the variance of values with a large mean keeps its digits. */
function moments(x: usize, bytes: usize, width: i32, eps: f32): void {
  const even = bytes & ~15
  let sums = splat(0)
  for (let at: usize = 0; at < even; at += 16) sums = f32x4.add(sums, v128.load(x + at))
  let sum = sumLanes(sums)
  for (let at = even; at < bytes; at += 4) sum += load<f32>(x + at)
  mean = sum / f32(width)
  const middle = splat(mean)
  let squares = splat(0)
  for (let at: usize = 0; at < even; at += 16) {
    const d = f32x4.sub(v128.load(x + at), middle)
    squares = madd(d, d, squares)
  }
  let square = sumLanes(squares)
  for (let at = even; at < bytes; at += 4) {
    const d = load<f32>(x + at) - mean
    square += d * d
  }
  inverseDeviation = 1 / sqrt<f32>(square / f32(width) + eps)
}

/** (x, gamma, beta, y, width, eps); items = rows. */
export function layerNorm(args: usize, begin: i32, end: i32): void {
  const width = load<i32>(args, 16)
  const eps = load<f32>(args, 20)
  const bytes = usize(width) << 2
  const even = bytes & ~15
  const gamma: usize = load<u32>(args, 4)
  const beta: usize = load<u32>(args, 8)
  let x = <usize>load<u32>(args) + usize(begin) * bytes
  let y = <usize>load<u32>(args, 12) + usize(begin) * bytes
  for (let row = begin; row < end; row++) {
    moments(x, bytes, width, eps)
    const middle = splat(mean)
    const scale = splat(inverseDeviation)
    for (let at: usize = 0; at < even; at += 16) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + at), middle), scale)
      v128.store(y + at, madd(n, v128.load(gamma + at), v128.load(beta + at)))
    }
    for (let at = even; at < bytes; at += 4) {
      store<f32>(y + at, (load<f32>(x + at) - mean) * inverseDeviation * load<f32>(gamma + at) + load<f32>(beta + at))
    }
    x += bytes
    y += bytes
  }
}

/** (x, gamma, dy, dx, width, eps); items = rows. With n = normalised x, g = gamma dy: dx = (g - mean(g) - n mean(g n)) / deviation. */
export function layerNormBackwardInput(args: usize, begin: i32, end: i32): void {
  const width = load<i32>(args, 16)
  const eps = load<f32>(args, 20)
  const bytes = usize(width) << 2
  const even = bytes & ~15
  const gamma: usize = load<u32>(args, 4)
  const first = usize(begin) * bytes
  let x = <usize>load<u32>(args) + first
  let dy = <usize>load<u32>(args, 8) + first
  let dx = <usize>load<u32>(args, 12) + first
  for (let row = begin; row < end; row++) {
    moments(x, bytes, width, eps)
    const middle = splat(mean)
    const scale = splat(inverseDeviation)
    let sums = splat(0)
    let products = splat(0)
    for (let at: usize = 0; at < even; at += 16) {
      const g = f32x4.mul(v128.load(gamma + at), v128.load(dy + at))
      sums = f32x4.add(sums, g)
      products = madd(g, f32x4.mul(f32x4.sub(v128.load(x + at), middle), scale), products)
    }
    let sum = sumLanes(sums)
    let product = sumLanes(products)
    for (let at = even; at < bytes; at += 4) {
      const g = load<f32>(gamma + at) * load<f32>(dy + at)
      sum += g
      product += g * ((load<f32>(x + at) - mean) * inverseDeviation)
    }
    sum /= f32(width)
    product /= f32(width)
    for (let at: usize = 0; at < even; at += 16) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + at), middle), scale)
      const g = f32x4.mul(v128.load(gamma + at), v128.load(dy + at))
      v128.store(dx + at, f32x4.mul(scale, f32x4.sub(f32x4.sub(g, splat(sum)), f32x4.mul(n, splat(product)))))
    }
    for (let at = even; at < bytes; at += 4) {
      const n = (load<f32>(x + at) - mean) * inverseDeviation
      store<f32>(dx + at, inverseDeviation * (load<f32>(gamma + at) * load<f32>(dy + at) - sum - n * product))
    }
    x += bytes
    dy += bytes
    dx += bytes
  }
}

/** (x, y, width); items = rows. y = e^(x - max) / sum. */
export function softmaxRows(args: usize, begin: i32, end: i32): void {
  const bytes = usize(load<u32>(args, 8)) << 2
  const even = bytes & ~15
  let x = <usize>load<u32>(args) + usize(begin) * bytes
  let y = <usize>load<u32>(args, 4) + usize(begin) * bytes
  for (let row = begin; row < end; row++) {
    let top = load<f32>(x)
    for (let at: usize = 4; at < bytes; at += 4) top = max<f32>(top, load<f32>(x + at))
    let sums = splat(0)
    for (let at: usize = 0; at < even; at += 16) {
      const e = expVector(f32x4.sub(v128.load(x + at), splat(top)))
      sums = f32x4.add(sums, e)
      v128.store(y + at, e)
    }
    let sum = sumLanes(sums)
    for (let at = even; at < bytes; at += 4) {
      const e = expVector(f32x4.sub(v128.load32_splat(x + at), splat(top)))
      sum += f32x4.extract_lane(e, 0)
      v128.store32_lane(y + at, e, 0)
    }
    const scale: f32 = 1 / sum
    for (let at: usize = 0; at < even; at += 16) v128.store(y + at, f32x4.mul(v128.load(y + at), splat(scale)))
    for (let at = even; at < bytes; at += 4) store<f32>(y + at, load<f32>(y + at) * scale)
    x += bytes
    y += bytes
  }
}

/** (y, dy, dx, width); items = rows. dx = y (dy - y . dy). */
export function softmaxRowsBackward(args: usize, begin: i32, end: i32): void {
  const bytes = usize(load<u32>(args, 12)) << 2
  const even = bytes & ~15
  const first = usize(begin) * bytes
  let y = <usize>load<u32>(args) + first
  let dy = <usize>load<u32>(args, 4) + first
  let dx = <usize>load<u32>(args, 8) + first
  for (let row = begin; row < end; row++) {
    let sums = splat(0)
    for (let at: usize = 0; at < even; at += 16) sums = madd(v128.load(y + at), v128.load(dy + at), sums)
    let sum = sumLanes(sums)
    for (let at = even; at < bytes; at += 4) sum += load<f32>(y + at) * load<f32>(dy + at)
    for (let at: usize = 0; at < even; at += 16) {
      v128.store(dx + at, f32x4.mul(v128.load(y + at), f32x4.sub(v128.load(dy + at), splat(sum))))
    }
    for (let at = even; at < bytes; at += 4) store<f32>(dx + at, load<f32>(y + at) * (load<f32>(dy + at) - sum))
    y += bytes
    dy += bytes
    dx += bytes
  }
}
