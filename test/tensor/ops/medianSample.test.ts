import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { medianDepth, medianSample, pickSample } from '../../../src/tensor/ops/medianSample.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

describe('medianSample', () => {
  test('by hand: first sample at half, or none', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const weights = tensor(device, [0.25, 0.25, 0.5, 0.1, 0.1, 0.1, 0, 0.1, 0.8], [3, 3])
      const z = tensor(device, [1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3])
      const [index, depth] = await evaluate(device, [medianSample(weights), medianDepth(weights, z)])
      if (compileOnly) continue
      expect([...index]).toEqual([1, 0, 2])
      expect([...depth]).toEqual([2, 0, 9])
    }
  })

  test('odd sizes', () =>
    checkOp({
      name: 'medianDepth',
      inputs: [{ shape: [131, 7], range: [0, 0.3] }, { shape: [131, 7] }],
      gradient: [1],
      build: ([weights, z]) => medianDepth(weights, z),
    }))

  test('names a wrong shape', () => expect(() => medianSample(fill([4], 0))).toThrow('medianSample: weights must be [R, M], got [4]'))
})

describe('pickSample', () => {
  test('odd sizes', () =>
    checkOp({
      name: 'pickSample',
      inputs: [{ shape: [5 * 7, 3] }, { shape: [5], values: Uint32Array.of(0, 6, 3, 2, 5) }],
      build: ([values, index]) => pickSample(values, index),
    }))

  test('names shapes that do not fit', () =>
    expect(() => pickSample(fill([7, 3], 0), fill([7], 0))).toThrow('needs values [R·M, C] and u32 index [R], got [7, 3] and f32 [7]'))
})
