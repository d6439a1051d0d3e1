import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { concatRows, repeatAll, repeatRows, sliceRows, sumRepeats, sumRowGroups } from '../../../src/tensor/ops/rows.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

test('rows are repeated one by one or as a block', async () => {
  const [{ device }] = await testDevices()
  const x = tensor(device, [1, 2, 3, 4], [2, 2])
  const [each, all] = await evaluate(device, [repeatRows(x, 2), repeatAll(x, 2)])
  expect([...each]).toEqual([1, 2, 1, 2, 3, 4, 3, 4])
  expect([...all]).toEqual([1, 2, 3, 4, 1, 2, 3, 4])
})

test('repeatRows and its adjoint', async () => {
  await checkOp({ name: 'repeatRows', inputs: [{ shape: [11, 5] }], build: ([x]) => repeatRows(x, 3) })
  await checkOp({ name: 'repeatRows of a vector', inputs: [{ shape: [11] }], build: ([x]) => repeatRows(x, 7) })
  await checkOp({ name: 'sumRowGroups', inputs: [{ shape: [21, 8] }], build: ([x]) => sumRowGroups(x, 7) })
})

test('repeatAll and its adjoint', async () => {
  await checkOp({ name: 'repeatAll', inputs: [{ shape: [5, 3, 2] }], build: ([x]) => repeatAll(x, 4) })
  await checkOp({ name: 'sumRepeats', inputs: [{ shape: [33, 3] }], build: ([x]) => sumRepeats(x, 11) })
})

test('rows are cut and joined', async () => {
  await checkOp({ name: 'sliceRows', inputs: [{ shape: [9, 2, 3] }], build: ([x]) => sliceRows(x, 4, 7) })
  await checkOp({ name: 'concatRows', inputs: [{ shape: [2, 5] }, { shape: [1, 5] }, { shape: [6, 5] }], build: parts => concatRows(parts) })
})

test('rows that do not fit are named', async () => {
  const [{ device }] = await testDevices()
  const x = tensor(device, new Float32Array(6), [3, 2])
  expect(() => sumRowGroups(x, 2)).toThrow('sumRowGroups: the first axis of [3, 2] is not a multiple of 2')
  expect(() => repeatRows(x, 0)).toThrow('0 times')
  expect(() => sliceRows(x, 2, 4)).toThrow('rows 2 to 4 of [3, 2]')
  expect(() => concatRows([x, tensor(device, new Float32Array(3), [3, 1])])).toThrow('[3, 1] and [3, 2] differ after the first axis')
})
