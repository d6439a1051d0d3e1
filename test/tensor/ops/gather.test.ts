import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { gatherRows, scatterAddRows } from '../../../src/tensor/ops/gather.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

const INDEX = Uint32Array.of(4, 0, 0, 2, 4, 4, 1, 0, 4, 2, 2, 0, 4)

test('gatherRows picks rows, some several times, some never', () =>
  checkOp({ name: 'gatherRows', inputs: [{ shape: [6, 7] }, { shape: [13], values: INDEX }], build: ([table, index]) => gatherRows(table, index) }))

test('scatterAddRows adds rows that share an index', async () => {
  await checkOp({
    name: 'scatterAddRows',
    inputs: [{ shape: [13, 3] }, { shape: [13], values: INDEX }],
    build: ([x, index]) => scatterAddRows(x, index, 6),
  })
  const [{ device }] = await testDevices()
  const x = tensor(device, [1, 2, 4], [3, 1])
  const [y] = await evaluate(device, [scatterAddRows(x, tensor(device, Uint32Array.of(1, 0, 1), [3]), 3)])
  expect([...y]).toEqual([2, 5, 0])
})

test('an index beyond the table is named', async () => {
  const [{ device }] = await testDevices()
  const table = tensor(device, new Float32Array(6), [3, 2])
  await expect(evaluate(device, [gatherRows(table, tensor(device, Uint32Array.of(1, 3), [2]))])).rejects.toThrow(
    'index 3 at 1, but there are only 3 rows',
  )
  expect(() => gatherRows(table, tensor(device, new Float32Array(2), [2]))).toThrow('the index is f32')
  expect(() => scatterAddRows(table, tensor(device, new Uint32Array(2), [2]), 4)).toThrow('index [2] for 3 rows')
})
