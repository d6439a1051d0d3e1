// Rays through a field on bricks (src/tensor/ops/bricks.ts, brickMarch.ts); items = rays. The four channels of a corner are the lanes of a vector.

import { bend, unbend } from './densityGrid'
import { expVector, madd, softplusVector, splat } from './simdMath'

const BRICK: i32 = 8
const SIDE: i32 = 9
const CORNERS: i32 = 729
const EMPTY: u32 = 0x80000000
const COARSE: u32 = 0x40000000
const COARSER: i32 = 4

/** Adds a corner's codes, each at its place in the word, times the weight. */
// @ts-ignore: decorator
@inline
function addCorner(sum: v128, at: usize, weight: f32): v128 {
  const codes = v128.and(v128.load32_splat(at), i32x4(0x7f, 0x3f80, 0x1fc000, 0xffe00000))
  return madd(f32x4.convert_i32x4_u(codes), splat(weight), sum)
}

/** The eight corners of a cell mixed: red, green and blue in 0..1 and the density's code. */
function mixCorners(at: usize, fx: f32, fy: f32, fz: f32): v128 {
  const gx: f32 = 1 - fx
  const gy: f32 = 1 - fy
  const gz: f32 = 1 - fz
  let sum = addCorner(splat(0), at, gx * gy * gz)
  sum = addCorner(sum, at + 4, gx * gy * fz)
  sum = addCorner(sum, at + SIDE * 4, gx * fy * gz)
  sum = addCorner(sum, at + SIDE * 4 + 4, gx * fy * fz)
  const next = at + SIDE * SIDE * 4
  sum = addCorner(sum, next, fx * gy * gz)
  sum = addCorner(sum, next + 4, fx * gy * fz)
  sum = addCorner(sum, next + SIDE * 4, fx * fy * gz)
  sum = addCorner(sum, next + SIDE * 4 + 4, fx * fy * fz)
  return f32x4.mul(sum, f32x4(1.0 / 127.0, 1.0 / (127.0 * 128.0), 1.0 / (127.0 * 16384.0), 1.0 / 2097152.0))
}

/** Distance from a place inside a brick to its nearest face, in cells. */
// @ts-ignore: decorator
@inline
function border(inside: f32): f32 {
  return min<f32>(inside, f32(BRICK) - inside)
}

/** The cell of a place, but one of the brick's. */
// @ts-ignore: decorator
@inline
function withinBrick(place: f32, brick: i32): i32 {
  return min<i32>(max<i32>(i32(place), brick * BRICK), brick * BRICK + BRICK - 1)
}

