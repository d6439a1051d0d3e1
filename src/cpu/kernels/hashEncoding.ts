// Multi-resolution hash encoding (Mueller et al. 2022, "Instant Neural Graphics Primitives", section 3): per level the trilinear mix of the
// features at the eight corners of the grid cell. A level of r cells has (r + 1)^3 corners; it is stored densely when they fit, hashed if not.
// x [rows, 3], tables [levels][2^log2Entries][features], y [rows, levels * features].

import { splat } from './simdMath'

// the point and level at hand; a thread works on one at a time
let slope: f32 = 0 // d position / d x, in cells
let cornerX: u32 = 0
let cornerY: u32 = 0
let cornerZ: u32 = 0
let fractionX: f32 = 0
let fractionY: f32 = 0
let fractionZ: f32 = 0
let insideX: bool = false
let insideY: bool = false
let insideZ: bool = false

// table addressing of the level at hand
let dense: bool = false
let width: u32 = 0 // corners along one axis
let mask: u32 = 0

function enterLevel(resolution: u32, log2Entries: i32, invExtent: f32): void {
  width = resolution + 1
  mask = u32((u64(1) << log2Entries) - 1)
  dense = u64(width) * width * width <= u64(1) << log2Entries
  slope = f32(resolution) * invExtent
}

function locate(x: usize, resolution: u32, lo: f32, invExtent: f32): void {
  const top = f32(resolution)
  const tx = (load<f32>(x) - lo) * invExtent
  const ty = (load<f32>(x, 4) - lo) * invExtent
  const tz = (load<f32>(x, 8) - lo) * invExtent
  insideX = tx >= 0 && tx <= 1
  insideY = ty >= 0 && ty <= 1
  insideZ = tz >= 0 && tz <= 1
  const px = min<f32>(max<f32>(tx, 0), 1) * top
  const py = min<f32>(max<f32>(ty, 0), 1) * top
  const pz = min<f32>(max<f32>(tz, 0), 1) * top
  // the last cell owns its upper face, so that corner + 1 always exists
  cornerX = min(u32(px), resolution - 1)
  cornerY = min(u32(py), resolution - 1)
  cornerZ = min(u32(pz), resolution - 1)
  fractionX = px - f32(cornerX)
  fractionY = py - f32(cornerY)
  fractionZ = pz - f32(cornerZ)
}

/** Slot of corner bits x = 1, y = 2, z = 4. */
// @ts-ignore: decorator
@inline
function slotOf(corner: u32): usize {
  const ix = cornerX + (corner & 1)
  const iy = cornerY + ((corner >> 1) & 1)
  const iz = cornerZ + (corner >> 2)
  return dense ? usize(ix + width * (iy + width * iz)) : usize((ix ^ (iy * 2654435761) ^ (iz * 805459861)) & mask)
}

// @ts-ignore: decorator
@inline
function weightX(corner: u32): f32 {
  return corner & 1 ? fractionX : 1 - fractionX
}
// @ts-ignore: decorator
@inline
function weightY(corner: u32): f32 {
  return corner & 2 ? fractionY : 1 - fractionY
}
// @ts-ignore: decorator
@inline
function weightZ(corner: u32): f32 {
  return corner & 4 ? fractionZ : 1 - fractionZ
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
  let table: usize = load<u32>(args, 4)
  let yFirst = <usize>load<u32>(args, 8) + usize(begin) * yStride
  for (let level = 0; level < levels; level++) {
    const resolution = load<u32>(resolutions + (usize(level) << 2))
    enterLevel(resolution, log2Entries, invExtent)
    let x = xFirst
    let y = yFirst
    for (let row = begin; row < end; row++) {
      locate(x, resolution, lo, invExtent)
      if (features == 2) {
        let sum = splat(0)
        for (let corner: u32 = 0; corner < 8; corner++) {
          const weight = splat(weightX(corner) * weightY(corner) * weightZ(corner))
          sum = f32x4.add(sum, f32x4.mul(weight, v128.load64_zero(table + slotOf(corner) * 8)))
        }
        v128.store64_lane(y, sum, 0)
      } else if (features == 4) {
        let sum = splat(0)
        for (let corner: u32 = 0; corner < 8; corner++) {
          const weight = splat(weightX(corner) * weightY(corner) * weightZ(corner))
          sum = f32x4.add(sum, f32x4.mul(weight, v128.load(table + slotOf(corner) * 16)))
        }
        v128.store(y, sum)
      } else {
        for (let f: usize = 0; f < slotBytes; f += 4) {
          let sum: f32 = 0
          for (let corner: u32 = 0; corner < 8; corner++) {
            sum += weightX(corner) * weightY(corner) * weightZ(corner) * load<f32>(table + slotOf(corner) * slotBytes + f)
          }
          store<f32>(y + f, sum)
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
  for (let level = begin; level < end; level++) {
    const resolution = load<u32>(resolutions + (usize(level) << 2))
    const table = dTables + levelBytes * level
    memory.fill(table, 0, levelBytes)
    enterLevel(resolution, log2Entries, invExtent)
    let x = xFirst
    let dy = dyFirst + slotBytes * level
    for (let row = 0; row < rows; row++) {
      locate(x, resolution, lo, invExtent)
      for (let corner: u32 = 0; corner < 8; corner++) {
        const weight = weightX(corner) * weightY(corner) * weightZ(corner)
        const slot = table + slotOf(corner) * slotBytes
        if (features == 2) {
          v128.store64_lane(slot, f32x4.add(v128.load64_zero(slot), f32x4.mul(splat(weight), v128.load64_zero(dy))), 0)
        } else if (features == 4) {
          v128.store(slot, f32x4.add(v128.load(slot), f32x4.mul(splat(weight), v128.load(dy))))
        } else {
          for (let f: usize = 0; f < slotBytes; f += 4) store<f32>(slot + f, load<f32>(slot + f) + weight * load<f32>(dy + f))
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
  let table: usize = load<u32>(args, 4)
  let dyFirst = <usize>load<u32>(args, 8) + usize(begin) * yStride
  memory.fill(dxFirst, 0, usize(end - begin) * 12)
  for (let level = 0; level < levels; level++) {
    const resolution = load<u32>(resolutions + (usize(level) << 2))
    enterLevel(resolution, log2Entries, invExtent)
    let x = xFirst
    let dx = dxFirst
    let dy = dyFirst
    for (let row = begin; row < end; row++) {
      locate(x, resolution, lo, invExtent)
      let sumX: f32 = 0
      let sumY: f32 = 0
      let sumZ: f32 = 0
      for (let corner: u32 = 0; corner < 8; corner++) {
        const slot = table + slotOf(corner) * slotBytes
        let s: f32 = 0
        for (let f: usize = 0; f < slotBytes; f += 4) s += load<f32>(slot + f) * load<f32>(dy + f)
        const wx = weightX(corner)
        const wy = weightY(corner)
        const wz = weightZ(corner)
        sumX += corner & 1 ? wy * wz * s : -wy * wz * s
        sumY += corner & 2 ? wx * wz * s : -wx * wz * s
        sumZ += corner & 4 ? wx * wy * s : -wx * wy * s
      }
      if (insideX) store<f32>(dx, load<f32>(dx) + slope * sumX)
      if (insideY) store<f32>(dx, load<f32>(dx, 4) + slope * sumY, 4)
      if (insideZ) store<f32>(dx, load<f32>(dx, 8) + slope * sumZ, 8)
      x += 12
      dx += 12
      dy += yStride
    }
    table += slotBytes << log2Entries
    dyFirst += slotBytes
  }
}
