import { afterAll, describe, expect, test } from 'vitest'
import type { TextImageEncoder } from '../../src/clip/textImageEncoder.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { type EditOptions, type EditStep, edit } from '../../src/edit/edit.ts'
import type { Guidance } from '../../src/edit/guidance.ts'
import { nearestPrompt } from '../../src/edit/warmStart.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { affine, square, sub } from '../../src/tensor/ops/elementwise.ts'
import { mean } from '../../src/tensor/ops/reduce.ts'
import { reshape, type Tensor } from '../../src/tensor/tensor.ts'
import { SIZE } from '../nerf/smallScene.ts'
import { expressiveScene } from './expressiveScene.ts'
import { anchorsOf } from './smallAnchors.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())
const scene = await expressiveScene(device)
const anchors = await anchorsOf(scene, [0, 3])
const PIXELS = SIZE * SIZE * 3
const flat = (pictures: Tensor): Tensor => reshape(pictures, [1, PIXELS])

using renderer = createRenderer(scene, constantCode(tensor(device, await scene.readCode(3), [8])), { samples: 32 })
const target = tensor(device, (await renderer.render(scene.trainingCameras[0])).rgb, [1, PIXELS])
/** Towards the first view of code 3, with the loss scaled. */
const towards = (scale = 1): Guidance => ({
  name: 'target',
  featureSize: PIXELS,
  describe: flat,
  loss: picture => affine(mean(square(sub(flat(picture), target))), scale),
})

async function run(guidance: Guidance, options: EditOptions, views = 1, compositor = new AnchorCompositor(scene, anchors)): Promise<EditStep[]> {
  const steps: EditStep[] = []
  const cameras = scene.trainingCameras.slice(0, views)
  const fixed = { search: false, samples: 8, reportEvery: 1 }
  for await (const step of edit(scene, compositor, guidance, cameras, { ...fixed, ...options })) steps.push(step)
  return steps
}

/** The number of the view, whatever the picture shows. */
const NUMBER: Guidance = {
  name: 'number',
  featureSize: 1,
  describe: picture => reshape(mean(picture), [1, 1]),
  loss: (_, reference) => reshape(reference, []),
}

describe('several views a step', () => {
  test('are averaged, every view once per round', async () => {
    const single = (await run(NUMBER, { steps: 4, tvWeight: 0 }, 4)).map(s => s.guidance)
    const pairs = (await run(NUMBER, { steps: 2, tvWeight: 0, viewsPerStep: 2 }, 4)).map(s => s.guidance)
    expect(pairs[0]).toBeCloseTo((single[0] + single[1]) / 2, 6)
    expect(pairs[1]).toBeCloseTo((single[2] + single[3]) / 2, 6)
    const all = await run(NUMBER, { steps: 2, tvWeight: 0, viewsPerStep: 9 }, 4)
    for (const { guidance } of all) expect(guidance).toBeCloseTo(single.reduce((a, b) => a + b) / 4, 6)
  })

  test('lower the guidance, and are refused unless a whole number from 1', async () => {
    const steps = await run(towards(), { steps: 15, viewsPerStep: 2, rates: [2e-2, 1e-2] }, 2)
    expect(steps[14].guidance).toBeLessThan(steps[0].guidance)
    await expect(run(towards(), { viewsPerStep: 0 })).rejects.toThrow('edit: 0 views per step; give a whole number from 1')
    await expect(run(towards(), { steps: Number.NaN })).rejects.toThrow('edit: NaN steps; give a whole number from 0')
  })
})

describe('a balanced total variation', () => {
  test('pulls the same whatever the scale of the guidance', async () => {
    const weights: number[] = []
    for (const scale of [1, 5]) {
      const [{ loss, guidance, tv }] = await run(towards(scale), { steps: 1, tvWeight: 'balanced' })
      weights.push((loss - guidance) / tv)
    }
    expect(weights[0]).toBeGreaterThan(0)
    expect(weights[1] / weights[0]).toBeCloseTo(5, 0)
  })
})

describe('patience', () => {
  test('ends a descent that has stopped falling, with a last report', async () => {
    const still = await run({ ...towards(), loss: () => affine(mean(target), 1) }, { steps: 50, patience: 2, reportEvery: 10, tvWeight: 0 }, 2)
    expect(still.map(s => s.step)).toEqual([6])
    expect(still[0].eta).toBe(0)
    expect(await run(towards(), { steps: 12, patience: 3, rates: [2e-2, 1e-2] })).toHaveLength(12)
  })
})

describe('after a search', () => {
  test('the descent begins gently, unless told otherwise: its first step does not undo what was found', async () => {
    // Adam moves a weight by about its rate in a step.
    const gentle = (await searchedStep(undefined)).moved
    const told = (await searchedStep([1e-2, 1e-2])).moved
    expect(gentle).toBeLessThan(0.6 * told)
  })

  /** How far the second step after a search moves the weights at most. */
  async function searchedStep(rates: EditOptions['rates']): Promise<{ moved: number }> {
    const compositor = new AnchorCompositor(scene, anchors)
    let before: Float32Array | undefined
    const cameras = scene.trainingCameras.slice(0, 1)
    const { flat: weights } = compositor.parameters
    for await (const { stage } of edit(scene, compositor, towards(), cameras, { steps: 2, samples: 8, reportEvery: 1, tvWeight: 0, rates })) {
      if (stage === 'search') continue
      const now = await weights.read()
      if (before) return { moved: Math.max(...now.map((v, i) => Math.abs(v - (before?.[i] ?? 0)))) }
      before = now.slice()
    }
    return { moved: Number.NaN }
  }
})

describe('a warm start', () => {
  test('goes on from another edit’s weights', async () => {
    const earlier = new AnchorCompositor(scene, anchors)
    const steps = await run(towards(), { steps: 20, rates: [2e-2, 1e-2] }, 1, earlier)
    const next = new AnchorCompositor(scene, anchors, { seed: 9 })
    next.startFrom(earlier)
    const [first] = await run(towards(), { steps: 1 }, 1, next)
    expect(first.guidance).toBeLessThan(1.1 * steps[19].guidance)
    const other = await expressiveScene(device)
    expect(() => new AnchorCompositor(other, anchors).startFrom(earlier)).toThrow('a start from an edit of another scene')
  })

  test('is nearest by what the sentences change', async () => {
    const WORDS = [/smil|happy/, /eye/, /mouth/]
    const embed = async (texts: readonly string[]): Promise<Tensor> =>
      tensor(
        device,
        texts.flatMap(text => [1, ...WORDS.map(word => (word.test(text) ? 1 : 0))]),
        [texts.length, 4],
      )
    const encoder = { device, embeddingSize: 4, encodeText: embed } as unknown as TextImageEncoder
    const prompts = ['closed eyes', 'a happy face', 'open mouth']
    expect(await nearestPrompt(encoder, 'smiling', prompts)).toEqual({ index: 1, similarity: expect.closeTo(1, 5) })
    expect((await nearestPrompt(encoder, 'an eye wide open', prompts)).index).toBe(0)
    expect(await nearestPrompt(encoder, 'face', prompts)).toEqual({ index: 0, similarity: 0 })
    await expect(nearestPrompt(encoder, 'smiling', [])).rejects.toThrow('nearestPrompt: no earlier prompts')
  })
})
