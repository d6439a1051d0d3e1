import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { layerNorm } from '../../../src/tensor/ops/layerNorm.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

test('rows of an odd width, gradients by x, gamma and beta', () =>
  checkOp({ name: 'layerNorm', inputs: [{ shape: [2, 9, 37] }, { shape: [37] }, { shape: [37] }], build: ([x, g, b]) => layerNorm(x, g, b) }))

test('the width of the image tower', () =>
  checkOp({ name: 'layerNorm 192', inputs: [{ shape: [50, 192] }, { shape: [192] }, { shape: [192] }], build: ([x, g, b]) => layerNorm(x, g, b) }))

test('a width of several hundred', () =>
  checkOp({ name: 'layerNorm 300', inputs: [{ shape: [3, 300] }, { shape: [300] }, { shape: [300] }], build: ([x, g, b]) => layerNorm(x, g, b) }))

test('a large eps', () =>
  checkOp({ name: 'layerNorm eps', inputs: [{ shape: [5, 8] }, { shape: [8] }, { shape: [8] }], build: ([x, g, b]) => layerNorm(x, g, b, 0.5) }))

test('mean 0 and variance 1, however large the offset', async () => {
  for (const { name, device, compileOnly } of await testDevices()) {
    if (compileOnly) continue
    const row = Float32Array.from({ length: 64 }, (_, i) => 1000 + (i % 2))
    const [y] = await evaluate(device, [layerNorm(tensor(device, row, [1, 64]), ones(device), zeros(device), 0)])
    for (const [i, v] of y.entries()) expect(v, name).toBeCloseTo(i % 2 ? 1 : -1, 4)
  }
})

test('errors name the shapes', async () => {
  const [{ device }] = await testDevices()
  const x = tensor(device, new Float32Array(12), [3, 4])
  expect(() => layerNorm(x, tensor(device, new Float32Array(3), [3]), tensor(device, new Float32Array(4), [4]))).toThrow(
    'gamma [3] for rows of 4, [3, 4]',
  )
})

type AnyDevice = Parameters<typeof tensor>[0]
const ones = (device: AnyDevice) => tensor(device, new Float32Array(64).fill(1), [64])
const zeros = (device: AnyDevice) => tensor(device, new Float32Array(64), [64])
