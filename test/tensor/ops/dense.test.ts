import { describe, expect, test } from 'vitest'
import { type Activation, dense } from '../../../src/tensor/ops/dense.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { checkOp, compareDevices } from '../harness.ts'
import { evaluateCase } from '../opCase.ts'

const layer = (rows: number, nIn: number, nOut: number) => [{ shape: [rows, nIn] }, { shape: [nIn, nOut] }, { shape: [nOut] }]

describe('dense', () => {
  for (const activation of ['none', 'relu', 'softplus', 'sigmoid'] satisfies Activation[]) {
    test(`odd sizes, ${activation}`, () =>
      // relu: a small step keeps the probed elements from crossing the kink
      checkOp({ name: `dense ${activation}`, inputs: layer(37, 44, 6), step: 1e-5, build: ([x, w, b]) => dense(x, w, b, activation) }))
  }

  test('without bias, one row', () => checkOp({ name: 'dense', inputs: layer(1, 3, 1).slice(0, 2), build: ([x, w]) => dense(x, w) }))

  test('gradient of the weights alone', () =>
    checkOp({ name: 'dense', inputs: layer(65, 17, 67), gradient: [1, 2], build: ([x, w, b]) => dense(x, w, b) }))

  test('gradient of the input alone', () =>
    checkOp({ name: 'dense', inputs: layer(65, 17, 67), gradient: [0], build: ([x, w, b]) => dense(x, w, b) }))

  // Central differences would take minutes at this size; the small cases above have them.
  test('a transformer layer: few rows, a product cut into slices along its length', () => {
    const op = { name: 'dense 50 x 1600 x 70', inputs: layer(50, 1600, 70), build: ([x, w, b]: Parameters<typeof dense>[0][]) => dense(x, w, b) }
    return compareDevices({ name: op.name, run: device => evaluateCase(device, op) })
  })

  test('many rows: the large tile', () => {
    const op = {
      name: 'dense 8190 x 17 x 6',
      inputs: layer(8190, 17, 6),
      build: ([x, w, b]: Parameters<typeof dense>[0][]) => dense(x, w, b, 'relu'),
    }
    return compareDevices({ name: op.name, run: device => evaluateCase(device, op), tolerance: 1e-4 })
  })

  // The one-pass gradients: odd and even sizes, one and several teams, more tiles than workgroups, rows that fill no tile, with and without dx.
  const narrow = [
    { nIn: 64, nOut: 64, activation: 'relu' },
    { rows: 16411, nIn: 44, nOut: 32, activation: 'relu' },
    { nIn: 17, nOut: 6, activation: 'softplus' },
    { nIn: 33, nOut: 1, activation: 'none' },
    { nIn: 32, nOut: 3, activation: 'sigmoid', gradient: [1, 2] },
    { nIn: 24, nOut: 5, activation: 'relu', gradient: [0] },
    // Few outputs of wide inputs: rows that share out evenly or not, several teams or one, more tiles than workgroups.
    { rows: 17003, nIn: 128, nOut: 3, activation: 'sigmoid' },
    { nIn: 256, nOut: 1, activation: 'softplus' },
    { nIn: 148, nOut: 4, activation: 'none', gradient: [1, 2] },
    { nIn: 68, nOut: 2, activation: 'relu', gradient: [0] },
  ] satisfies { rows?: number; nIn: number; nOut: number; activation: Activation; gradient?: number[] }[]
  for (const { rows = 4111, nIn, nOut, activation, gradient } of narrow) {
    test(`narrow and long: ${rows} x ${nIn} x ${nOut}, ${activation}${gradient ? `, gradient of ${gradient}` : ''}`, () => {
      const op = {
        name: `dense ${rows} x ${nIn} x ${nOut}`,
        inputs: layer(rows, nIn, nOut),
        gradient,
        build: ([x, w, b]: Parameters<typeof dense>[0][]) => dense(x, w, b, activation),
      }
      return compareDevices({ name: op.name, run: device => evaluateCase(device, op), tolerance: 1e-4 })
    })
  }

  test('several slices of rows, leading axes folded', () =>
    checkOp({ name: 'dense', inputs: [{ shape: [3, 1400, 5] }, { shape: [5, 7] }, { shape: [7] }], build: ([x, w, b]) => dense(x, w, b, 'sigmoid') }))

  test('names sizes that do not fit', () => {
    expect(() => dense(fill([128, 63], 0), fill([64, 64], 0))).toThrow('dense: inner sizes differ, [128, 63] x [64, 64]')
    expect(() => dense(fill([2, 3], 0), fill([3, 4], 0), fill([5], 0))).toThrow('dense: bias [5] for 4 outputs')
  })
})
