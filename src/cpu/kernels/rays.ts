// Points along rays, compositing and sums over samples; items = rays. Transcendental functions take four samples at a time, the running product one.

import { SCRATCH_PACK, scratch } from './layout'
import { expVector, madd, oneMinusExpNegative, splat } from './simdMath'

/** Added to each transmittance factor (src/tensor/ops/rayWeights.ts). */
const EPSILON: f32 = 1e-10

/** Bytes of one row of `samples` floats, rounded up to whole vectors. */
// @ts-expect-error: decorator
@inline
function paddedBytes(samples: i32): usize {
  return usize((samples + 3) & ~3) << 2
}

/** length[m] = (z[m + 1] - z[m]) scale, the last one `last` scale; zeros up to the padded end. */
function intervals(z: usize, length: usize, samples: i32, last: f32, scale: f32): void {
  const end = usize(samples - 1) << 2
  const padded = paddedBytes(samples)
  let at: usize = 0
  for (; at + 16 <= end; at += 16) v128.store(length + at, f32x4.mul(f32x4.sub(v128.load(z + at, 4), v128.load(z + at)), splat(scale)))
  for (; at < end; at += 4) store<f32>(length + at, (load<f32>(z + at, 4) - load<f32>(z + at)) * scale)
  store<f32>(length + at, last * scale)
  for (at += 4; at < padded; at += 4) store<f32>(length + at, 0)
}

/** through = e^-(sigma length), alpha = 1 - through; sigma is read inside its row alone. */
function absorb(sigma: usize, length: usize, through: usize, alpha: usize, samples: i32): void {
  const bytes = usize(samples) << 2
  const padded = paddedBytes(samples)
  let at: usize = 0
  for (; at + 16 <= bytes; at += 16) v128.store(through + at, f32x4.mul(v128.load(sigma + at), v128.load(length + at)))
  for (; at < bytes; at += 4) store<f32>(through + at, load<f32>(sigma + at) * load<f32>(length + at))
  for (; at < padded; at += 4) store<f32>(through + at, 0)
  for (at = 0; at < padded; at += 16) {
    const depth = v128.load(through + at)
    v128.store(alpha + at, oneMinusExpNegative(depth))
    v128.store(through + at, expVector(f32x4.neg(depth)))
  }
}

/** (origins, directions, z, points, samples): points = o + z d. */
export function rayPoints(args: usize, begin: i32, end: i32): void {
  const samples = load<i32>(args, 16)
  let origin = <usize>load<u32>(args) + usize(begin) * 12
  let direction = <usize>load<u32>(args, 4) + usize(begin) * 12
  let z = <usize>load<u32>(args, 8) + (usize(begin) * samples << 2)
  let point = <usize>load<u32>(args, 12) + usize(begin) * samples * 12
  for (let ray = begin; ray < end; ray++) {
    for (let m = 0; m < samples; m++) {
      const t = load<f32>(z)
      store<f32>(point, load<f32>(origin) + t * load<f32>(direction))
      store<f32>(point, load<f32>(origin, 4) + t * load<f32>(direction, 4), 4)
      store<f32>(point, load<f32>(origin, 8) + t * load<f32>(direction, 8), 8)
      z += 4
      point += 12
    }
    origin += 12
    direction += 12
  }
}

/** (sigma, z, norm or 0, weights, samples, last interval). */
export function rayWeights(args: usize, begin: i32, end: i32): void {
  const norm: usize = load<u32>(args, 8)
  const samples = load<i32>(args, 16)
  const last = load<f32>(args, 20)
  const row = usize(samples) << 2
  let sigma = <usize>load<u32>(args) + usize(begin) * row
  let z = <usize>load<u32>(args, 4) + usize(begin) * row
  let weights = <usize>load<u32>(args, 12) + usize(begin) * row
  const length = scratch() + SCRATCH_PACK
  const through = length + paddedBytes(samples)
  const alpha = through + paddedBytes(samples)
  for (let ray = begin; ray < end; ray++) {
    intervals(z, length, samples, last, norm ? load<f32>(norm + (usize(ray) << 2)) : 1)
    absorb(sigma, length, through, alpha, samples)
    let light: f32 = 1
    for (let at: usize = 0; at < row; at += 4) {
      store<f32>(weights + at, light * load<f32>(alpha + at))
      light *= load<f32>(through + at) + EPSILON
    }
    sigma += row
    z += row
    weights += row
  }
}

