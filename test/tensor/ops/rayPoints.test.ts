import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { rayPoints } from '../../../src/tensor/ops/rayPoints.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

describe('rayPoints', () => {
  test('odd sizes', () =>
    checkOp({
      name: 'rayPoints',
      inputs: [{ shape: [13, 3] }, { shape: [13, 3] }, { shape: [13, 7] }],
      gradient: false,
      build: ([origins, directions, z]) => rayPoints(origins, directions, z),
    }))

  test('by hand, and no gradient to the positions', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const [origin, direction] = [tensor(device, [1, 2, 3], [1, 3]), tensor(device, [0, 1, -1], [1, 3])]
      const z = tensor(device, [2, 5], [1, 2])
      const points = rayPoints(origin, direction, z)
      const [x, dz] = await evaluate(device, [points, ...grad(sum(points), [z])])
      if (compileOnly) continue
      expect([...x]).toEqual([1, 4, 1, 1, 7, -2])
      expect([...dz]).toEqual([0, 0])
    }
  })

  test('names shapes that do not fit', () => {
    expect(() => rayPoints(fill([4, 3], 0), fill([5, 3], 0), fill([4, 8], 0))).toThrow('got [4, 3], [5, 3], [4, 8]')
  })
})
