import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CpuDevice } from '../../src/cpu/cpuDevice.ts'
import { deviation, f32, openDevices, randomFloats, runOnAll, stream } from './kernelHarness.ts'

let devices: CpuDevice[]
beforeAll(async () => {
  devices = await openDevices()
})
afterAll(() => {
  for (const device of devices) device.destroy()
})

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z))

/** Phi(x) by Simpson's rule on the density, from 0: independent of any error-function formula. */
function normal(x: number): number {
  const density = (v: number) => Math.exp((-v * v) / 2) / Math.sqrt(2 * Math.PI)
  const steps = 400
  const h = x / steps
  let sum = density(0) + density(x)
  for (let i = 1; i < steps; i++) sum += (i % 2 ? 4 : 2) * density(i * h)
  return 0.5 + (sum * h) / 3
}

test.each([1, 3, 4, 130, 1021])('add, multiply, scale and fill of %i elements', n => {
  const next = stream(n)
  const a = randomFloats(n, next)
  const b = randomFloats(n, next)
  const out = { out: n }
  const bits = (values: Float64Array | number[]) => Float32Array.from(values)
  expect(runOnAll(devices, 'addTensors', n, 6, [a, b, out])[0]).toEqual(bits(Array.from(a, (v, i) => v + b[i])))
  expect(runOnAll(devices, 'mulTensors', n, 6, [a, b, out])[0]).toEqual(bits(Array.from(a, (v, i) => v * b[i])))
  expect(runOnAll(devices, 'scaleTensor', n, 7, [a, out, f32(0.3)])[0]).toEqual(bits(Array.from(a, v => v * Math.fround(0.3))))
  expect(runOnAll(devices, 'fill', n, 5, [out, f32(-2.5)])[0]).toEqual(new Float32Array(n).fill(-2.5))
})

test('quick GELU and its slope over their range', () => {
  const x = Float32Array.from({ length: 4003 }, (_, i) => (i - 2001) * 0.01)
  const dy = randomFloats(x.length, stream(2))
  const [y] = runOnAll(devices, 'quickGelu', x.length, 100, [x, { out: x.length }])
  const value = Array.from(x, v => v * sigmoid(1.702 * v))
  expect(deviation(y, value, 1e-12, 3e-6)).toBeLessThanOrEqual(1)
  const [dx] = runOnAll(devices, 'quickGeluBackward', x.length, 100, [x, dy, { out: x.length }])
  const slope = Array.from(x, (v, i) => dy[i] * (sigmoid(1.702 * v) + 1.702 * v * sigmoid(1.702 * v) * sigmoid(-1.702 * v)))
  expect(deviation(dx, slope, 3e-7, 1e-6)).toBeLessThanOrEqual(1)
})

test('GELU and its slope over their range', () => {
  const x = Float32Array.from({ length: 1603 }, (_, i) => (i - 801) * 0.02)
  const dy = randomFloats(x.length, stream(2))
  const [y] = runOnAll(devices, 'gelu', x.length, 100, [x, { out: x.length }])
  const value = Array.from(x, v => v * normal(v))
  expect(deviation(y, value, 5e-7, 5e-7)).toBeLessThanOrEqual(1)
  const [dx] = runOnAll(devices, 'geluBackward', x.length, 100, [x, dy, { out: x.length }])
  const slope = Array.from(x, (v, i) => dy[i] * (normal(v) + (v * Math.exp((-v * v) / 2)) / Math.sqrt(2 * Math.PI)))
  expect(deviation(dx, slope, 5e-7, 5e-7)).toBeLessThanOrEqual(1)
})

test('the tanh form of GELU and its slope over their range', () => {
  const x = Float32Array.from({ length: 1603 }, (_, i) => (i - 801) * 0.02)
  const dy = randomFloats(x.length, stream(2))
  const inner = (v: number) => Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)
  const [y] = runOnAll(devices, 'geluTanh', x.length, 100, [x, { out: x.length }])
  const value = Array.from(x, v => 0.5 * v * (1 + Math.tanh(inner(v))))
  expect(deviation(y, value, 5e-7, 5e-7)).toBeLessThanOrEqual(1)
  const [dx] = runOnAll(devices, 'geluTanhBackward', x.length, 100, [x, dy, { out: x.length }])
  const slope = Array.from(x, (v, i) => {
    const t = Math.tanh(inner(v))
    return dy[i] * (0.5 * (1 + t) + 0.5 * v * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * v * v))
  })
  expect(deviation(dx, slope, 1e-6, 1e-6)).toBeLessThanOrEqual(1)
})

test('GELU keeps its digits in the negative tail', () => {
  // Mills' ratio as a continued fraction: Phi(-v) = density(v) / (v + 1 / (v + 2 / (v + 3 / ...)))
  const tail = (v: number) => {
    let fraction = v
    for (let k = 200; k >= 1; k--) fraction = v + k / fraction
    return Math.exp((-v * v) / 2) / Math.sqrt(2 * Math.PI) / fraction
  }
  const x = Float32Array.from({ length: 80 }, (_, i) => -2 - i * 0.05)
  const [y] = runOnAll(devices, 'gelu', x.length, 8, [x, { out: x.length }])
  expect(
    deviation(
      y,
      Array.from(x, v => v * tail(-v)),
      0,
      4e-6,
    ),
  ).toBeLessThanOrEqual(1)
})
