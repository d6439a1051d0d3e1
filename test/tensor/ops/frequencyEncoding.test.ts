import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { concat } from '../../../src/tensor/ops/concat.ts'
import { mul } from '../../../src/tensor/ops/elementwise.ts'
import { cosineWindow, frequencyEncoding } from '../../../src/tensor/ops/frequencyEncoding.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { expectGolden, loadGolden } from '../../golden.ts'
import { checkOp, testDevices } from '../harness.ts'

test('frequencyEncoding with and without a window', async () => {
  await checkOp({
    name: 'frequencyEncoding',
    inputs: [{ shape: [19, 3], range: [-2, 2] }],
    build: ([x]) => frequencyEncoding(x, { minBand: 0, bands: 4 }),
  })
  await checkOp({
    name: 'frequencyEncoding, windowed',
    inputs: [{ shape: [7, 5] }, { shape: [3], range: [0, 1] }],
    build: ([x, window]) => frequencyEncoding(x, { minBand: -1, bands: 3, window }),
    gradient: [0],
  })
})

test('high bands stay accurate far from zero', async () => {
  const values = Float32Array.from({ length: 300 }, (_, i) => (i - 150) / 7)
  const expected = Array.from(values, x => [Math.sin(128 * x), Math.cos(128 * x)]).flat()
  for (const { name, device, compileOnly } of await testDevices()) {
    if (compileOnly) continue
    const [y] = await evaluate(device, [frequencyEncoding(tensor(device, values, [300, 1]), { minBand: 7, bands: 1 })])
    expect(Math.max(...expected.map((v, i) => Math.abs(v - y[i]))), name).toBeLessThan(1e-6)
  }
})

test('the window opens band by band', () => {
  expect([...cosineWindow(0, 4)]).toEqual([0, 0, 0, 0])
  const half = cosineWindow(1.5, 4)
  expect(half[0]).toBeCloseTo(1, 6)
  expect(half[1]).toBeCloseTo(0.5, 6)
  expect([...half.slice(2)]).toEqual([0, 0])
})

test('sizes that do not fit are named, and a window asked for its gradient too', async () => {
  const [{ device }] = await testDevices()
  const x = tensor(device, new Float32Array(6), [2, 3])
  const window = tensor(device, new Float32Array(3), [3])
  expect(() => frequencyEncoding(x, { minBand: 0, bands: 4, window })).toThrow('frequencyEncoding: window [3] for 4 bands')
  expect(() => frequencyEncoding(x, { minBand: 0, bands: 0 })).toThrow('0 bands')
  expect(() => grad(sum(frequencyEncoding(x, { minBand: 0, bands: 3, window })), [window])).toThrow('the window has no gradient')
})

describe('golden posenc', async () => {
  const golden = loadGolden('posenc')
  for (const [name, { alpha, min_deg, max_deg, use_identity }] of Object.entries(golden.cases)) {
    test(name, async () => {
      for (const { device, compileOnly } of await testDevices()) {
        if (compileOnly) continue
        const minBand = Number(min_deg)
        const bands = Number(max_deg) - minBand
        const leaf = (path: string) => tensor(device, golden.get(`${name}/${path}`), golden.shape(`${name}/${path}`))
        const x = leaf('in/x')
        const window = alpha === null ? undefined : tensor(device, cosineWindow(Number(alpha), bands), [bands])
        const encoded = frequencyEncoding(x, { minBand, bands, window })
        const y = use_identity ? concat([x, encoded]) : encoded
        const [dx] = grad(sum(mul(y, leaf('cot/features'))), [x])
        const [features, slope, weights] = await evaluate(device, [y, dx, ...(window ? [window] : [])])
        expectGolden(golden, `${name}/out/features`, features)
        expectGolden(golden, `${name}/grad/x`, slope)
        if (weights) expectGolden(golden, `${name}/out/window`, weights)
      }
    })
  }
})
