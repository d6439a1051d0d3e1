import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { l2Normalize } from '../../../src/tensor/ops/l2Normalize.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

test('l2Normalize brings rows to unit norm', async () => {
  await checkOp({ name: 'l2Normalize', inputs: [{ shape: [5, 13], range: [-3, 3] }], build: ([x]) => l2Normalize(x) })
  const [{ device }] = await testDevices()
  const [y] = await evaluate(device, [l2Normalize(tensor(device, [3, 4, 0, 0], [2, 2]))])
  expect([...y]).toEqual([Math.fround(0.6), Math.fround(0.8), 0, 0])
})

test('a row below eps is divided by eps, with that gradient', () =>
  checkOp({ name: 'l2Normalize, short rows', inputs: [{ shape: [3, 4], range: [-0.1, 0.1] }], build: ([x]) => l2Normalize(x, 10) }))

test('eps must be above 0', async () => {
  const [{ device }] = await testDevices()
  expect(() => l2Normalize(tensor(device, [1], [1]), 0)).toThrow('l2Normalize: eps 0')
})
