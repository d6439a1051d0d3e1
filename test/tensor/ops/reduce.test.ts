import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { broadcast, broadcastLast, mean, mulRows, sum, sumLast } from '../../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

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
