import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CpuDevice } from '../../src/cpu/cpuDevice.ts'
import { deviation, f32, i32, openDevices, randomFloats, runOnAll, stream } from './kernelHarness.ts'

let devices: CpuDevice[]
beforeAll(async () => {
  devices = await openDevices()
})
afterAll(() => {
  for (const device of devices) device.destroy()
})

interface Grid {
  resolutions: number[]
  log2Entries: number
  features: number
  lo: number
  extent: number
}

/** The first levels are dense, the last ones hashed; one has exactly as many corners as entries. */
const GRIDS: Grid[] = [
  { resolutions: [1, 4, 7, 15, 33, 200], log2Entries: 9, features: 2, lo: -1, extent: 2 },
  { resolutions: [16, 64, 2048], log2Entries: 12, features: 4, lo: 0.25, extent: 1.5 },
  { resolutions: [5], log2Entries: 10, features: 3, lo: -2, extent: 4 },
]

test.each(GRIDS)('features $features, log2Entries $log2Entries', grid => {
  const { resolutions, log2Entries, features, lo, extent } = grid
  const next = stream(77)
  const rows = 143
  const levels = resolutions.length
  const x = Float32Array.from({ length: rows * 3 }, () => lo + extent * (0.5 + 0.55 * next()))
  x.set([lo, lo, lo, lo + extent, lo + extent, lo + extent], 0) // both corners of the cube, each inside
  const tables = randomFloats((levels << log2Entries) * features, next)
  const dy = randomFloats(rows * levels * features, next)
  const tail = [i32(levels), i32(log2Entries), i32(features), f32(lo), f32(1 / extent)]
  const sizes = Uint32Array.from(resolutions)
  const expected = reference(grid, x, tables, dy)

  // positions are rounded to f32 before the fraction is taken: up to 1.2e-7 * resolution cells
  const rounding = 2.4e-7 * Math.max(...resolutions)
  const [y] = runOnAll(devices, 'hashEncoding', rows, 10, [x, tables, { out: dy.length }, sizes, ...tail])
  expect(deviation(y, expected.y, 1e-6 + 2 * rounding, 1e-6)).toBeLessThanOrEqual(1)
  const [dTables] = runOnAll(devices, 'hashEncodingBackwardTables', levels, 1, [x, dy, { out: tables.length }, sizes, i32(rows), ...tail])
  expect(deviation(dTables, expected.dTables, 2e-6 + 4 * rounding, 1e-6)).toBeLessThanOrEqual(1)
  const [dx] = runOnAll(devices, 'hashEncodingBackwardInput', rows, 9, [x, tables, dy, { out: rows * 3 }, sizes, ...tail])
  const slope = (Math.max(...resolutions) / extent) * levels * features
  expect(deviation(dx, expected.dx, slope * (2e-6 + 2 * rounding), 1e-5)).toBeLessThanOrEqual(1)
})

test('the features at a grid corner are the table row itself', () => {
  const tables = randomFloats(125 * 4 + 3 * 4, stream(9)) // 5^3 corners fit into 2^7 entries
  const x = Float32Array.of(0.25, 0.5, 1)
  const args = [x, tables, { out: 4 }, Uint32Array.of(4), i32(1), i32(7), i32(4), f32(0), f32(1)]
  const [y] = runOnAll(devices, 'hashEncoding', 1, 1, args)
  const slot = 1 + 5 * (2 + 5 * 4)
  expect([...y]).toEqual([...tables.subarray(slot * 4, slot * 4 + 4)])
})

test('points outside the cube are clamped and get no gradient along that axis', () => {
  const tables = randomFloats(64 * 2, stream(11))
  const tail = [Uint32Array.of(3), i32(1), i32(6), i32(2), f32(0), f32(1)]
  const outside = Float32Array.of(-5, 0.4, 0.7, 0.3, 9, 0.2)
  const clamped = Float32Array.of(0, 0.4, 0.7, 0.3, 1, 0.2)
  const [y] = runOnAll(devices, 'hashEncoding', 2, 1, [outside, tables, { out: 4 }, ...tail])
  const [expected] = runOnAll(devices, 'hashEncoding', 2, 1, [clamped, tables, { out: 4 }, ...tail])
  expect(y).toEqual(expected)
  const [dx] = runOnAll(devices, 'hashEncodingBackwardInput', 2, 1, [outside, tables, new Float32Array(4).fill(1), { out: 6 }, ...tail])
  expect(Array.from(dx, v => v === 0)).toEqual([true, false, false, false, true, false])
})

function reference({ resolutions, log2Entries, features, lo, extent }: Grid, x: Float32Array, tables: Float32Array, dy: Float32Array) {
  const rows = x.length / 3
  const levels = resolutions.length
  const entries = 2 ** log2Entries
  const y = new Float64Array(rows * levels * features)
  const dTables = new Float64Array(tables.length)
  const dx = new Float64Array(x.length)
  for (let q = 0; q < rows; q++) {
    resolutions.forEach((r, level) => {
      const cell: number[] = []
      const fraction: number[] = []
      const slope: number[] = []
      for (let d = 0; d < 3; d++) {
        const t = Math.fround(Math.fround(x[q * 3 + d] - lo) * Math.fround(1 / extent))
        const p = Math.fround(Math.min(Math.max(t, 0), 1) * r)
        cell.push(Math.min(Math.floor(p), r - 1))
        fraction.push(p - cell[d])
        slope.push(t < 0 || t > 1 ? 0 : r / extent)
      }
      for (let corner = 0; corner < 8; corner++) {
        const bits = [corner & 1, (corner >> 1) & 1, corner >> 2]
        const [ix, iy, iz] = bits.map((bit, d) => cell[d] + bit)
        const hashed = Number(BigInt.asUintN(32, BigInt(ix) ^ (BigInt(iy) * 2654435761n) ^ (BigInt(iz) * 805459861n)) % BigInt(entries))
        const index = (r + 1) ** 3 <= entries ? ix + iy * (r + 1) + iz * (r + 1) ** 2 : hashed
        const w = bits.map((bit, d) => (bit ? fraction[d] : 1 - fraction[d]))
        for (let f = 0; f < features; f++) {
          const at = (q * levels + level) * features + f
          const slot = (level * entries + index) * features + f
          y[at] += w[0] * w[1] * w[2] * tables[slot]
          dTables[slot] += w[0] * w[1] * w[2] * dy[at]
          for (let d = 0; d < 3; d++) dx[q * 3 + d] += (bits[d] ? 1 : -1) * w[(d + 1) % 3] * w[(d + 2) % 3] * slope[d] * tables[slot] * dy[at]
        }
      }
    })
  }
  return { y, dTables, dx }
}
