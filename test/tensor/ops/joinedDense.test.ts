import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { joinedDense } from '../../../src/tensor/ops/joinedDense.ts'
import type { Tensor } from '../../../src/tensor/tensor.ts'
import { checkOp, compareDevices, testDevices } from '../harness.ts'
import { evaluateCase } from '../opCase.ts'

const layer = (rows: number, nX: number, nZ: number, nOut: number) => [
  { shape: [rows, nX] },
  { shape: [rows, nZ] },
  { shape: [nX + nZ, nOut] },
  { shape: [nOut] },
]
const build = ([x, z, w, b]: Tensor[]) => joinedDense(x, z, w, b, 'softplus')

describe('joinedDense', () => {
  test('odd widths', () => checkOp({ name: 'joinedDense', inputs: layer(7, 49, 18, 6), build }))
  test('widths of fours', () => checkOp({ name: 'joinedDense', inputs: layer(7, 48, 20, 8), build }))
  test('without bias', () => checkOp({ name: 'joinedDense', inputs: layer(7, 48, 20, 8).slice(0, 3), build: ([x, z, w]) => joinedDense(x, z, w) }))
  for (const gradient of [[0], [1], [2, 3], [0, 2, 3], [1, 2, 3]])
    test(`gradient of ${gradient}`, () => checkOp({ name: 'joinedDense', inputs: layer(7, 48, 20, 8), gradient, build }))
  test('a narrow layer', () => checkOp({ name: 'joinedDense', inputs: layer(7, 9, 4, 5), build }))

  // Central differences would take minutes at this size.
  test('many rows: the large tile', () => {
    const op = { name: 'joinedDense 8190 x (48 + 20) x 36', inputs: layer(8190, 48, 20, 36), build }
    return compareDevices({ name: op.name, run: device => evaluateCase(device, op), tolerance: 1e-4 })
  })

  test('other leading axes are refused', async () => {
    const [{ device }] = await testDevices()
    const [x, z, w] = [
      [3, 60],
      [2, 20],
      [80, 8],
    ].map(([r, c]) => tensor(device, new Float32Array(r * c), [r, c]))
    expect(() => joinedDense(x, z, w)).toThrow('joinedDense: [3, 60] and [2, 20] differ before the last axis')
  })
})
