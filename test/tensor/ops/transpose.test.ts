import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { permute, transpose } from '../../../src/tensor/ops/transpose.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

test('transpose swaps two axes', async () => {
  await checkOp({ name: 'transpose', inputs: [{ shape: [7, 13] }], build: ([x]) => transpose(x) })
  const [{ device }] = await testDevices()
  const [y] = await evaluate(device, [transpose(tensor(device, [1, 2, 3, 4, 5, 6], [2, 3]))])
  expect([...y]).toEqual([1, 4, 2, 5, 3, 6])
})

test('permute puts axes in any order, and its gradient puts them back', async () => {
  await checkOp({ name: 'permute', inputs: [{ shape: [3, 5, 2, 4] }], build: ([x]) => permute(x, [2, 0, 3, 1]) })
  await checkOp({ name: 'permute, cyclic', inputs: [{ shape: [3, 5, 7] }], build: ([x]) => permute(x, [1, 2, 0]) })
  await checkOp({
    name: 'permute u32',
    inputs: [{ shape: [2, 3], values: Uint32Array.of(1, 2, 3, 4, 5, 6) }],
    build: ([x]) => permute(x, [1, 0]),
    gradient: false,
  })
})

test('axes must be named once each', async () => {
  const [{ device }] = await testDevices()
  const x = tensor(device, new Float32Array(6), [2, 3])
  expect(() => permute(x, [0, 0])).toThrow('permute: axes [0, 0] for [2, 3]')
  expect(() => transpose(tensor(device, new Float32Array(6), [6]))).toThrow('does not have two axes')
})
