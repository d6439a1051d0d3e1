import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { contract } from '../../../src/tensor/ops/contract.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

describe('contract', () => {
  test('inside and outside the unit ball', () =>
    // the second derivative jumps at radius 1; a small step keeps the probes on their side
    checkOp({ name: 'contract', inputs: [{ shape: [131, 3], range: [-2, 2] }], step: 1e-5, build: ([x]) => contract(x) }))

  test('by hand: unchanged inside, 3 goes to 5/3, far away to 2, the centre has a gradient', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const x = tensor(device, [0.3, 0.4, 0, 0, 3, 0, 0, 0, -1e6, 0, 0, 0], [4, 3])
      const [y] = await evaluate(device, [contract(x)])
      if (compileOnly) continue
      for (const [i, value] of [0.3, 0.4, 0, 0, 5 / 3, 0, 0, 0, -2, 0, 0, 0].entries()) expect(y[i]).toBeCloseTo(value, 5)
    }
  })

  test('the gradient at the centre', () => checkOp({ name: 'contract', inputs: [{ shape: [1, 3], values: [0, 0, 0] }], build: ([x]) => contract(x) }))

  test('names a wrong shape', () => expect(() => contract(fill([4, 2], 0))).toThrow('contract: points must be [Q, 3], got [4, 2]'))
})
