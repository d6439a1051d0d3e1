import { expect, test } from 'vitest'
import { constantU32 } from '../../../src/tensor/ops/constant.ts'
import { checkOp } from '../harness.ts'

test('constantU32 holds whole numbers', () =>
  checkOp({ name: 'constantU32', inputs: [], build: () => constantU32([0, 7, 0xffffffff]), gradient: false, tolerance: 0 }))

test('anything else is refused', () => {
  expect(() => constantU32([1.5])).toThrow('1.5 is not a whole number')
  expect(() => constantU32([-1])).toThrow('-1')
})
