import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { totalVariation } from '../../../src/tensor/ops/totalVariation.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { loadGolden } from '../../golden.ts'
import { checkOp, testDevices } from '../harness.ts'
import { checkGolden } from './goldenCase.ts'

const golden = loadGolden('tv_loss')

describe('totalVariation', () => {
  for (const name of Object.keys(golden.cases)) {
    test(`golden ${name}`, () =>
      checkGolden(golden, ({ leaf, loss }) => {
        const maps = leaf(`${name}/in/mask`)
        const tv = totalVariation(maps)
        const [dmaps] = grad(loss({ [`${name}/cot/coded`]: tv }), [maps])
        return { [`${name}/out/coded`]: tv, [`${name}/grad/mask`]: dmaps }
      }))
  }

  test('gradients, odd size', () => checkOp({ name: 'totalVariation', inputs: [{ shape: [7, 3, 5] }], build: ([maps]) => totalVariation(maps) }))

  test('by hand: a step of 2 between two columns', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const [tv] = await evaluate(device, [totalVariation(tensor(device, [0, 2, 0, 2], [2, 2, 1]))])
      if (!compileOnly) expect(tv[0]).toBeCloseTo(4, 6)
    }
  })

  test('names a map without neighbours', () => expect(() => totalVariation(fill([1, 9, 4], 0))).toThrow('H and W at least 2, got [1, 9, 4]'))
})
