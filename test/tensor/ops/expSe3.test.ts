import { describe, expect, test } from 'vitest'
import { grad } from '../../../src/tensor/grad.ts'
import { expSe3 } from '../../../src/tensor/ops/expSe3.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { loadGolden } from '../../golden.ts'
import { checkOp } from '../harness.ts'
import { checkGolden } from './goldenCase.ts'

describe('expSe3', () => {
  test('golden exp_se3', () =>
    checkGolden(loadGolden('exp_se3'), ({ leaf, loss }) => {
      const [screw, theta] = [leaf('mixed_angles/in/screw'), leaf('mixed_angles/in/theta')]
      const transform = expSe3(screw, theta)
      const [dscrew, dtheta] = grad(loss({ 'mixed_angles/cot/transform': transform }), [screw, theta])
      return { 'mixed_angles/out/transform': transform, 'mixed_angles/grad/screw': dscrew, 'mixed_angles/grad/theta': dtheta }
    }))

  test('gradients, odd size', () =>
    checkOp({ name: 'expSe3', inputs: [{ shape: [33, 6] }, { shape: [33], range: [-3, 3] }], build: ([screw, theta]) => expSe3(screw, theta) }))

  test('names shapes that do not fit', () => {
    expect(() => expSe3(fill([4, 5], 0), fill([4], 0))).toThrow('expSe3: needs screw [N, 6] and theta [N], got [4, 5] and [4]')
  })
})
