import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { softmax } from '../../../src/tensor/ops/softmax.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

test('softmax over the last axis', async () => {
  await checkOp({ name: 'softmax', inputs: [{ shape: [5, 3, 7], range: [-4, 4] }], build: ([x]) => softmax(x) })
  await checkOp({ name: 'softmax of 64', inputs: [{ shape: [19, 64], range: [-4, 4] }], build: ([x]) => softmax(x) })
})

test('rows add up to 1 and large values do not overflow', async () => {
  for (const { device, compileOnly } of await testDevices()) {
    if (compileOnly) continue
    const [y] = await evaluate(device, [softmax(tensor(device, [1000, 999, -1000, 0, 0, 0], [2, 3]))])
    expect(y[0] + y[1] + y[2]).toBeCloseTo(1, 6)
    expect(y[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 5)
    expect(y[4]).toBeCloseTo(1 / 3, 6)
  }
})

test('a scalar is refused', async () => {
  const [{ device }] = await testDevices()
  expect(() => softmax(tensor(device, [1], []))).toThrow('softmax: needs at least one axis')
})
