import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { rayWeights } from '../../../src/tensor/ops/rayWeights.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, randomValues, testDevices } from '../harness.ts'

/** Ascending z [rays, samples]. */
function depths(rays: number, samples: number): Float32Array {
  const steps = randomValues(rays * samples, 7, [0.01, 0.3])
  for (let i = 0; i < steps.length; i++) if (i % samples > 0) steps[i] += steps[i - 1]
  return steps
}

describe('rayWeights', () => {
  for (const infinity of [false, true]) {
    test(`odd sizes, ${infinity ? 'last sample at infinity' : 'finite'}`, () =>
      checkOp({
        name: 'rayWeights',
        inputs: [
          { shape: [37, 11], range: [0.1, 8] },
          { shape: [37, 11], values: depths(37, 11) },
          { shape: [37], range: [0.5, 2] },
        ],
        gradient: [0],
        build: ([sigma, z, norm]) => rayWeights(sigma, z, norm, { infinity }),
      }))
  }

  test('one sample, no norms', () =>
    checkOp({
      name: 'rayWeights',
      inputs: [{ shape: [3, 1], range: [0, 1] }, { shape: [3, 1] }],
      gradient: [0],
      build: ([sigma, z]) => rayWeights(sigma, z, undefined, { infinity: true }),
    }))

  test('weights are not negative and add up to at most 1', async () => {
    const [rays, samples] = [29, 33]
    for (const { device, compileOnly } of await testDevices()) {
      const sigma = tensor(device, randomValues(rays * samples, 1, [0, 200]), [rays, samples])
      const z = tensor(device, depths(rays, samples), [rays, samples])
      const [weights] = await evaluate(device, [rayWeights(sigma, z, undefined, { infinity: true })])
      if (compileOnly) continue
      for (let r = 0; r < rays; r++) {
        const row = weights.subarray(r * samples, (r + 1) * samples)
        expect(Math.min(...row)).toBeGreaterThanOrEqual(0)
        expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
      }
    }
  })

  test('a wall: one weight, and no gradient to what it hides', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      const sigma = tensor(device, [0, 1e6, 5, 5], [1, 4])
      const z = tensor(device, [1, 2, 3, 4], [1, 4])
      const weights = rayWeights(sigma, z, undefined, { infinity: false })
      const [w, dsigma] = await evaluate(device, [weights, ...grad(sum(weights), [sigma])])
      if (compileOnly) continue
      for (const [i, value] of [0, 1, 0, 0].entries()) expect(w[i]).toBeCloseTo(value, 6)
      for (const g of dsigma) expect(Math.abs(g)).toBeLessThan(1e-5)
    }
  })

  test('names shapes that do not fit', () => {
    const options = { infinity: true }
    expect(() => rayWeights(fill([4, 8], 0), fill([4, 9], 0), undefined, options)).toThrow('both be [R, M], got [4, 8] and [4, 9]')
    expect(() => rayWeights(fill([4, 8], 0), fill([4, 8], 0), fill([5], 0), options)).toThrow('direction norms [5] for 4 rays')
  })
})