/** (origins, directions, scale, index u32, voxels u32, color, depth, accumulation, resolution, near, far, step, leastLight). */
export function brickMarch(args: usize, begin: i32, end: i32): void {
  const scale: usize = load<u32>(args, 8)
  const index: usize = load<u32>(args, 12)
  const voxels: usize = load<u32>(args, 16)
  const resolution = load<i32>(args, 32)
  const near = load<f32>(args, 36)
  const far = load<f32>(args, 40)
  const leastLight = load<f32>(args, 48)
  const low = load<f32>(scale)
  const densityStep = load<f32>(scale, 4)
  const cell: f32 = f32(4) / f32(resolution)
  const step: f32 = load<f32>(args, 44) * cell
  const inverse: f32 = f32(resolution) * 0.25
  const along = resolution / BRICK
  let origin = <usize>load<u32>(args) + usize(begin) * 12
  let direction = <usize>load<u32>(args, 4) + usize(begin) * 12
  let color = <usize>load<u32>(args, 20) + usize(begin) * 12
  let depth = <usize>load<u32>(args, 24) + usize(begin) * 4
  let accumulation = <usize>load<u32>(args, 28) + usize(begin) * 4
  for (let ray = begin; ray < end; ray++) {
    const ox = load<f32>(origin)
    const oy = load<f32>(origin, 4)
    const oz = load<f32>(origin, 8)
    const dx = load<f32>(direction)
    const dy = load<f32>(direction, 4)
    const dz = load<f32>(direction, 8)
    const nearest = -(ox * dx + oy * dy + oz * dz)
    const first = bend(near - nearest)
    const last = bend(far - nearest)
    const stretch = sqrt<f32>(1 + 4 * max<f32>(ox * ox + oy * oy + oz * oz - nearest * nearest, 0))
    const steps = i32(ceil<f32>((last - first) / step))
    let sum = splat(0)
    let seen = splat(0)
    let light: f32 = 1
    let z: f32 = 0
    let rest = far
    let k = 0
    while (k < steps) {
      let s = first + (f32(k) + 0.5) * step
      let t = nearest + unbend(s)
      let x = ox + t * dx
      let y = oy + t * dy
      let w = oz + t * dz
      let n = sqrt<f32>(x * x + y * y + w * w)
      let f: f32 = n > 1 ? (2 - 1 / n) / n : 1
      let px = min<f32>(max<f32>((f * x + 2) * inverse, 0), f32(resolution))
      let py = min<f32>(max<f32>((f * y + 2) * inverse, 0), f32(resolution))
      let pz = min<f32>(max<f32>((f * w + 2) * inverse, 0), f32(resolution))
      let ax = min<i32>(i32(px), resolution - 1)
      let ay = min<i32>(i32(py), resolution - 1)
      let az = min<i32>(i32(pz), resolution - 1)
      const bx = ax / BRICK
      const by = ay / BRICK
      const bz = az / BRICK
      const word = load<u32>(index + (usize((bx * along + by) * along + bz) << 2))
      let span = 1
      if (word >= EMPTY) {
        const free = min<f32>(border(px - f32(bx * BRICK)), min<f32>(border(py - f32(by * BRICK)), border(pz - f32(bz * BRICK))))
        const reach: f32 = (f32((word - EMPTY - 1) * BRICK) + free) * cell
        const speed = abs<f32>(s) <= 1 && abs<f32>(s + reach) <= 1 ? f32(1) : stretch
        k += max<i32>(1, i32(reach / (speed * step)))
        continue
      }
      if (word >= COARSE) {
        span = COARSER
        s = first + (f32(k) + 0.5 * f32(span)) * step
        t = nearest + unbend(s)
        x = ox + t * dx
        y = oy + t * dy
        w = oz + t * dz
        n = sqrt<f32>(x * x + y * y + w * w)
        f = n > 1 ? (2 - 1 / n) / n : 1
        const coarse: f32 = inverse / f32(COARSER)
        const most = resolution / COARSER
        px = min<f32>(max<f32>((f * x + 2) * coarse, 0), f32(most))
        py = min<f32>(max<f32>((f * y + 2) * coarse, 0), f32(most))
        pz = min<f32>(max<f32>((f * w + 2) * coarse, 0), f32(most))
        ax = withinBrick(px, bx / COARSER)
        ay = withinBrick(py, by / COARSER)
        az = withinBrick(pz, bz / COARSER)
      }
      const corner = i32(word & (COARSE - 1)) * CORNERS + ((ax & 7) * SIDE + (ay & 7)) * SIDE + (az & 7)
      const mixed = mixCorners(voxels + (usize(corner) << 2), px - f32(ax), py - f32(ay), pz - f32(az))
      const before = low + densityStep * f32x4.extract_lane(mixed, 3)
      const sigma = f32x4.extract_lane(softplusVector(splat(before)), 0)
      const from = first + f32(k) * step
      const length = unbend(min<f32>(from + f32(span) * step, last)) - unbend(from)
      const weight = light * (1 - f32x4.extract_lane(expVector(splat(-sigma * length)), 0))
      seen = mixed
      sum = madd(splat(weight), mixed, sum)
      z += weight * t
      light -= weight
      if (light < leastLight) {
        rest = t
        break
      }
      k += span
    }
    sum = madd(splat(light), seen, sum)
    v128.store64_lane(color, sum, 0)
    v128.store32_lane(color, sum, 2, 8)
    store<f32>(depth, z + light * rest)
    store<f32>(accumulation, 1 - light)
    origin += 12
    direction += 12
    color += 12
    depth += 4
    accumulation += 4
  }
}
