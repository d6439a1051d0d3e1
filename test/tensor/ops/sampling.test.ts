import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { rayPoints } from '../../../src/tensor/ops/rayPoints.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { fineSamples, pdfSamples, sortedUnion, stratifiedSamples } from '../../../src/tensor/ops/sampling.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { loadGolden } from '../../golden.ts'
import { checkOp, testDevices } from '../harness.ts'
import { checkGolden } from './goldenCase.ts'

const golden = loadGolden('sampling')

describe('golden sampling', () => {
  for (const [name, settings] of Object.entries(golden.cases)) {
    test(name, () =>
      checkGolden(golden, ({ leaf }) => {
        const at = (path: string) => leaf(`${name}/in/${path}`)
        const [origins, directions, weights] = [at('origins'), at('directions'), at('weights')]
        const [near, far] = [Number(settings.near), Number(settings.far)]
        const options = { near, far, count: Number(settings.n_coarse), linearDisparity: settings.linear_disparity === true, rays: origins.shape[0] }
        const coarse = stratifiedSamples(settings.stratified ? at('u_coarse') : undefined, options)
        const fine = fineSamples(coarse, weights, settings.stratified ? at('u_fine') : undefined, Number(settings.n_fine))
        const all = sortedUnion(coarse, fine)
        return {
          [`${name}/out/z_coarse`]: coarse,
          [`${name}/out/z_fine_unsorted`]: fine,
          [`${name}/out/z_all_sorted`]: all,
          [`${name}/out/points_coarse`]: rayPoints(origins, directions, coarse),
          [`${name}/out/points_all`]: rayPoints(origins, directions, all),
        }
      }),
    )
  }
})

describe('pdfSamples', () => {
  test('odd sizes, given edges', () =>
    checkOp({
      name: 'pdfSamples',
      inputs: [
        { shape: [5, 4], values: Array.from({ length: 20 }, (_, i) => (i % 4) + 0.1 * Math.floor(i / 4)) },
        { shape: [5, 3], range: [0, 1] },
        { shape: [5, 11], range: [0, 1] },
      ],
      gradient: false,
      build: ([bins, weights, u]) => pdfSamples(bins, weights, u),
    }))

  test('by hand: a quarter and three quarters', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const z = pdfSamples(tensor(device, [0, 1, 2], [1, 3]), tensor(device, [1, 3], [1, 2]), tensor(device, [0.125, 0.25, 0.625, 1], [1, 4]))
      const [samples] = await evaluate(device, [z])
      if (!compileOnly) for (const [i, value] of [0.5, 1, 1.5, 2].entries()) expect(samples[i]).toBeCloseTo(value, 4)
    }
  })

  test('stops the gradient', async () => {
    const [{ device }] = await testDevices()
    const weights = tensor(device, [1, 3], [1, 2])
    const [dweights] = await evaluate(device, grad(sum(pdfSamples(tensor(device, [0, 1, 2], [1, 3]), weights, undefined, 3)), [weights]))
    expect([...dweights]).toEqual([0, 0])
  })

  test('names shapes that do not fit', () => {
    expect(() => pdfSamples(fill([4, 8], 0), fill([4, 8], 0), undefined, 3)).toThrow('bins [R, B] and weights [R, B - 1], got [4, 8] and [4, 8]')
    expect(() => pdfSamples(fill([4, 8], 0), fill([4, 7], 0), undefined)).toThrow('give the number of samples')
    expect(() => fineSamples(fill([4, 8], 0), fill([4, 8], 0), fill([5, 3], 0))).toThrow('uniforms [5, 3] for 4 rays of 3 samples')
  })
})

test('stratifiedSamples names a bad range', () => {
  expect(() => stratifiedSamples(undefined, { near: 1, far: 1, count: 4 })).toThrow('bad range, near 1, far 1')
  expect(() => stratifiedSamples(undefined, { near: 0, far: 1, count: 4, linearDisparity: true })).toThrow('bad range, near 0, far 1')
})

describe('sortedUnion', () => {
  test('odd sizes, equal values', () =>
    checkOp({
      name: 'sortedUnion',
      inputs: [
        { shape: [2, 3], values: [3, 1, 2, 5, 5, 5] },
        { shape: [2, 2], values: [2, 0, 5, -5] },
      ],
      gradient: false,
      build: ([a, b]) => sortedUnion(a, b),
    }))

  test('names shapes that do not fit', () => expect(() => sortedUnion(fill([4, 8], 0), fill([5, 8], 0))).toThrow('got [4, 8] and [5, 8]'))
})
