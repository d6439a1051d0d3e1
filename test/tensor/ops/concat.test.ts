import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { concat, sliceColumns } from '../../../src/tensor/ops/concat.ts'
import { checkOp, testDevices } from '../harness.ts'

test('concat joins the last axis of three parts', () =>
  checkOp({ name: 'concat', inputs: [{ shape: [3, 5, 4] }, { shape: [3, 5, 1] }, { shape: [3, 5, 7] }], build: parts => concat(parts) }))

test('concat takes more parts than one dispatch can bind', () =>
  checkOp({ name: 'concat16', inputs: Array.from({ length: 16 }, (_, i) => ({ shape: [5, 1 + (i % 3)] })), build: parts => concat(parts) }))

test('concat keeps whole numbers', async () => {
  const parts = [Uint32Array.of(0xffffffff, 1), Uint32Array.of(7)]
  await checkOp({
    name: 'concat u32',
    inputs: parts.map(values => ({ shape: [values.length], values })),
    build: inputs => concat(inputs),
    gradient: false,
  })
})

test('sliceColumns cuts the last axis and pads its gradient with zeros', async () => {
  await checkOp({ name: 'slice', inputs: [{ shape: [13, 9] }], build: ([x]) => sliceColumns(x, 2, 7) })
  await checkOp({ name: 'slice of a vector', inputs: [{ shape: [67] }], build: ([x]) => sliceColumns(x, 66, 67) })
  await checkOp({
    name: 'slices joined again',
    inputs: [{ shape: [6, 5] }],
    build: ([x]) => concat([sliceColumns(x, 3, 5), sliceColumns(x, 0, 3)]),
  })
})

test('concat and sliceColumns name the sizes that do not fit', async () => {
  const [{ device }] = await testDevices()
  const a = tensor(device, new Float32Array(6), [2, 3])
  const b = tensor(device, new Float32Array(9), [3, 3])
  expect(() => concat([a, b])).toThrow('concat: [3, 3] and [2, 3] differ before the last axis')
  expect(() => concat([a, tensor(device, new Uint32Array(2), [2, 1])])).toThrow('u32 beside f32')
  expect(() => concat([])).toThrow('no parts')
  expect(() => sliceColumns(a, 1, 4)).toThrow('columns 1 to 4 of [2, 3]; need 0 <= begin < end <= 3')
})
