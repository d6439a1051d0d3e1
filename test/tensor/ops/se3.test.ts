import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { se3Transform } from '../../../src/tensor/ops/se3.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, randomValues, testDevices } from '../harness.ts'

const screws = (rows: number, angle: number) => [{ shape: [rows, 3], range: [-angle, angle] as const }, { shape: [rows, 3] }, { shape: [rows, 3] }]

describe('se3Transform', () => {
  for (const angle of [0.01, 1, 4, 20]) {
    test(`rotations up to ${angle} radians per axis`, () =>
      checkOp({ name: 'se3Transform', inputs: screws(67, angle), build: ([w, v, x]) => se3Transform(w, v, x) }))
  }

  test('gradient of the points alone, and of the screws alone', async () => {
    await checkOp({ name: 'se3Transform', inputs: screws(5, 1), gradient: [2], build: ([w, v, x]) => se3Transform(w, v, x) })
    await checkOp({ name: 'se3Transform', inputs: screws(5, 1), gradient: [0, 1], build: ([w, v, x]) => se3Transform(w, v, x) })
  })

  test('no rotation is a translation, with finite gradients', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const [w, v, x] = [
        [0, 0, 0],
        [0.1, 0.2, 0.3],
        [1, 2, 3],
      ].map(values => tensor(device, values, [1, 3]))
      const y = se3Transform(w, v, x)
      const [moved, dw, dv, dx] = await evaluate(device, [y, ...grad(sum(y), [w, v, x])])
      if (compileOnly) continue
      expect([...moved].map(value => value.toFixed(5))).toEqual(['1.10000', '2.20000', '3.30000'])
      // d(w×x + w×v/2)/dw along (1, 1, 1): (x + v/2) × (1, 1, 1).
      for (const [axis, value] of [-1.05, 2.1, -1.05].entries()) expect(dw[axis]).toBeCloseTo(value, 5)
      expect([...dv, ...dx]).toEqual([1, 1, 1, 1, 1, 1])
    }
  })

  test('a half turn about z turns x and y around', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const [w, v, x] = [
        [0, 0, Math.PI],
        [0, 0, 0],
        [1, 2, 3],
      ].map(values => tensor(device, values, [1, 3]))
      const [moved] = await evaluate(device, [se3Transform(w, v, x)])
      if (!compileOnly) for (const [axis, value] of [-1, -2, 3].entries()) expect(moved[axis]).toBeCloseTo(value, 5)
    }
  })

  test('keeps distances', async () => {
    const [{ device }] = await testDevices()
    const spread = (value: number[]) => tensor(device, [...value, ...value], [2, 3])
    const points = tensor(device, randomValues(6, 3), [2, 3])
    const [moved] = await evaluate(device, [se3Transform(spread([0.7, -1.3, 2.1]), spread([0.2, 0.4, -1]), points)])
    const distance = (p: Float32Array): number => Math.hypot(p[0] - p[3], p[1] - p[4], p[2] - p[5])
    expect(distance(moved)).toBeCloseTo(distance(randomValues(6, 3)), 5)
  })

  test('names shapes that do not fit', () => {
    expect(() => se3Transform(fill([4, 3], 0), fill([4, 3], 0), fill([5, 3], 0))).toThrow('must all be [Q, 3], got [4, 3], [4, 3] and [5, 3]')
  })
})
