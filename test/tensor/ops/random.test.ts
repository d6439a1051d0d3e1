import { describe, expect, test } from 'vitest'
import { type Device, tensor } from '../../../src/tensor/device.ts'
import { addNoise, integers, uniform } from '../../../src/tensor/ops/random.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, testDevices } from '../harness.ts'

const COUNT = 20_000
const zeros = (device: Device, count: number) => tensor(device, new Float32Array(count), [count])
const seedOf = (device: Device, seed: number, step: number) => tensor(device, Uint32Array.of(seed, step), [2])

async function draw(seed: number, step: number, stream: number, count = COUNT): Promise<Float32Array> {
  const [{ device }] = await testDevices()
  const [y] = await evaluate(device, [uniform(seedOf(device, seed, step), [count], stream)])
  return y
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = Math.min(a.length, b.length)
  let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0]
  for (let i = 0; i < n; i++) {
    sa += a[i]
    sb += b[i]
    saa += a[i] * a[i]
    sbb += b[i] * b[i]
    sab += a[i] * b[i]
  }
  return (sab - (sa * sb) / n) / Math.sqrt((saa - (sa * sa) / n) * (sbb - (sb * sb) / n))
}

/** Chi-squared of `bins` equal bins; its mean is bins - 1 and its deviation sqrt(2 (bins - 1)). */
function chiSquared(values: ArrayLike<number>, bins: number): number {
  const counts = new Array<number>(bins).fill(0)
  for (let i = 0; i < values.length; i++) counts[Math.floor(values[i] * bins)]++
  const mean = values.length / bins
  return counts.reduce((s, c) => s + (c - mean) ** 2 / mean, 0)
}

const near = (chi: number, bins: number) => expect(Math.abs(chi - (bins - 1))).toBeLessThan(5 * Math.sqrt(2 * (bins - 1)))

describe('uniform', () => {
  test('fills [0, 1) evenly, in every bit that is used', async () => {
    for (const seed of [0, 1, 0xffffffff]) {
      const y = await draw(seed, 3, 1)
      expect(y.every(v => v >= 0 && v < 1)).toBe(true)
      near(chiSquared(y, 100), 100)
      for (const bit of [2, 12, 23]) {
        const low = y.map(v => (v * 2 ** bit) % 1)
        near(chiSquared(low, 2), 2)
      }
    }
  })

  test('pairs of neighbours fill the square evenly', async () => {
    const y = await draw(7, 0, 0, 2 * COUNT)
    const cells = Float64Array.from({ length: COUNT }, (_, i) => (Math.floor(y[2 * i] * 10) + y[2 * i + 1]) / 10)
    near(chiSquared(cells, 100), 100)
  })

  test('neighbouring steps, streams, seeds and indices are unrelated', async () => {
    const y = await draw(5, 100, 2)
    const others = await Promise.all([draw(5, 101, 2), draw(5, 100, 3), draw(6, 100, 2), draw(5, 2, 100), draw(100, 5, 2)])
    // The correlation of unrelated samples has a deviation of 1 / sqrt(COUNT).
    for (const other of [...others, y.subarray(1), y.subarray(2), y.subarray(64)]) {
      expect(Math.abs(correlation(y, other))).toBeLessThan(5 / Math.sqrt(COUNT))
    }
  })

  test('no draw is another one shifted', async () => {
    const known = new Set(await draw(5, 100, 2))
    for (const step of [101, 102, 103, 200]) {
      const again = (await draw(5, step, 2)).filter(v => known.has(v)).length
      // Chance alone gives COUNT^2 / 2^24, about 24.
      expect(again).toBeLessThan(60)
    }
  })

  test('the first number over steps is as good as the numbers of one step', async () => {
    const [{ device }] = await testDevices()
    const firsts: number[] = []
    for (let step = 0; step < 2000; step++) firsts.push((await evaluate(device, [uniform(seedOf(device, 1, step), [1], 4)]))[0][0])
    near(chiSquared(firsts, 20), 20)
    expect(Math.abs(correlation(firsts, firsts.slice(1)))).toBeLessThan(5 / Math.sqrt(2000))
  })
})

