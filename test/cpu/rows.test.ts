import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CpuDevice, openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { deviation, f32, i32, openDevices, ptr, randomFloats, runOnAll, stream } from './kernelHarness.ts'

let devices: CpuDevice[]
beforeAll(async () => {
  devices = await openDevices()
})
afterAll(() => {
  for (const device of devices) device.destroy()
})

test.each([1, 3, 4, 9, 50, 191])('layer norm and softmax over rows of %i', width => {
  const rows = 23
  const next = stream(width)
  const x = randomFloats(rows * width, next, 3).map(v => v + 5)
  const [gamma, beta] = [randomFloats(width, next), randomFloats(width, next)]
  const dy = randomFloats(rows * width, next)
  const eps = Math.fround(1e-5)
  const expected = Array.from({ length: 5 }, () => new Float64Array(rows * width))
  const [norm, normBack, soft, softBack] = expected
  for (let r = 0; r < rows; r++) {
    const row = Array.from(x.subarray(r * width, (r + 1) * width))
    const g = row.map((_, c) => gamma[c] * dy[r * width + c])
    const mean = row.reduce((a, v) => a + v, 0) / width
    const scale = 1 / Math.sqrt(row.reduce((a, v) => a + (v - mean) ** 2, 0) / width + eps)
    const n = row.map(v => (v - mean) * scale)
    const meanG = g.reduce((a, v) => a + v, 0) / width
    const meanGn = g.reduce((a, v, c) => a + v * n[c], 0) / width
    const top = Math.max(...row)
    const sum = row.reduce((a, v) => a + Math.exp(v - top), 0)
    const p = row.map(v => Math.exp(v - top) / sum)
    const dot = p.reduce((a, v, c) => a + v * dy[r * width + c], 0)
    row.forEach((_, c) => {
      const at = r * width + c
      norm[at] = n[c] * gamma[c] + beta[c]
      normBack[at] = scale * (g[c] - meanG - n[c] * meanGn)
      soft[at] = p[c]
      softBack[at] = p[c] * (dy[at] - dot)
    })
  }
  const out = { out: rows * width }
  const tail = [i32(width), f32(eps)]
  const close = (actual: Float32Array, reference: Float64Array, absolute: number) => {
    expect(deviation(actual, reference, absolute, 3e-6)).toBeLessThanOrEqual(1)
  }
  // a row of one element has variance 0: its rounding error is multiplied by 1 / sqrt(eps)
  close(runOnAll(devices, 'layerNorm', rows, 4, [x, gamma, beta, out, ...tail])[0], norm, 6e-6)
  if (width > 1) close(runOnAll(devices, 'layerNormBackwardInput', rows, 4, [x, gamma, dy, out, ...tail])[0], normBack, 1e-5)
  const [y] = runOnAll(devices, 'softmaxRows', rows, 4, [x, out, i32(width)])
  close(y, soft, 2e-7)
  close(runOnAll(devices, 'softmaxRowsBackward', rows, 4, [y, dy, out, i32(width)])[0], softBack, 5e-7)
})

test('softmax takes large, equal and minus-infinite values', () => {
  const x = Float32Array.of(1e4, 1e4, -1e4, Number.NEGATIVE_INFINITY, 1e4, 0)
  const [y] = runOnAll(devices, 'softmaxRows', 1, 1, [x, { out: 6 }, i32(6)])
  const third = Math.fround(1 / 3)
  expect([...y]).toEqual([third, third, 0, 0, third, 0])
})

test('copyColumns moves a block of columns and leaves the rest alone', async () => {
  const device = await openCpuDevice({ threads: 3 })
  const [rows, from, to, width] = [11, 9, 7, 5]
  const src = device.allocate(rows * from * 4)
  const dst = device.allocate(rows * to * 4)
  const source = device.f32(src, rows * from).map((_, i) => i)
  device.f32(src, rows * from).set(source)
  device.f32(dst, rows * to).fill(-1)
  const args = [ptr(src), ptr(dst), i32(from), i32(3), i32(to), i32(1), i32(width)]
  device.program([{ kernel: 'copyColumns', items: rows, grain: 2, args }]).run()
  const expected = Array.from({ length: rows * to }, (_, i) => {
    const column = (i % to) - 1
    return column >= 0 && column < width ? Math.floor(i / to) * from + 3 + column : -1
  })
  expect([...device.f32(dst, rows * to)]).toEqual(expected)
  device.destroy()
})

test.each([
  [1, 4],
  [6, 3],
  [33, 7],
])('repeatRows and sumRowGroups, width %i, %i times', (width, times) => {
  const rows = 19
  const src = randomFloats(rows * width, stream(4))
  const [wide] = runOnAll(devices, 'repeatRows', rows * times, 8, [src, { out: rows * times * width }, i32(width), i32(times)])
  const repeated = Array.from(wide, (_, i) => src[Math.floor(i / width / times) * width + (i % width)])
  expect([...wide]).toEqual(repeated)
  const dy = randomFloats(wide.length, stream(5))
  const [summed] = runOnAll(devices, 'sumRowGroups', rows, 8, [dy, { out: rows * width }, i32(width), i32(times)])
  const expected = Array.from(summed, (_, i) => {
    let sum = 0
    for (let t = 0; t < times; t++) sum += dy[(Math.floor(i / width) * times + t) * width + (i % width)]
    return sum
  })
  expect(deviation(summed, expected, 1e-6, 1e-6)).toBeLessThanOrEqual(1)
})
