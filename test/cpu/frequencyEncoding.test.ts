import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CpuDevice } from '../../src/cpu/cpuDevice.ts'
import { deviation, i32, openDevices, ptr, randomFloats, runOnAll, stream } from './kernelHarness.ts'

let devices: CpuDevice[]
beforeAll(async () => {
  devices = await openDevices()
})
afterAll(() => {
  for (const device of devices) device.destroy()
})

/** rows, channels, minBand, bands, grain */
const CASES = [
  [1, 1, 0, 1, 1],
  [13, 3, 0, 8, 5],
  [102, 2, 1, 4, 7],
  [7, 5, -2, 3, 4],
]

test.each(CASES)('%i rows of %i coordinates, bands from %i, %i of them', (rows, channels, minBand, bands, grain) => {
  const next = stream(rows + 17)
  const x = randomFloats(rows * channels, next, 4)
  const weights = Float32Array.from({ length: bands }, () => 0.5 + next() / 2)
  const width = 2 * channels * bands
  const dy = randomFloats(rows * width, next)
  for (const window of [undefined, weights]) {
    const y = new Float64Array(rows * width)
    const dx = new Float64Array(rows * channels)
    for (let r = 0; r < rows; r++) {
      for (let band = 0; band < bands; band++) {
        for (let c = 0; c < channels; c++) {
          const scale = 2 ** (minBand + band)
          const w = window ? window[band] : 1
          const angle = scale * x[r * channels + c]
          const at = r * width + band * 2 * channels + c
          y[at] = w * Math.sin(angle)
          y[at + channels] = w * Math.sin(angle + Math.PI / 2)
          dx[r * channels + c] += w * scale * (Math.cos(angle) * dy[at] - Math.sin(angle) * dy[at + channels])
        }
      }
    }
    const shape = [i32(channels), i32(minBand), i32(bands)]
    const [encoded] = runOnAll(devices, 'frequencyEncoding', rows, grain, [x, window ?? ptr(0), { out: rows * width }, ...shape])
    expect(deviation(encoded, y, 2e-7, 0)).toBeLessThanOrEqual(1)
    const inputs = [x, window ?? ptr(0), dy, { out: rows * channels }, ...shape]
    const [gradient] = runOnAll(devices, 'frequencyEncodingBackward', rows, grain, inputs)
    expect(deviation(gradient, dx, 5e-7 * 2 ** (minBand + bands), 1e-6)).toBeLessThanOrEqual(1)
  }
})

test('sine and cosine are within 2e-7 for arguments up to 12,800, at quarter turns too', () => {
  const next = stream(3)
  const x = Float32Array.from({ length: 40_000 }, (_, i) => {
    if (i < 8000) return Math.fround(((i - 4000) * Math.PI) / 2)
    return next() * (i < 20_000 ? 4 : i < 30_000 ? 1024 : 12_800)
  })
  const [y] = runOnAll(devices, 'frequencyEncoding', x.length, 1000, [x, ptr(0), { out: 2 * x.length }, i32(1), i32(0), i32(1)])
  const sin = Array.from(x, v => Math.sin(v))
  const cos = Array.from(x, v => Math.cos(v))
  const every = (offset: number) => y.filter((_, i) => i % 2 === offset)
  expect(deviation(every(0), sin, 2e-7, 0)).toBeLessThanOrEqual(1)
  expect(deviation(every(1), cos, 2e-7, 0)).toBeLessThanOrEqual(1)
})
