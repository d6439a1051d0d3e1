import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { sums } from '../../../src/tensor/ops/sums.ts'
import { checkOp, testDevices } from '../harness.ts'

test('sums of two, three and nine tensors at once', () =>
  checkOp({
    name: 'sums',
    inputs: [...Array.from({ length: 5 }, () => ({ shape: [5, 7] })), ...Array.from({ length: 9 }, () => ({ shape: [67] }))],
    build: x => sums([x.slice(0, 2), x.slice(2, 5), x.slice(5), [x[5], x[6]]]),
    gradient: false,
  }))

test('lengths and numbers of addends are checked', async () => {
  const [{ device }] = await testDevices()
  const [a, b] = [3, 4].map(n => tensor(device, new Float32Array(n), [n]))
  expect(() => sums([[a, b]])).toThrow('sums: [4] is added to [3]')
  expect(() => sums([[a, a], [b]])).toThrow('sums: list 1 has 1 tensors')
})
