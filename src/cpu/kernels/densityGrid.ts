// The density grid: sampling along rays and the update from new densities (src/tensor/ops/densityGrid.ts).

import { SCRATCH_PACK, scratch } from './layout'
import { expVector } from './simdMath'

/** Index along one axis of [-2, 2]. */
// @ts-expect-error: decorator
@inline
function cellAlong(v: f32, resolution: f32): u32 {
  return u32(max<f32>(min<f32>(floor<f32>((v + 2) * (resolution * 0.25)), resolution - 1), 0))
}

/** Byte offset of the cell that holds a contracted point. */
// @ts-expect-error: decorator
@inline
function cellBytes(x: f32, y: f32, z: f32, resolution: i32): usize {
  const size = f32(resolution)
  const cell = (cellAlong(x, size) * u32(resolution) + cellAlong(y, size)) * u32(resolution) + cellAlong(z, size)
  return usize(cell) << 2
}

/** Rays that met less weight than this are sampled evenly. */
const LEAST_TOTAL: f32 = 1e-6

/** Distance from the ray's point nearest to the origin, folded as contraction folds radii, and back. */
// @ts-expect-error: decorator
@inline
export function bend(x: f32): f32 {
  const n = abs<f32>(x)
  return n <= 1 ? x : copysign<f32>(2 - 1 / n, x)
}
// @ts-expect-error: decorator
@inline
export function unbend(c: f32): f32 {
  const n = abs<f32>(c)
  return n <= 1 ? c : copysign<f32>(1 / max<f32>(2 - n, 1e-6), c)
}

/** (origins, directions, u, grid, z, starts, samples, bins, resolution, near, far, uniformShare); items = rays. */
export function gridSamples(args: usize, begin: i32, end: i32): void {
  const grid: usize = load<u32>(args, 12)
  const samples = load<i32>(args, 24)
  const bins = load<i32>(args, 28)
  const resolution = load<i32>(args, 32)
  const near = load<f32>(args, 36)
  const far = load<f32>(args, 40)
  const share = load<f32>(args, 44)
  const step = f32(1) / f32(bins)
  let origin = <usize>load<u32>(args) + usize(begin) * 12
  let direction = <usize>load<u32>(args, 4) + usize(begin) * 12
  let u = <usize>load<u32>(args, 8) + (usize(begin) * samples << 2)
  let z = <usize>load<u32>(args, 16) + (usize(begin) * samples << 2)
  let starts = <usize>load<u32>(args, 20) + (usize(begin) * samples << 2)
  // weight of bin b at weights + 4 b, with one more on either side; cdf behind it
  const row = usize((bins + 3) & ~3) << 2
  const weights = scratch() + SCRATCH_PACK + 16
  const cdf = weights + row + 16
  for (let ray = begin; ray < end; ray++) {
    const ox = load<f32>(origin)
    const oy = load<f32>(origin, 4)
    const oz = load<f32>(origin, 8)
    const dx = load<f32>(direction)
    const dy = load<f32>(direction, 4)
    const dz = load<f32>(direction, 8)
    const nearest = -(ox * dx + oy * dy + oz * dz)
    const first = bend(near - nearest)
    const span = bend(far - nearest) - first
    let edge = nearest + unbend(first)
    for (let b = 0; b < bins; b++) {
      const next = nearest + unbend(first + span * (f32(b + 1) * step))
      const length = next - edge
      const t: f32 = 0.5 * (edge + next)
      edge = next
      const x = ox + t * dx
      const y = oy + t * dy
      const w = oz + t * dz
      const n = sqrt<f32>(x * x + y * y + w * w)
      const f: f32 = n > 1 ? (2 - 1 / n) / n : 1
      store<f32>(weights + (usize(b) << 2), -load<f32>(grid + cellBytes(f * x, f * y, f * w, resolution)) * length)
    }
    let light: f32 = 1
    for (let at: usize = 0; at < row; at += 16) v128.store(weights + at, expVector(v128.load(weights + at)))
    for (let b = 0; b < bins; b++) {
      const at = weights + (usize(b) << 2)
      const through = load<f32>(at)
      store<f32>(at, light * (1 - through))
      light *= through
    }
    const after = weights + (usize(bins) << 2)
    store<f32>(weights - 4, load<f32>(weights))
    store<f32>(after, load<f32>(after - 4))
    let total: f32 = 0
    for (let b = 0; b < bins; b++) {
      const at = weights + (usize(b) << 2)
      const w = load<f32>(at)
      const wide: f32 = 0.5 * (max<f32>(w, load<f32>(at - 4)) + max<f32>(w, load<f32>(at + 4)))
      store<f32>(cdf + (usize(b) << 2), wide, 4)
      total += wide
    }
    const scale: f32 = total > LEAST_TOTAL ? (1 - share) / total : 0
    const level: f32 = (total > LEAST_TOTAL ? share : 1) / f32(bins)
    let sum: f32 = 0
    store<f32>(cdf, 0)
    for (let b = 1; b <= bins; b++) {
      const at = cdf + (usize(b) << 2)
      sum += scale * load<f32>(at) + level
      store<f32>(at, sum)
    }
    let bin = 0
    const unit = sum / f32(samples)
    for (let m = 0; m < samples; m++) {
      const at = usize(m) << 2
      // the stretch's start, then the sample in it: both ascend, so the bin only moves on
      let share = f32(m)
      for (let which = 0; which < 2; which++) {
        const target = share * unit
        while (bin < bins - 1 && target >= load<f32>(cdf + (usize(bin) << 2), 4)) bin++
        const entry = cdf + (usize(bin) << 2)
        const low = load<f32>(entry)
        const t = min<f32>((target - low) / (load<f32>(entry, 4) - low), 1)
        store<f32>((which == 0 ? starts : z) + at, nearest + unbend(first + span * ((f32(bin) + t) * step)))
        share = f32(m) + load<f32>(u + at)
      }
    }
    origin += 12
    direction += 12
    u += usize(samples) << 2
    z += usize(samples) << 2
    starts += usize(samples) << 2
  }
}

/** (points, sigma, largest, resolution); items = points. Keeps the largest of 1 + the bits of each cell's densities, in any order of the points. */
export function gridScatter(args: usize, begin: i32, end: i32): void {
  const sigma: usize = load<u32>(args, 4)
  const largest: usize = load<u32>(args, 8)
  const resolution = load<i32>(args, 12)
  let point = <usize>load<u32>(args) + usize(begin) * 12
  for (let q = begin; q < end; q++) {
    const cell = largest + cellBytes(load<f32>(point), load<f32>(point, 4), load<f32>(point, 8), resolution)
    const value = reinterpret<u32>(abs<f32>(max<f32>(load<f32>(sigma + (usize(q) << 2)), 0))) + 1
    let old = atomic.load<u32>(cell)
    while (value > old) {
      const seen = atomic.cmpxchg<u32>(cell, old, value)
      if (seen == old) break
      old = seen
    }
    point += 12
  }
}

/** (largest, grid, decay, fade); items = cells. */
export function gridMerge(args: usize, begin: i32, end: i32): void {
  const largest: usize = load<u32>(args)
  const grid: usize = load<u32>(args, 4)
  const decay = load<f32>(args, 8)
  const fade = load<f32>(args, 12)
  for (let i = begin; i < end; i++) {
    const at = usize(i) << 2
    const bits = load<u32>(largest + at)
    const old = load<f32>(grid + at)
    store<f32>(grid + at, bits != 0 ? max<f32>(decay * old, reinterpret<f32>(bits - 1)) : fade * old)
  }
}
