import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { augmented } from '../../src/edit/augmentation.ts'
import type { Guidance } from '../../src/edit/guidance.ts'
import { weightedSentences, weightedSum } from '../../src/edit/guidanceSum.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { square, sub } from '../../src/tensor/ops/elementwise.ts'
import { mean } from '../../src/tensor/ops/reduce.ts'
import { compile, evaluate } from '../../src/tensor/plan.ts'
import { reshape, type Tensor } from '../../src/tensor/tensor.ts'
import { randomValues, testDevices } from '../tensor/harness.ts'
import { checkPictureGradient, SIDE } from './guidanceGradient.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())
const FIRST = tensor(device, Uint32Array.of(0), [1])
const grey = (value: number, side = 4): Tensor => tensor(device, new Float32Array(side * side * 3).fill(value), [1, side, side, 3])

/** Squared distance of the mean colour from `level`, beside that of the unedited picture. */
const towards = (level: number, name: string): Guidance => ({
  name,
  featureSize: 1,
  describe: pictures => reshape(mean(pictures), [1, 1]),
  loss: (pictures, reference) => square(sub(sub(mean(pictures), reshape(reference, [])), tensor(device, [level], []))),
})

describe('a weighted sum', () => {
  test('is the mean of its losses by weight, each beside its own features', async () => {
    const sum = weightedSum([towards(0.5, 'a'), towards(0.1, 'b')], [3, 1])
    expect([sum.name, sum.featureSize]).toEqual(['a x 3 + b x 1', 2])
    const [[loss]] = await evaluate(device, [sum.loss(grey(0.8), sum.describe(grey(0.4), FIRST))])
    expect(loss).toBeCloseTo((3 * 0.01 + 0.09) / 4, 6)
  })

  test('of one is itself; none, other numbers of weights and weights that are not positive are refused', () => {
    const one = towards(0.5, 'a')
    expect(weightedSum([one], [7])).toBe(one)
    expect(() => weightedSum([])).toThrow('weightedSum: no guidance')
    expect(() => weightedSum([one], [1, 2])).toThrow('1 guidances, 2 weights')
    expect(() => weightedSum([one, one], [1, 0])).toThrow('weightedSum: weight 0 of a; give a positive number')
  })
})

describe('sentences with weights', () => {
  test('divide at plus signs, weigh by a number after a colon', () => {
    expect(weightedSentences('a surprised face:1 + closed eyes: 0.5')).toEqual([
      { text: 'a surprised face', weight: 1 },
      { text: 'closed eyes', weight: 0.5 },
    ])
    expect(weightedSentences('a face: happy, C++ style')).toEqual([{ text: 'a face: happy, C++ style', weight: 1 }])
    expect(weightedSentences(' a + b ').map(s => s.text)).toEqual(['a', 'b'])
  })

  test('are refused when empty or without a positive weight', () => {
    for (const text of ['', 'a + ', ':2']) expect(() => weightedSentences(text)).toThrow('prompt: the text is empty')
    expect(() => weightedSentences('smile:-1')).toThrow('prompt: weight -1 of "smile"; give a positive number')
    expect(() => weightedSentences('smile:0')).toThrow('prompt: weight 0 of "smile"')
  })
})

describe('augmentation', () => {
  const plain: Guidance = {
    name: 'difference',
    featureSize: 48,
    describe: pictures => reshape(pictures, [1, 48]),
    loss: (pictures, reference) => mean(square(sub(reshape(pictures, [1, 48]), reference))),
  }
  const picture = (seed: number): Tensor => tensor(device, randomValues(48, seed, [0, 1]), [1, 4, 4, 3])
  const surface = tensor(
    device,
    Float32Array.from({ length: 48 }, (_, i) => (i < 24 ? 0 : 5)),
    [16, 3],
  )

  test('changes nothing before a step is drawn, and gives both pictures the same afterwards', async () => {
    const guidance = augmented(device, plain, [4, 4])
    const reference = guidance.describe(picture(1), FIRST, surface)
    const [other, same] = [guidance.loss(picture(2), reference), guidance.loss(picture(1), reference)]
    using plan = compile(device, { outputs: [other, same, plain.loss(picture(2), plain.describe(picture(1), FIRST))] })
    const run = async (): Promise<number[]> => {
      plan.run()
      return (await Promise.all([other, same].map(x => plan.read(x)))).map(([v]) => v)
    }
    const [whole] = await evaluate(device, [plain.loss(picture(2), plain.describe(picture(1), FIRST))])
    expect((await run())[0]).toBeCloseTo(whole[0], 6)
    guidance.prepare?.(0, 1)
    const drawn = await run()
    expect(Math.abs(drawn[0] - whole[0])).toBeGreaterThan(1e-3)
    expect(drawn[1]).toBe(0)
    guidance.prepare?.(1, 1)
    expect((await run())[0]).not.toBe(drawn[0])
    guidance.prepare?.(0, 1)
    expect(await run()).toEqual(drawn)
  })

  test('tints what lies behind the head alone', async () => {
    const level: Guidance = { ...towards(0, 'level'), describe: pictures => reshape(mean(square(pictures)), [1, 1]) }
    const seen = async (at: number): Promise<number> => {
      const guidance = augmented(device, level, [4, 4], { crop: 1, tint: 0.4 })
      const all = tensor(device, new Float32Array(48).fill(at), [16, 3])
      guidance.prepare?.(3, 0)
      return (await evaluate(device, [guidance.loss(grey(0.3), guidance.describe(grey(0.3), FIRST, all))]))[0][0]
    }
    const head = await seen(0)
    expect(head).toBeCloseTo((0.3 - 0.09) ** 2, 4)
    expect(Math.abs((await seen(5)) - head)).toBeGreaterThan(1e-3)
  })

  test('has the gradient that central differences have', async () => {
    for (const tested of await testDevices()) {
      const { device: on } = tested
      const P = SIDE * SIDE
      const target = tensor(on, randomValues(3 * P, 9, [0, 1]), [1, 3 * P])
      const inner: Guidance = {
        name: 'target',
        featureSize: 3 * P,
        describe: pictures => reshape(pictures, [1, 3 * P]),
        loss: (pictures, reference) => mean(square(sub(sub(reshape(pictures, [1, 3 * P]), reference), target))),
      }
      const guidance = augmented(on, inner, [SIDE, SIDE])
      guidance.prepare?.(2, 5)
      await checkPictureGradient(tested, guidance)
    }
  })

  test('is refused for guidance by pictures and for crops that leave too little', () => {
    expect(() => augmented(device, { ...plain, cameras: [] } as Guidance, [4, 4])).toThrow('augmented: difference compares pixel by pixel')
    expect(() => augmented(device, plain, [4, 4], { crop: 0 })).toThrow('augmented: crop 0; give a share')
    expect(() => augmented(device, plain, [4, 4]).describe(picture(1), FIRST)).toThrow('augmented: the edit gave no surface')
  })
})
