import { afterAll, describe, expect, test } from 'vitest'
import type { TextImageEncoder } from '../../src/clip/textImageEncoder.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { type TextGuidanceOptions, textGuidance } from '../../src/edit/guidance.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { l2Normalize } from '../../src/tensor/ops/l2Normalize.ts'
import { sumRowGroups } from '../../src/tensor/ops/rows.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { reshape, type Tensor } from '../../src/tensor/tensor.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

/** Sees the mean colour of a picture, and reads the names of the three colours; any other word is the middle of them. */
const WORDS: readonly (readonly [RegExp, readonly number[]])[] = [
  [/red/, [1, 0, 0]],
  [/green/, [0, 1, 0]],
  [/blue/, [0, 0, 1]],
]
const features = (images: Tensor): Tensor => sumRowGroups(reshape(images, [images.length / 3, 3]), images.length / 3 / images.shape[0])
const textFeatures = async (texts: readonly string[]): Promise<Tensor> =>
  tensor(
    device,
    texts.flatMap(text => WORDS.find(([word]) => word.test(text))?.[1] ?? [1, 1, 1].map(v => v / Math.sqrt(3))),
    [texts.length, 3],
  )
const COLOURS: TextImageEncoder = {
  name: 'colours',
  device,
  embeddingSize: 3,
  imageSize: 2,
  encodeText: textFeatures,
  textFeatures,
  encodeImage: images => l2Normalize(features(images)),
  imageFeatures: features,
}

const picture = (...colour: number[]): Tensor =>
  tensor(
    device,
    Float32Array.from({ length: 12 }, (_, i) => colour[i % 3]),
    [1, 2, 2, 3],
  )
const GREY = picture(0.5, 0.5, 0.5)
const FIRST = tensor(device, Uint32Array.of(0), [1])

/** Loss of an edited picture beside the grey one. */
async function lossOf(edited: Tensor, options: TextGuidanceOptions): Promise<number> {
  const guidance = await textGuidance(COLOURS, 'a red face', options)
  const [[loss]] = await evaluate(device, [guidance.loss(edited, guidance.describe(GREY, FIRST))])
  return loss
}

describe('textGuidance', () => {
  test('directional: near 0 for the change that the words are, near 2 for its opposite, 1 for none; how far it goes is all one once it shows', async () => {
    const options = { kind: 'directional' } as const
    expect(await lossOf(GREY, options)).toBeCloseTo(1, 5)
    const [near, far] = [await lossOf(picture(0.7, 0.5, 0.5), options), await lossOf(picture(0.9, 0.2, 0.2), options)]
    expect(near).toBeLessThan(0.15)
    expect(far).toBeLessThan(0.15)
    expect(await lossOf(picture(0.3, 0.5, 0.5), options)).toBeGreaterThan(1.8)
  })

  test('absolute: the nearer to the words the lower', async () => {
    const losses: number[] = []
    for (const red of [0.5, 0.7, 1]) losses.push(await lossOf(picture(red, 1 - red, 1 - red), { kind: 'absolute' }))
    expect(losses[0]).toBeCloseTo(1 - 1 / Math.sqrt(3), 5)
    expect(losses[1]).toBeLessThan(losses[0])
    expect(losses[2]).toBeCloseTo(0, 5)
  })

  test('both: the sum of the two', async () => {
    const edited = picture(0.8, 0.4, 0.3)
    const [both, directional, absolute] = [
      await lossOf(edited, {}),
      await lossOf(edited, { kind: 'directional' }),
      await lossOf(edited, { kind: 'absolute' }),
    ]
    expect(both).toBeCloseTo(directional + absolute, 5)
  })

  test("coded: the tower's features as they are, and the words' difference at the length it has", async () => {
    const edited = picture(0.9, 0.5, 0.5)
    const red = [1, 0, 0].map(v => v - 1 / Math.sqrt(3))
    // the change (0.4, 0, 0) at unit norm against the words' difference as it is
    expect(await lossOf(edited, { kind: 'directional', coded: true, templates: ['{}'] })).toBeCloseTo(1 - red[0], 5)
    expect(await lossOf(edited, { kind: 'absolute', coded: true, templates: ['{}'] })).toBeCloseTo(1 - 0.9 / Math.hypot(0.9, 0.5, 0.5), 5)
    expect((await textGuidance(COLOURS, 'a red face', { coded: true })).name).toBe('both (as coded) "a red face"')
  })

  test('keeps one embedding of every unedited picture', async () => {
    const guidance = await textGuidance(COLOURS, 'a red face')
    expect([guidance.name, guidance.featureSize]).toEqual(['both "a red face"', 3])
    const [kept] = await evaluate(device, [guidance.describe(GREY, FIRST)])
    for (const value of kept) expect(value).toBeCloseTo(1 / Math.sqrt(3), 5)
  })

  test('refuses an empty prompt', async () => {
    for (const kind of ['directional', 'absolute', 'both'] as const)
      await expect(textGuidance(COLOURS, ' ', { kind })).rejects.toThrow('prompt: the text is empty')
  })
})
