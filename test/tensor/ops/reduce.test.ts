import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { broadcast, broadcastLast, mean, mulRows, scaledSum, sum, sumLast } from '../../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, randomValues, testDevices } from '../harness.ts'

test('sum and mean over everything', () => checkOp({ name: 'sum', inputs: [{ shape: [7, 5, 3] }], build: ([x]) => [sum(x), mean(x)] }))

test('sum over several runs of partial sums', () =>
  checkOp({ name: 'sum of 1031', inputs: [{ shape: [1031], range: [0, 1] }], build: ([x]) => sum(x) }))

test('broadcast of a scalar', () => checkOp({ name: 'broadcast', inputs: [{ shape: [] }], build: ([s]) => broadcast(s, [3, 7]) }))

test('sum over the last axis and its broadcast', () =>
  checkOp({
    name: 'sumLast',
    inputs: [{ shape: [5, 3, 7] }, { shape: [5, 3] }],
    build: ([x, s]) => [sumLast(x), broadcastLast(s, 7), mulRows(x, s)],
  }))

test('the mean of constants is the constant', async () => {
  for (const { device, compileOnly } of await testDevices()) {
    const [m] = await evaluate(device, [mean(tensor(device, new Float32Array(513).fill(0.25), [513]))])
    if (!compileOnly) expect(m[0]).toBeCloseTo(0.25, 6)
  }
})

test('a sum that several workgroups share, against the sum of f64', async () => {
  const numbers = randomValues(70_001, 3, [0, 1])
  const expected = numbers.reduce((a, b) => a + b, 0)
  for (const { device, compileOnly } of await testDevices()) {
    const [[total]] = await evaluate(device, [scaledSum(tensor(device, numbers, [70_001]), 2)])
    if (!compileOnly) expect(Math.abs(total / (2 * expected) - 1)).toBeLessThan(1e-6)
  }
})
