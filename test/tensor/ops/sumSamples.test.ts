import { describe, expect, test } from 'vitest'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { accumulation, sumSamples } from '../../../src/tensor/ops/sumSamples.ts'
import { checkOp } from '../harness.ts'

const sizes = (rays: number, samples: number, channels: number) => [{ shape: [rays, samples] }, { shape: [rays * samples, channels] }]

describe('sumSamples', () => {
  for (const channels of [1, 3, 4, 7])
    test(`odd sizes, ${channels} channels`, () =>
      checkOp({ name: 'sumSamples', inputs: sizes(37, 11, channels), build: ([weights, values]) => sumSamples(weights, values) }))

  test('gradient of one input alone', async () => {
    await checkOp({ name: 'sumSamples', inputs: sizes(5, 3, 3), gradient: [0], build: ([weights, values]) => sumSamples(weights, values) })
    await checkOp({ name: 'sumSamples', inputs: sizes(5, 3, 3), gradient: [1], build: ([weights, values]) => sumSamples(weights, values) })
  })

  test('values [R, M, C]', () =>
    checkOp({ name: 'sumSamples', inputs: [{ shape: [5, 3] }, { shape: [5, 3, 2] }], build: ([weights, values]) => sumSamples(weights, values) }))

  test('names shapes that do not fit', () =>
    expect(() => sumSamples(fill([4, 8], 0), fill([31, 3], 0))).toThrow('values [R·M, C], got [4, 8] and [31, 3]'))
})

describe('accumulation', () => {
  for (const infinity of [false, true])
    test(`odd sizes, ${infinity ? 'last sample at infinity' : 'finite'}`, () =>
      checkOp({ name: 'accumulation', inputs: [{ shape: [37, 11] }], build: ([weights]) => accumulation(weights, { infinity }) }))

  test('names a wrong shape', () => expect(() => accumulation(fill([4], 0), { infinity: true })).toThrow('[R, M], got [4]'))
})
