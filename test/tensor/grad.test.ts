import { describe, expect, test } from 'vitest'
import { tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { add, affine, exp, min, mul, square } from '../../src/tensor/ops/elementwise.ts'
import { fill } from '../../src/tensor/ops/fill.ts'
import { sum } from '../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { detach, reshape, type Tensor } from '../../src/tensor/tensor.ts'
import { plainDevice } from './plainDevice.ts'

const device = plainDevice('single')
const leaf = (...values: number[]): Tensor => tensor(device, values, [values.length])
const numbers = async (x: Tensor): Promise<number[]> => [...(await evaluate(device, [x]))[0]]

describe('grad', () => {
  test('adds up the ways a tensor reaches the loss', async () => {
    const x = leaf(1, 2, 3)
    // d/dx (x² + 3x + x·x) = 4x + 3
    const [g] = grad(sum(add(add(square(x), affine(x, 3)), mul(x, x))), [x])
    expect(await numbers(g)).toEqual([7, 11, 15])
  })

  test('goes through reshapes and has the shape of the tensor asked for', async () => {
    const x = leaf(1, 2, 3, 4)
    const [g] = grad(sum(square(reshape(x, [2, 2]))), [x])
    expect(g.shape).toEqual([4])
    expect(await numbers(g)).toEqual([2, 4, 6, 8])
  })

  test('by an intermediate tensor and by a leaf at once', async () => {
    const x = leaf(0.5, 2)
    const y = affine(x, 4)
    const [byX, byY] = grad(sum(square(y)), [x, y])
    expect(await numbers(byY)).toEqual([4, 16])
    expect(await numbers(byX)).toEqual([16, 64])
  })

  test('stops at detach', async () => {
    const x = leaf(1, 2)
    const [g] = grad(sum(mul(x, detach(affine(x, 10)))), [x])
    expect(await numbers(g)).toEqual([10, 20])
    const [none] = grad(sum(detach(square(x))), [x])
    expect(await numbers(none)).toEqual([0, 0])
  })

  test('is zero where the loss does not depend on the tensor', async () => {
    const [g] = grad(sum(leaf(1, 2)), [leaf(5, 6, 7)])
    expect(await numbers(g)).toEqual([0, 0, 0])
  })

  test('takes a seed instead of 1, for a loss of any shape', async () => {
    const x = leaf(1, 2)
    const [g] = grad(square(x), [x], leaf(10, 100))
    expect(await numbers(g)).toEqual([20, 400])
  })

  test('of exp is exp', async () => {
    const x = leaf(0, 1)
    const [first] = grad(sum(exp(x)), [x])
    expect(await numbers(first)).toEqual([1, Math.fround(Math.E)])
  })

  test('names the shape of a loss that is not a scalar, and an operation without a gradient', () => {
    const x = leaf(1, 2)
    expect(() => grad(square(x), [x])).toThrow('grad: loss must be a scalar, got [2]; reduce it with sum or mean')
    expect(() => grad(sum(min(x, fill([2], 1))), [x])).toThrow('min: has no gradient')
  })
})
