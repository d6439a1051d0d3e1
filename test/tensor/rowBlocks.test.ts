import { describe, expect, test } from 'vitest'
import { tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { dense } from '../../src/tensor/ops/dense.ts'
import { square } from '../../src/tensor/ops/elementwise.ts'
import { sum } from '../../src/tensor/ops/reduce.ts'
import { sliceRows } from '../../src/tensor/ops/rows.ts'
import { compile, evaluate } from '../../src/tensor/plan.ts'
import { inRowBlocks, rowRanges } from '../../src/tensor/rowBlocks.ts'
import { testDevices } from './harness.ts'
import { randomValues } from './opCase.ts'

test('ranges cover all rows once', () => {
  expect(rowRanges(10, 1)).toEqual([[0, 10]])
  expect(rowRanges(10, 4)).toEqual([
    [0, 3],
    [3, 6],
    [6, 9],
    [9, 10],
  ])
})

describe('a layer in blocks of rows', async () => {
  const devices = await testDevices()
  const rows = 37

  test.each(devices)('has the values and the gradient of the layer in one, on $name', async ({ device, compileOnly }) => {
    const leaf = (shape: number[], seed: number) =>
      tensor(
        device,
        randomValues(
          shape.reduce((a, b) => a * b),
          seed,
          [-1, 1],
        ),
        shape,
      )
    const [x, w, b] = [leaf([rows, 5], 1), leaf([5, 6], 2), leaf([6], 3)]
    const layer = (begin: number, end: number) => dense(sliceRows(x, begin, end), w, b, 'relu')
    const [whole, parts] = [1, 4].map(blocks => {
      const y = inRowBlocks(layer, rows, blocks, [w, b])
      return [y, ...grad(sum(square(y)), [w, b])]
    })
    const [one, four] = [await evaluate(device, whole), await evaluate(device, parts)]
    if (compileOnly) return
    expect(four[0]).toEqual(one[0])
    for (const k of [1, 2]) for (const [i, value] of four[k].entries()) expect(value).toBeCloseTo(one[k][i], 4)
  })

  test('needs less memory', async () => {
    const [{ device }] = devices
    const [x, w] = [tensor(device, new Float32Array(4096 * 8), [4096, 8]), tensor(device, new Float32Array(64 * 64), [64, 64])]
    const first = tensor(device, new Float32Array(8 * 64), [8, 64])
    const zero = tensor(device, new Float32Array(64), [64])
    const deep = (begin: number, end: number) => {
      let h = dense(sliceRows(x, begin, end), first, zero, 'relu')
      for (let l = 0; l < 6; l++) h = dense(h, w, zero, 'relu')
      return sliceRows(h, 0, end - begin)
    }
    const bytes = [1, 8].map(blocks => {
      using plan = compile(device, { outputs: grad(sum(inRowBlocks(deep, 4096, blocks, [w])), [w]) })
      return plan.bytes
    })
    expect(bytes[1]).toBeLessThan(0.5 * bytes[0])
  })
})
