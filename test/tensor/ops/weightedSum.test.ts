import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { mul } from '../../../src/tensor/ops/elementwise.ts'
import { weightedSum } from '../../../src/tensor/ops/weightedSum.ts'
import { checkOp, testDevices } from '../harness.ts'

test('a weighted sum of a few scalars', () =>
  checkOp({
    name: 'weightedSum of 3',
    inputs: [{ shape: [] }, { shape: [] }, { shape: [1] }],
    build: ([a, b, c]) =>
      weightedSum([
        { value: mul(a, b), weight: 0.5 },
        { value: c, weight: -3 },
        { value: b, weight: 1e-3 },
      ]),
  }))

test('more terms than a kernel binds', () =>
  checkOp({
    name: 'weightedSum of 10',
    inputs: Array.from({ length: 10 }, () => ({ shape: [] })),
    build: terms => weightedSum(terms.map((value, i) => ({ value, weight: i - 4 }))),
  }))

test('a term must be a scalar', async () => {
  const [{ device }] = await testDevices()
  expect(() => weightedSum([{ value: tensor(device, new Float32Array(2), [2]), weight: 1 }])).toThrow('weightedSum: a term is [2]')
})