test('noise has mean 0, deviation 1 and the tails of a normal', async () => {
  const [{ device }] = await testDevices()
  const [y] = await evaluate(device, [addNoise(zeros(device, COUNT), seedOf(device, 3, 9), 1, 1)])
  const mean = y.reduce((s, v) => s + v, 0) / COUNT
  const spread = Math.sqrt(y.reduce((s, v) => s + v * v, 0) / COUNT)
  expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(COUNT))
  expect(spread).toBeCloseTo(1, 1)
  const beyond2 = y.filter(v => Math.abs(v) > 2).length / COUNT
  expect(Math.abs(beyond2 - 0.0455)).toBeLessThan(0.008)
  expect(Math.abs(correlation(y, y.subarray(1)))).toBeLessThan(5 / Math.sqrt(COUNT))
})

test('a spread draws numbers together about one half', async () => {
  for (const { device, compileOnly } of await testDevices()) {
    const seed = seedOf(device, 5, 100)
    const [y, close, same] = await evaluate(device, [
      uniform(seed, [99], 2),
      uniform(seed, [99], 2, tensor(device, [0.25], [])),
      uniform(seed, [99], 2, tensor(device, [0], [])),
    ])
    if (compileOnly) continue
    expect(Math.max(...close.map((v, i) => Math.abs(v - (0.5 + 0.25 * (y[i] - 0.5)))))).toBeLessThan(1e-7)
    expect(same.every(v => v === 0.5)).toBe(true)
  }
})

test('noise is added to what it is given, and gradients pass through', () =>
  checkOp({
    name: 'addNoise',
    inputs: [{ shape: [2], values: Uint32Array.of(3, 9) }, { shape: [67, 8] }],
    build: ([seed, x]) => addNoise(x, seed, 0.2, 6),
    tolerance: 2e-4,
  }))

test('integers reach every number below the bound and none above', async () => {
  const [{ device }] = await testDevices()
  const seed = seedOf(device, 3, 9)
  const [few, one, large] = await evaluate(device, [
    integers(seed, [COUNT], 1, 7),
    integers(seed, [50], 1, 1),
    integers(seed, [COUNT], 1, 3_000_000_000),
  ])
  near(
    chiSquared(
      Float64Array.from(few, v => (v + 0.5) / 7),
      7,
    ),
    7,
  )
  expect(new Set(few)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]))
  expect(one.every(v => v === 0)).toBe(true)
  near(
    chiSquared(
      Float64Array.from(large, v => v / 3_000_000_000),
      50,
    ),
    50,
  )
})

test('every device draws the same bits', async () => {
  const [reference, ...others] = await testDevices()
  const draws = (device: Device) => {
    const seed = seedOf(device, 0xfedcba98, 123_456_789)
    return [uniform(seed, [1001], 0), uniform(seed, [3, 5], 0xffffffff), integers(seed, [1001], 1, 1000), integers(seed, [99], 2, 0xfffffffe)]
  }
  const expected = await evaluate(reference.device, draws(reference.device))
  const [gaussian] = await evaluate(reference.device, [addNoise(zeros(reference.device, 999), seedOf(reference.device, 1, 2), 1, 3)])
  for (const { name, device, compileOnly } of others) {
    const actual = await evaluate(device, draws(device))
    const [alike] = await evaluate(device, [addNoise(zeros(device, 999), seedOf(device, 1, 2), 1, 3)])
    if (compileOnly) continue
    for (const [i, y] of actual.entries()) expect([...y], `${name}, draw ${i}`).toEqual([...expected[i]])
    expect(Math.max(...alike.map((v, i) => Math.abs(v - gaussian[i]))), name).toBeLessThan(1e-3)
  }
})

test('the first draws stay what they are: saved runs depend on them', async () => {
  const [{ device }] = await testDevices()
  const [y] = await evaluate(device, [integers(seedOf(device, 1, 2), [4], 3, 0xffffffff)])
  expect([...y]).toEqual([1926319537, 1255760142, 341024815, 869104142])
})

test('a seed that is not two whole numbers and a bound of 0 are named', async () => {
  const [{ device }] = await testDevices()
  expect(() => uniform(tensor(device, [1, 2], [2]), [3], 0)).toThrow('uniform: seed is f32 [2]')
  expect(() => uniform(seedOf(device, 1, 1), [3], -1)).toThrow('stream -1')
  expect(() => integers(seedOf(device, 1, 1), [3], 0, 0)).toThrow('integers: bound 0')
})
