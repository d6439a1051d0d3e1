import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CpuDevice } from '../../src/cpu/cpuDevice.ts'
import { deviation, firstDifference, i32, openDevices, ptr, randomFloats, runOnAll, stream } from './kernelHarness.ts'

let devices: CpuDevice[]
beforeAll(async () => {
  devices = await openDevices()
})
afterAll(() => {
  for (const device of devices) device.destroy()
})

const ACTIVATIONS: { f: (z: number) => number; slope: (y: number) => number }[] = [
  { f: z => z, slope: () => 1 },
  { f: z => Math.max(z, 0), slope: y => (y > 0 ? 1 : 0) },
  { f: z => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), slope: y => -Math.expm1(-y) },
  { f: z => 1 / (1 + Math.exp(-z)), slope: y => y * (1 - y) },
]

/** rows, nIn, nOut, grain: odd sizes, one row, wide layers beyond one cache panel group, more than one tile per chunk */
const SIZES = [
  [1, 1, 1, 64],
  [7, 3, 5, 4],
  [131, 63, 32, 131],
  [261, 24, 1, 150],
  [90, 32, 6, 64],
  [210, 37, 1, 140],
  [67, 44, 33, 32],
  [33, 7, 13, 9],
  [13, 192, 134, 7],
  [9, 8200, 3, 5],
  [5, 70, 1030, 4],
]

test.each(SIZES)('denseForward and denseBackward, %i rows, %i -> %i', (rows, nIn, nOut, grain) => {
  const next = stream(rows * 7919 + nIn)
  const x = randomFloats(rows * nIn, next)
  const W = randomFloats(nIn * nOut, next, 1 / Math.sqrt(nIn))
  const b = randomFloats(nOut, next)
  const dy = randomFloats(rows * nOut, next)
  const tolerance = 3e-7 * Math.sqrt(nIn) + 1e-6
  ACTIVATIONS.forEach(({ f, slope }, activation) => {
    for (const bias of activation === 0 ? [b, undefined] : [b]) {
      const [y] = runOnAll(devices, 'denseForward', rows, grain, [x, W, bias ?? ptr(0), { out: rows * nOut }, i32(nIn), i32(nOut), i32(activation)])
      expect(deviation(y, forward(x, W, bias, rows, nIn, nOut).map(f), tolerance, 2e-6)).toBeLessThanOrEqual(1)

      const chunks = Math.ceil(rows / grain)
      const stride = nIn * nOut + nOut
      const shape = [i32(nIn), i32(nOut), i32(activation), i32(grain)]
      const [dx, partial] = runOnAll(devices, 'denseBackward', rows, grain, [x, W, y, dy, { out: rows * nIn }, { out: chunks * stride }, ...shape])
      const expected = backward(x, W, y, dy, slope, rows, nIn, nOut)
      expect(deviation(dx, expected.dx, 3e-7 * Math.sqrt(nOut) + 1e-6, 2e-6)).toBeLessThanOrEqual(1)
      const parts = [partial, { out: stride }, i32(chunks), i32(stride), i32(0)]
      const [sums] = runOnAll(devices, 'reducePartials', stride, 64, parts)
      expect(deviation(sums, expected.weights, 4e-7 * rows + 1e-6, 2e-6)).toBeLessThanOrEqual(1)
      // either output alone gives the same numbers
      const [dxOnly] = runOnAll(devices, 'denseBackward', rows, grain, [x, W, y, dy, { out: rows * nIn }, ptr(0), ...shape])
      const [partialOnly] = runOnAll(devices, 'denseBackward', rows, grain, [x, W, y, dy, ptr(0), { out: chunks * stride }, ...shape])
      expect(firstDifference(dxOnly, dx)).toBe(-1)
      expect(firstDifference(partialOnly, partial)).toBe(-1)
    }
  })
})

test('reducePartials reads from its offset', () => {
  const partial = Float32Array.from({ length: 3 * 21 }, (_, i) => i)
  const [sums] = runOnAll(devices, 'reducePartials', 11, 4, [partial, { out: 11 }, i32(3), i32(21), i32(10)])
  expect([...sums]).toEqual(Array.from({ length: 11 }, (_, i) => 3 * (10 + i) + 63))
})

test('activations are accurate over their range and keep NaN', () => {
  const z = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) * 0.05)
  const one = Float32Array.of(1)
  for (const activation of [2, 3]) {
    const { f } = ACTIVATIONS[activation]
    const [y] = runOnAll(devices, 'denseForward', z.length, 512, [z, one, ptr(0), { out: z.length }, i32(1), i32(1), i32(activation)])
    expect(deviation(y, Array.from(z, f), 2e-38, 1e-6)).toBeLessThanOrEqual(1)
  }
  for (const activation of [0, 1, 2, 3]) {
    const bad = Float32Array.of(1, Number.NaN, 1, 1, 1)
    const [y] = runOnAll(devices, 'denseForward', 5, 5, [bad, one, ptr(0), { out: 5 }, i32(1), i32(1), i32(activation)])
    expect([...y].map(Number.isNaN)).toEqual([false, true, false, false, false])
  }
})

test('the derivative of softplus stays accurate where the value is tiny', () => {
  const y = Float32Array.from({ length: 400 }, (_, i) => 10 ** (-12 + i * 0.03))
  const one = new Float32Array(y.length).fill(1)
  const args = [one, Float32Array.of(1), y, one, { out: y.length }, ptr(0), i32(1), i32(1), i32(2), i32(64)]
  const [dx] = runOnAll(devices, 'denseBackward', y.length, 64, args)
  expect(
    deviation(
      dx,
      Array.from(y, v => -Math.expm1(-v)),
      0,
      6e-7,
    ),
  ).toBeLessThanOrEqual(1)
})

function forward(x: Float32Array, W: Float32Array, b: Float32Array | undefined, rows: number, nIn: number, nOut: number): Float64Array {
  const y = new Float64Array(rows * nOut)
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < nOut; j++) {
      let sum = b ? b[j] : 0
      for (let k = 0; k < nIn; k++) sum += x[r * nIn + k] * W[k * nOut + j]
      y[r * nOut + j] = sum
    }
  }
  return y
}

function backward(
  x: Float32Array,
  W: Float32Array,
  y: Float32Array,
  dy: Float32Array,
  slope: (y: number) => number,
  rows: number,
  nIn: number,
  nOut: number,
): { dx: Float64Array; weights: Float64Array } {
  const dx = new Float64Array(rows * nIn)
  const weights = new Float64Array(nIn * nOut + nOut)
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < nOut; j++) {
      const dz = dy[r * nOut + j] * slope(y[r * nOut + j])
      weights[nIn * nOut + j] += dz
      for (let k = 0; k < nIn; k++) {
        weights[k * nOut + j] += x[r * nIn + k] * dz
        dx[r * nIn + k] += dz * W[k * nOut + j]
      }
    }
  }
  return { dx, weights }
}