/** (sigma, z, dy, norm or 0, dsigma, samples, last interval). */
export function rayWeightsBackward(args: usize, begin: i32, end: i32): void {
  const norm: usize = load<u32>(args, 12)
  const samples = load<i32>(args, 20)
  const last = load<f32>(args, 24)
  const row = usize(samples) << 2
  let sigma = <usize>load<u32>(args) + usize(begin) * row
  let z = <usize>load<u32>(args, 4) + usize(begin) * row
  let dy = <usize>load<u32>(args, 8) + usize(begin) * row
  let dsigma = <usize>load<u32>(args, 16) + usize(begin) * row
  const length = scratch() + SCRATCH_PACK
  const through = length + paddedBytes(samples)
  const alpha = through + paddedBytes(samples)
  for (let ray = begin; ray < end; ray++) {
    intervals(z, length, samples, last, norm ? load<f32>(norm + (usize(ray) << 2)) : 1)
    absorb(sigma, length, through, alpha, samples)
    // dsigma first holds dy times the light that arrives, then the gradient
    let light: f32 = 1
    for (let at: usize = 0; at < row; at += 4) {
      store<f32>(dsigma + at, load<f32>(dy + at) * light)
      light *= load<f32>(through + at) + EPSILON
    }
    let behind: f32 = 0
    for (let at: usize = row; at > 0; ) {
      at -= 4
      const e = load<f32>(through + at)
      const arriving = load<f32>(dsigma + at)
      store<f32>(dsigma + at, load<f32>(length + at) * e * (arriving - behind / (e + EPSILON)))
      behind += arriving * load<f32>(alpha + at)
    }
    sigma += row
    z += row
    dy += row
    dsigma += row
  }
}

/** (weights, values, y, samples, channels): y[c] = sum over samples of w values[c], in order. */
export function sumSamples(args: usize, begin: i32, end: i32): void {
  const samples = load<i32>(args, 12)
  const channels = load<i32>(args, 16)
  const width = usize(channels) << 2
  let weights = <usize>load<u32>(args) + (usize(begin) * samples << 2)
  let values = <usize>load<u32>(args, 4) + usize(begin) * samples * width
  let y = <usize>load<u32>(args, 8) + usize(begin) * width
  for (let ray = begin; ray < end; ray++) {
    if (channels == 3) {
      let a: f32 = 0, b: f32 = 0, c: f32 = 0
      let value = values
      for (let m = 0; m < samples; m++) {
        const w = load<f32>(weights + (usize(m) << 2))
        a += w * load<f32>(value)
        b += w * load<f32>(value, 4)
        c += w * load<f32>(value, 8)
        value += 12
      }
      store<f32>(y, a)
      store<f32>(y, b, 4)
      store<f32>(y, c, 8)
    } else {
      let at: usize = 0
      for (; at + 16 <= width; at += 16) {
        let sum = splat(0)
        let value = values + at
        for (let m = 0; m < samples; m++) {
          sum = madd(v128.load32_splat(weights + (usize(m) << 2)), v128.load(value), sum)
          value += width
        }
        v128.store(y + at, sum)
      }
      for (; at < width; at += 4) {
        let sum: f32 = 0
        let value = values + at
        for (let m = 0; m < samples; m++) {
          sum += load<f32>(weights + (usize(m) << 2)) * load<f32>(value)
          value += width
        }
        store<f32>(y + at, sum)
      }
    }
    weights += usize(samples) << 2
    values += usize(samples) * width
    y += width
  }
}

/** (weights, values, dy, dweights or 0, dvalues or 0, samples, channels). */
export function sumSamplesBackward(args: usize, begin: i32, end: i32): void {
  const wantWeights = load<u32>(args, 12) != 0
  const wantValues = load<u32>(args, 16) != 0
  const samples = load<i32>(args, 20)
  const width = usize(load<u32>(args, 24)) << 2
  const firstSample = usize(begin) * samples
  let weights = <usize>load<u32>(args) + (firstSample << 2)
  let values = <usize>load<u32>(args, 4) + firstSample * width
  let dy = <usize>load<u32>(args, 8) + usize(begin) * width
  let dweights = <usize>load<u32>(args, 12) + (firstSample << 2)
  let dvalues = <usize>load<u32>(args, 16) + firstSample * width
  for (let ray = begin; ray < end; ray++) {
    for (let m = 0; m < samples; m++) {
      let sum: f32 = 0
      const w = load<f32>(weights)
      for (let at: usize = 0; at < width; at += 4) {
        const g = load<f32>(dy + at)
        if (wantWeights) sum += g * load<f32>(values + at)
        if (wantValues) store<f32>(dvalues + at, g * w)
      }
      if (wantWeights) store<f32>(dweights, sum)
      weights += 4
      values += width
      dweights += 4
      dvalues += width
    }
    dy += width
  }
}
