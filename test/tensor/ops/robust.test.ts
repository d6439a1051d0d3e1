import { describe, expect, test } from 'vitest'
import { grad } from '../../../src/tensor/grad.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { robustLoss } from '../../../src/tensor/ops/robust.ts'
import { loadGolden } from '../../golden.ts'
import { checkOp } from '../harness.ts'
import { checkGolden } from './goldenCase.ts'

const golden = loadGolden('robust_loss')

describe('robustLoss', () => {
  for (const [name, { alpha, scale }] of Object.entries(golden.cases)) {
    test(`golden ${name}`, () =>
      checkGolden(golden, ({ leaf, loss }) => {
        const squared = leaf(`${name}/in/x_sq`)
        const y = robustLoss(squared, { alpha: Number(alpha), scale: Number(scale) })
        const [dx] = grad(loss({ [`${name}/cot/loss`]: y }), [squared])
        return { [`${name}/out/loss`]: y, [`${name}/grad/x_sq`]: dx }
      }))
  }

  for (const alpha of [2, 1, 0, -0.5, -2, Number.NEGATIVE_INFINITY])
    test(`alpha ${alpha}`, () =>
      checkOp({ name: 'robustLoss', inputs: [{ shape: [131], range: [0.01, 2] }], build: ([squared]) => robustLoss(squared, { alpha, scale: 0.7 }) }))

  test('names bad parameters', () => {
    expect(() => robustLoss(fill([1], 0), { alpha: 3, scale: 1 })).toThrow('alpha 3 must be at most 2')
    expect(() => robustLoss(fill([1], 0), { alpha: 0, scale: 0 })).toThrow('scale 0 positive')
  })
})
