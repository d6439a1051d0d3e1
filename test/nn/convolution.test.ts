import { describe, expect, test } from 'vitest'
import { convolution, kernelRows } from '../../src/nn/convolution.ts'
import { tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { checkOp, randomValues, testDevices } from '../tensor/harness.ts'

const inputs = [{ shape: [2, 6, 7, 3] }, { shape: [27, 5] }, { shape: [5] }]

describe('convolution', () => {
  test('on every device, whole and in bands of three lines', async () => {
    for (const bandBytes of [2 ** 20, 3 * 4 * 27 * 4])
      await checkOp({
        name: `bands of ${bandBytes} bytes`,
        inputs,
        build: ([image, kernel, bias]) => convolution(image, kernel, bias, { size: 3, stride: 2, padding: 1, activation: 'relu', bandBytes }),
        gradient: false,
      })
  })

  test('is what torch stores and means: out[o, y, x] = b[o] + sum over c, i, j of w[o, c, i, j] image[c, y + i - 1, x + j - 1]', async () => {
    const [{ device }] = await testDevices()
    const shape = [2, 3, 3, 3]
    const w = randomValues(54, 1)
    const image = randomValues(4 * 5 * 3, 2)
    const leaf = (values: Float32Array, size: number[]) => tensor(device, values, size)
    const kernel = leaf(kernelRows(w, shape), [27, 2])
    const y = convolution(leaf(image, [1, 4, 5, 3]), kernel, leaf(Float32Array.of(0.5, -1), [2]), { size: 3, stride: 1, padding: 1 })
    const [out] = await evaluate(device, [y])
    const at = (c: number, row: number, column: number): number =>
      row < 0 || row > 3 || column < 0 || column > 4 ? 0 : image[(row * 5 + column) * 3 + c]
    for (const [o, row, column] of [
      [0, 0, 0],
      [1, 2, 4],
      [0, 3, 2],
    ]) {
      let expected = [0.5, -1][o]
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) expected += w[((o * 3 + c) * 3 + i) * 3 + j] * at(c, row + i - 1, column + j - 1)
      expect(out[(row * 5 + column) * 2 + o]).toBeCloseTo(expected, 5)
    }
  })

  test('names a kernel of other channels', async () => {
    const [{ device }] = await testDevices()
    const zeros = (...shape: number[]) => tensor(device, new Float32Array(shape.reduce((a, b) => a * b)), shape)
    expect(() => convolution(zeros(1, 8, 8, 4), zeros(27, 2), zeros(2), { size: 3, stride: 1, padding: 1 })).toThrow(
      'kernel [27, 2] for 3x3 windows of 4 channels, 36 rows',
    )
  })
})
