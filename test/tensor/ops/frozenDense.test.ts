import { expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { frozenDense } from '../../../src/tensor/ops/frozenDense.ts'
import { halfWords } from '../../../src/tensor/ops/halfDense.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { checkOp, testDevices } from '../harness.ts'

const layer = (rows: number, nIn: number, nOut: number) => [
  { shape: [rows, nOut] },
  { shape: [rows, nIn] },
  { shape: [nIn, nOut] },
  { shape: [nOut] },
]

for (const before of ['none', 'gelu', 'geluTanh', 'quickGelu'] as const) {
  test(`f32 weights, ${before}`, () =>
    checkOp({ name: 'frozenDense', inputs: layer(5, 12, 8), gradient: [0, 1], build: ([y, x, w, b]) => frozenDense(y, x, { w, b }, before) }))
}

test('odd widths, without bias', () =>
  checkOp({ name: 'frozenDense', inputs: layer(5, 7, 9).slice(0, 3), gradient: [0, 1], build: ([y, x, w]) => frozenDense(y, x, { w }, 'gelu') }))

test('a product cut into slices', () =>
  checkOp({ name: 'frozenDense', inputs: layer(2, 1600, 8), gradient: [0], build: ([y, x, w, b]) => frozenDense(y, x, { w, b }, 'quickGelu') }))

test('16-bit weights', () => {
  const [nIn, nOut] = [12, 8]
  const bits = Uint16Array.from({ length: nIn * nOut }, (_, i) => 0x3000 + ((i * 7919) % 0x800) + (i % 3 === 0 ? 0x8000 : 0))
  const words = { shape: [halfWords(nIn * nOut)], values: new Uint32Array(bits.buffer) }
  return checkOp({
    name: 'frozenDense f16',
    inputs: [{ shape: [5, nOut] }, { shape: [5, nIn] }, words, { shape: [nOut] }],
    gradient: [0, 1],
    build: ([y, x, w, b]) => frozenDense(y, x, { w, b, half: { format: 'f16', nOut } }, 'quickGelu'),
  })
})

test('errors name the sizes', async () => {
  const [{ device }] = await testDevices()
  const [y, x, w, z] = [
    [2, 3],
    [2, 4],
    [4, 3],
    [2, 5],
  ].map(([r, c]) => tensor(device, new Float32Array(r * c), [r, c]))
  expect(() => frozenDense(z, x, { w })).toThrow('frozenDense: residual [2, 5] for an output [2, 3]')
  expect(() => frozenDense(y, z, { w })).toThrow('frozenDense: inner sizes differ, [2, 5] x weights [4, 3]')
  expect(() => grad(sum(frozenDense(y, x, { w })), [w])).toThrow('frozen weights have no gradient')
})
