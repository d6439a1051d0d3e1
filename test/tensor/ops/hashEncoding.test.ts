import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { type HashGrid, hashEncoding, hashTableLength } from '../../../src/tensor/ops/hashEncoding.ts'
import { compile, evaluate } from '../../../src/tensor/plan.ts'
import { checkOp, compareDevices, randomValues, testDevices } from '../harness.ts'

/** Two dense levels, two hashed ones. */
const GRID: HashGrid = { resolutions: [2, 4, 9, 17], log2Entries: 7, features: 2, lo: -1, hi: 1 }

/** Points whose cell position stays at least 0.02 cells away from every cell border of every level: the gradient jumps there. */
function pointsInsideCells(count: number, { resolutions, lo, hi }: HashGrid): Float32Array {
  const inside = (v: number) => resolutions.every(r => Math.abs(((((v - lo) / (hi - lo)) * r) % 1) - 0.5) < 0.48)
  return randomValues(count * 30, 5, [lo, hi])
    .filter(inside)
    .slice(0, count * 3)
}

describe('hashEncoding', () => {
  test('dense and hashed levels, gradients of points and tables', async () => {
    for (const features of [1, 2, 4]) {
      const grid = { ...GRID, features }
      await checkOp({
        name: `hashEncoding of ${features} features`,
        inputs: [{ shape: [33, 3], values: pointsInsideCells(33, grid) }, { shape: [hashTableLength(grid)] }],
        build: ([x, tables]) => hashEncoding(x, tables, grid),
        step: 1e-4,
      })
    }
  })

  test('many points on one slot add up exactly, whatever their number', async () => {
    const grid = { ...GRID, resolutions: [1] }
    const values = randomValues(3 * 1000, 3, [-0.9, 0.9])
    await checkOp({
      name: 'hashEncoding, one cell',
      inputs: [{ shape: [1000, 3], values }, { shape: [hashTableLength(grid)] }],
      build: ([x, tables]) => hashEncoding(x, tables, grid),
      gradient: [1],
    })
  })

  test('gradients far apart in size keep their digits', () =>
    compareDevices({
      name: 'hashEncoding, small gradients beside large ones',
      tolerance: 1e-4,
      run: async device => {
        const x = tensor(device, [-0.9, -0.9, -0.9, 0.9, 0.9, 0.9], [2, 3])
        const tables = tensor(device, randomValues(hashTableLength(GRID), 1), [hashTableLength(GRID)])
        const seed = tensor(
          device,
          Float32Array.from({ length: 16 }, (_, i) => (i < 8 ? 1000 : 0.1)),
          [2, 8],
        )
        const [dTables] = grad(hashEncoding(x, tables, GRID), [tables], seed)
        const [values] = await evaluate(device, [dTables])
        return [{ name: 'small gradients', values: values.filter(v => v !== 0 && v < 1) }]
      },
    }))

  test('the table gradient has the same bits in every run', async () => {
    for (const { name, device, compileOnly } of await testDevices()) {
      if (compileOnly) continue
      const length = hashTableLength(GRID)
      const [x, tables] = [tensor(device, randomValues(3 * 3000, 8), [3000, 3]), tensor(device, new Float32Array(length), [length])]
      const [dTables] = grad(hashEncoding(x, tables, GRID), [tables], tensor(device, randomValues(3000 * 8, 9), [3000, 8]))
      using plan = compile(device, { outputs: [dTables] })
      plan.run()
      const first = await plan.read(dTables)
      plan.run()
      expect(await plan.read(dTables), name).toEqual(first)
    }
  })

  test('points outside the cube take its surface and get no gradient', async () => {
    for (const { device, compileOnly } of await testDevices()) {
      if (compileOnly) continue
      const tables = tensor(device, randomValues(hashTableLength(GRID), 1), [hashTableLength(GRID)])
      const x = tensor(device, [-3, 0.3, 7, -1, 0.3, 1], [2, 3])
      const y = hashEncoding(x, tables, GRID)
      const [dx] = grad(y, [x], tensor(device, new Float32Array(16).fill(1), [2, 8]))
      const [values, slope] = await evaluate(device, [y, dx])
      expect([...values.subarray(0, 8)]).toEqual([...values.subarray(8)])
      expect([slope[0], slope[2]]).toEqual([0, 0])
      expect(slope[1]).not.toBe(0)
    }
  })

  test('the first vertex of a dense level is its first slot', async () => {
    const [{ device }] = await testDevices()
    const tables = tensor(
      device,
      Float32Array.from({ length: 128 }, (_, i) => i),
      [128],
    )
    const grid = { resolutions: [2], log2Entries: 7, features: 1, lo: 0, hi: 1 }
    const x = tensor(device, [0, 0, 0, 0.5, 0, 0, 0, 0.5, 0, 0, 0, 0.5, 1, 1, 1], [5, 3])
    const [y] = await evaluate(device, [hashEncoding(x, tables, grid)])
    expect([...y]).toEqual([0, 1, 3, 9, 26])
  })

  test('a gradient that is not finite is not hidden', async () => {
    for (const { device, compileOnly } of await testDevices())
      for (const odd of [Number.NaN, Number.POSITIVE_INFINITY]) {
        if (compileOnly) continue
        const tables = tensor(device, new Float32Array(hashTableLength(GRID)), [hashTableLength(GRID)])
        const seed = tensor(device, new Float32Array(8).fill(odd), [1, 8])
        const [dTables] = grad(hashEncoding(tensor(device, [0.1, 0.2, 0.3], [1, 3]), tables, GRID), [tables], seed)
        const [values] = await evaluate(device, [dTables])
        expect(values.some(v => (Number.isNaN(odd) ? Number.isNaN(v) : !Number.isFinite(v)))).toBe(true)
      }
  })

  test('sizes that do not fit are named', async () => {
    const [{ device }] = await testDevices()
    const x = tensor(device, new Float32Array(6), [2, 3])
    expect(() => hashEncoding(x, tensor(device, new Float32Array(8), [8]), GRID)).toThrow('tables [8], but 4 levels x 2^7 x 2 need 1024 numbers')
    expect(() => hashEncoding(x, x, { ...GRID, lo: 2 })).toThrow('the cube from 2 to 1 is empty')
    expect(() => hashEncoding(tensor(device, new Float32Array(4), [2, 2]), x, GRID)).toThrow('points are [2, 2]')
  })
})
