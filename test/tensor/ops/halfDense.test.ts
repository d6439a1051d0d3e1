import { expect, test } from 'vitest'
import { bfloat16ToFloat32, float16ToFloat32 } from '../../../src/io/halfFloat.ts'
import { type Device, tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { dense } from '../../../src/tensor/ops/dense.ts'
import { mul } from '../../../src/tensor/ops/elementwise.ts'
import { type HalfFormat, halfDense, halfWords } from '../../../src/tensor/ops/halfDense.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { transpose } from '../../../src/tensor/ops/transpose.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { compareDevices, testDevices } from '../harness.ts'

/** Bits of numbers between 2^-3 and 2^-1 in size, either sign. */
const bitsOf = (count: number, format: HalfFormat): Uint16Array =>
  Uint16Array.from(
    { length: count },
    (_, i) => (format === 'f16' ? 0x3000 : 0x3e00) + ((i * 7919) % (format === 'f16' ? 0x800 : 0x100)) + (i % 3 === 0 ? 0x8000 : 0),
  )

function layer(device: Device, format: HalfFormat, rows: number, nIn: number, nOut: number) {
  const bits = bitsOf(nIn * nOut, format)
  const words = new Uint32Array(halfWords(bits.length))
  new Uint16Array(words.buffer).set(bits)
  const values = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.3))
  const wide = format === 'f16' ? float16ToFloat32(bits) : bfloat16ToFloat32(bits)
  return {
    x: tensor(device, values(rows * nIn), [rows, nIn]),
    packed: tensor(device, words, [words.length]),
    wide: tensor(device, wide, [nOut, nIn]),
    b: tensor(device, values(nOut), [nOut]),
    weight: tensor(device, values(rows * nOut), [rows, nOut]),
  }
}

for (const format of ['f16', 'bf16'] as const) {
  test(`${format}: a dense layer with the widened weights, forward and backward, on every device`, () =>
    compareDevices({
      name: `halfDense ${format}`,
      run: async device => {
        const { x, packed, b, weight } = layer(device, format, 21, 37, 19)
        const y = halfDense(x, packed, b, { format, nOut: 19 })
        const [dx] = grad(sum(mul(y, weight)), [x])
        const [values, slope] = await evaluate(device, [y, dx])
        return [
          { name: 'y', values },
          { name: 'dx', values: slope },
        ]
      },
    }))

  test(`${format}: the reference is dense`, async () => {
    const [{ device }] = await testDevices()
    const { x, packed, wide, b, weight } = layer(device, format, 5, 7, 3)
    const half = halfDense(x, packed, b, { format, nOut: 3 })
    const full = dense(x, transpose(wide), b)
    const [y, z, dy, dz] = await evaluate(device, [half, full, ...[half, full].map(v => grad(sum(mul(v, weight)), [x])[0])])
    for (const [i, value] of z.entries()) expect(y[i]).toBeCloseTo(value, 5)
    for (const [i, value] of dz.entries()) expect(dy[i]).toBeCloseTo(value, 5)
  })
}

test('errors name the sizes', async () => {
  const [{ device }] = await testDevices()
  const { x, packed, b } = layer(device, 'f16', 2, 4, 3)
  expect(() => halfDense(x, packed, b, { format: 'f16', nOut: 5 })).toThrow('halfDense: u32 [6] are not the 10 u32 words of [5, 4] 16-bit weights')
  expect(() => halfDense(x, packed, x, { format: 'f16', nOut: 3 })).toThrow('halfDense: bias [2, 4] for 3 outputs')
  expect(() => grad(sum(halfDense(x, packed, b, { format: 'f16', nOut: 3 })), [b])).toThrow('packed weights have no gradient')
})
