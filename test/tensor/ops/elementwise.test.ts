import { describe, expect, test } from 'vitest'
import * as ops from '../../../src/tensor/ops/elementwise.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import type { Tensor } from '../../../src/tensor/tensor.ts'
import { checkOp, type InputSpec } from '../harness.ts'

/** 67 elements: no multiple of a SIMD lane or a workgroup. */
const odd = (range?: [number, number]): InputSpec => ({ shape: [67], range })

/** Both sides of zero, with a gap around it where the kink is. */
const AWAY_FROM_ZERO: InputSpec = { shape: [6], values: [-2, -0.5, -0.1, 0.1, 0.5, 2] }

const UNARY: Record<string, [(x: Tensor) => Tensor, InputSpec]> = {
  exp: [ops.exp, odd([-4, 4])],
  log: [ops.log, odd([0.1, 8])],
  sqrt: [ops.sqrt, odd([0.1, 8])],
  square: [ops.square, odd()],
  reciprocal: [ops.reciprocal, odd([0.2, 4])],
  abs: [ops.abs, AWAY_FROM_ZERO],
  relu: [ops.relu, AWAY_FROM_ZERO],
  sigmoid: [ops.sigmoid, odd([-9, 9])],
  softplus: [ops.softplus, odd([-9, 9])],
  quickGelu: [ops.quickGelu, odd([-5, 5])],
  gelu: [ops.gelu, odd([-5, 5])],
  geluTanh: [ops.geluTanh, odd([-5, 5])],
  affine: [x => ops.affine(x, -2.5, 0.75), odd()],
  clamp: [x => ops.clamp(x, -0.3, 0.3), { shape: [4], values: [-1, -0.2, 0.2, 1] }],
}

describe('one operand', () => {
  for (const [name, [op, x]] of Object.entries(UNARY)) test(name, () => checkOp({ name, inputs: [x], build: ([v]) => op(v) }))

  test('softplus and sigmoid stay finite far from zero', () =>
    checkOp({
      name: 'far',
      inputs: [{ shape: [6], values: [-80, -30, -16, 16, 30, 80] }],
      build: ([x]) => [ops.softplus(x), ops.sigmoid(x)],
      gradient: false,
    }))

  test('geluTanh and its slope stay finite far from zero', () =>
    checkOp({ name: 'far', inputs: [{ shape: [6], values: [-300, -80, -16, 16, 80, 300] }], build: ([x]) => ops.geluTanh(x) }))
})

describe('two operands', () => {
  for (const [name, op] of Object.entries({ add: ops.add, sub: ops.sub, mul: ops.mul })) {
    test(name, () => checkOp({ name, inputs: [{ shape: [5, 13] }, { shape: [5, 13] }], build: ([a, b]) => op(a, b) }))
    test(`${name} with a scalar on either side`, () =>
      checkOp({ name, inputs: [{ shape: [5, 13] }, { shape: [] }], build: ([a, s]) => [op(a, s), op(s, a)] }))
    test(`${name} of a tensor with itself`, () => checkOp({ name, inputs: [{ shape: [7] }], build: ([a]) => op(a, a) }))
  }

  test('min has values and no gradient', () =>
    checkOp({ name: 'min', inputs: [{ shape: [67] }, { shape: [67] }], build: ([a, b]) => ops.min(a, b), gradient: false }))

  test('shapes that differ are named', () => {
    expect(() => ops.add(fill([2, 3], 0), fill([3, 2], 0))).toThrow('add: shapes differ, [2, 3] and [3, 2]')
  })
})
