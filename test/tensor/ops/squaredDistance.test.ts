import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { squaredDistance } from '../../../src/tensor/ops/squaredDistance.ts'
import { checkOp, testDevices } from '../harness.ts'

test('squared distance of rows, with gradients by both', () =>
  checkOp({ name: 'squaredDistance', inputs: [{ shape: [5, 7, 3] }, { shape: [5, 7, 3] }], build: ([a, b]) => squaredDistance(a, b) }))

test('squared distance from numbers that want no gradient', () =>
  checkOp({
    name: 'squaredDistance',
    inputs: [{ shape: [67, 3] }, { shape: [67, 3] }],
    build: ([a, b]) => squaredDistance(a, b),
    gradient: [1],
  }))

test('shapes must agree', async () => {
  const [{ device }] = await testDevices()
  const [a, b] = [3, 4].map(n => tensor(device, new Float32Array(n), [1, n]))
  expect(() => squaredDistance(a, b)).toThrow('squaredDistance: [1, 3] and [1, 4]')
})
