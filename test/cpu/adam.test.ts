import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CpuDevice, openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { deviation, ptr, randomFloats, stream } from './kernelHarness.ts'

let devices: CpuDevice[]
beforeAll(async () => {
  devices = await Promise.all([1, 2, 4].map(threads => openCpuDevice({ threads })))
})
afterAll(() => {
  for (const device of devices) device.destroy()
})

test('adam follows Algorithm 1 of the paper for several steps on an odd number of elements', () => {
  const n = 103
  const steps = 5
  const [rate, beta1, beta2, epsilon, gradScale] = [1e-2, 0.9, 0.999, 1e-8, 0.5].map(Math.fround)
  const next = stream(5)
  const start = randomFloats(n, next)
  const grads = Array.from({ length: steps }, () => randomFloats(n, next, 3))

  const expected = Float64Array.from(start)
  const m = new Float64Array(n)
  const v = new Float64Array(n)
  grads.forEach((grad, step) => {
    for (let i = 0; i < n; i++) {
      const g = grad[i] * gradScale
      m[i] = beta1 * m[i] + (1 - beta1) * g
      v[i] = beta2 * v[i] + (1 - beta2) * g * g
      expected[i] -= (rate * (m[i] / (1 - beta1 ** (step + 1)))) / (Math.sqrt(v[i] / (1 - beta2 ** (step + 1))) + epsilon)
    }
  })

  const results = devices.map(device => {
    const [param, grad, first, second] = Array.from({ length: 4 }, () => device.allocate(n * 4))
    const scalars = device.allocate(28)
    device.f32(param, n).set(start)
    const args = [...[param, grad, first, second, scalars].map(ptr), { i32: 0 }, { i32: 0 }]
    const program = device.program([{ kernel: 'adam', items: n, grain: 30, args }])
    grads.forEach((values, step) => {
      device.f32(grad, n).set(values)
      device.f32(scalars, 7).set([rate, beta1, beta2, epsilon, 1 - beta1 ** (step + 1), 1 - beta2 ** (step + 1), gradScale])
      program.run()
    })
    program.dispose()
    return device.f32(param, n).slice()
  })
  expect(deviation(results[0], expected, 2e-6, 0)).toBeLessThanOrEqual(1)
  expect(results[1]).toEqual(results[0])
  expect(results[2]).toEqual(results[0])
})
