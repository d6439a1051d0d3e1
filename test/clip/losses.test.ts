import { expect, test } from 'vitest'
import { absoluteLoss, directionalLoss } from '../../src/clip/losses.ts'
import { tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { checkOp } from '../tensor/harness.ts'
import { plainDevice } from '../tensor/plainDevice.ts'

const device = plainDevice('single')
const value = async (...x: Parameters<typeof evaluate>[1][number][]): Promise<number> => (await evaluate(device, x))[0][0]

test('absolute loss: 1 minus the mean cosine, of known vectors', async () => {
  const images = tensor(device, [3, 0, 0, 5], [2, 2])
  const text = tensor(device, [2, 2], [1, 2])
  expect(await value(absoluteLoss(images, text))).toBeCloseTo(1 - Math.SQRT1_2, 6)
  expect(await value(absoluteLoss(images, text, { coded: true }))).toBeCloseTo(1 - 2, 6)
})

test('directional loss: 0 along the text, 2 against it, whatever the lengths', async () => {
  const zero = tensor(device, [1, 1], [1, 2])
  const along = tensor(device, [1, 8], [1, 2])
  const direction = tensor(device, [0, 0.25], [2])
  expect(await value(directionalLoss(along, zero, direction))).toBeCloseTo(0, 6)
  expect(await value(directionalLoss(zero, along, direction))).toBeCloseTo(2, 6)
  expect(await value(directionalLoss(along, zero, direction, { coded: true }))).toBeCloseTo(1 - 0.25, 6)
})

test('an edit that has not moved yet has loss 1 and a finite gradient towards the text', async () => {
  const features = tensor(device, [0.6, 0.8], [1, 2])
  const loss = directionalLoss(features, tensor(device, [0.6, 0.8], [1, 2]), tensor(device, [1, 0], [2]))
  const [l, g] = await evaluate(device, [loss, ...grad(loss, [features])])
  expect(l[0]).toBe(1)
  expect(g[0]).toBeCloseTo(-10, 4)
  expect(g[1]).toBeCloseTo(0, 6)
})

test('gradients on every device', async () => {
  const inputs = [{ shape: [3, 7] }, { shape: [3, 7] }, { shape: [1, 7] }]
  for (const isCoded of [false, true]) {
    const coded = { coded: isCoded }
    await checkOp({ name: 'directionalLoss', inputs, build: ([a, b, t]) => directionalLoss(a, b, t, coded) })
    await checkOp({ name: 'absoluteLoss', inputs: inputs.slice(0, 2), build: ([a, t]) => absoluteLoss(a, t, coded) })
  }
})

test('errors name the shapes', () => {
  const x = tensor(device, new Float32Array(6), [2, 3])
  expect(() => absoluteLoss(x, tensor(device, new Float32Array(4), [1, 4]))).toThrow('text [1, 4] for features of 3')
  expect(() => directionalLoss(x, tensor(device, new Float32Array(3), [1, 3]), x)).toThrow('features [2, 3] and reference [1, 3] differ')
  expect(() => directionalLoss(x, x, x)).toThrow('direction [2, 3] for features of 3')
})
