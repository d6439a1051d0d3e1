import { describe, expect, test } from 'vitest'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { maxPool } from '../../../src/tensor/ops/maxPool.ts'
import { unfold } from '../../../src/tensor/ops/unfold.ts'
import { checkOp } from '../harness.ts'

describe('unfold', () => {
  for (const [size, stride, padding, begin, end] of [
    [3, 1, 1, 0, 14],
    [3, 2, 0, 1, 5],
    [5, 4, 2, 0, 4],
    [11, 4, 2, 0, 2],
  ] as const)
    test(`${size}x${size} windows, stride ${stride}, padding ${padding}, lines ${begin} to ${end} of two pictures`, () =>
      checkOp({
        name: 'unfold',
        inputs: [{ shape: [2, 7, 9, 3] }],
        build: ([image]) => unfold(image, { size, stride, padding }, begin, end),
        gradient: false,
        tolerance: 0,
      }))

  test('says what does not fit', () => {
    expect(() => unfold(fill([8, 9, 3], 0), { size: 3, stride: 1, padding: 1 }, 0, 1)).toThrow('image must be [B, H, W, C], got [8, 9, 3]')
    expect(() => unfold(fill([1, 8, 4, 3], 0), { size: 5, stride: 1, padding: 0 }, 0, 1)).toThrow('no 5x5 window fits into 4x8 px; give a larger')
    expect(() => unfold(fill([1, 8, 8, 3], 0), { size: 3, stride: 1, padding: 1 }, 4, 9)).toThrow('rows 4 to 9 of 8; give a range inside')
  })
})

describe('maxPool', () => {
  for (const [size, height, width] of [
    [3, 7, 9],
    [2, 6, 5],
  ] as const)
    test(`${size}x${size} windows of two pictures of ${width}x${height}`, () =>
      checkOp({
        name: 'maxPool',
        inputs: [{ shape: [2, height, width, 3], range: [-2, -1] }],
        build: ([image]) => maxPool(image, size, 2),
        gradient: false,
        tolerance: 0,
      }))

  test('says what does not fit', () => expect(() => maxPool(fill([1, 2, 8, 1], 0), 3, 2)).toThrow('maxPool: no 3x3 window fits into 8x2 px'))
})
