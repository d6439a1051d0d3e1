import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import type { SceneConfig } from '../../src/nerf/sceneConfig.ts'
import { loadScene, saveScene } from '../../src/nerf/sceneFile.ts'
import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { type TrainOptions, type TrainStep, train } from '../../src/nerf/train.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { type Device, tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { shrunk, smallCapture, smallScene } from './smallScene.ts'

const STEPS = 6
const opened: Device[] = []
afterAll(() => {
  for (const device of opened) device[Symbol.dispose]()
})

async function openCpu(threads: number, simd = true): Promise<Device> {
  const device = cpuBackend(await openCpuDevice({ threads }), simd)
  opened.push(device)
  return device
}

async function trainTo(scene: SceneManipulator, until: number): Promise<number[]> {
  const losses: number[] = []
  for await (const { loss } of train(scene, smallCapture(), { until, reportEvery: 1 })) losses.push(loss)
  return losses
}

/** All that training changes. */
async function stateOf(scene: SceneManipulator): Promise<Record<string, Float32Array>> {
  const { m, v } = scene.adam()
  return {
    parameters: await scene.parameters.flat.read(),
    grid: (await scene.grid?.read()) ?? new Float32Array(),
    m: await m.read(),
    v: await v.read(),
  }
}

const first = await openCpu(1)
const straight = smallScene(first, { seed: 5 })
const losses = await trainTo(straight, STEPS)
const state = await stateOf(straight)

describe('the same bits', () => {
  for (const threads of [2, 4]) {
    test(`with ${threads} threads as with one`, async () => {
      const scene = smallScene(await openCpu(threads), { seed: 5 })
      expect(await trainTo(scene, STEPS)).toEqual(losses)
      expect(await stateOf(scene)).toEqual(state)
    })
  }

  test('interrupted, saved and loaded as in one go', async () => {
    const scene = smallScene(first, { seed: 5 })
    const before = await trainTo(scene, 3)
    const resumed = await loadScene(await openCpu(2), await saveScene(scene, { training: true }), 'half.scene')
    expect(resumed.step).toBe(3)
    expect([...before, ...(await trainTo(resumed, STEPS))]).toEqual(losses)
    expect(await stateOf(resumed)).toEqual(state)
  })

  test('whatever the reports and pauses', async () => {
    const scene = smallScene(first, { seed: 5 })
    const steps: TrainStep[] = []
    for await (const step of train(scene, smallCapture(), { until: 4, reportEvery: 3 })) steps.push(step)
    for await (const step of train(scene, smallCapture(), { until: STEPS, reportEvery: 5 })) steps.push(step)
    expect(steps.map(s => s.step)).toEqual([3, 4, 5, 6])
    expect(steps.map(s => s.loss)).toEqual([2, 3, 4, 5].map(i => losses[i]))
    expect(await stateOf(scene)).toEqual(state)
  })

  test('with noise on the codes, which moves the losses the more the larger it is', async () => {
    const moved = async (codeNoise: number): Promise<number> => {
      const config = (c: SceneConfig): SceneConfig => ({ ...shrunk(c), training: { ...shrunk(c).training, codeNoise } })
      const noisy = await trainTo(smallScene(first, { seed: 5, config }), STEPS)
      return Math.hypot(...noisy.map((loss, i) => loss - losses[i]))
    }
    const large = await moved(3)
    expect(await moved(3)).toBe(large)
    expect(await moved(0.3)).toBeGreaterThan(0)
    expect(large).toBeGreaterThan(2 * (await moved(0.3)))
  })

  test('another seed gives others', async () => {
    expect(await trainTo(smallScene(first, { seed: 6 }), 1)).not.toEqual(losses.slice(0, 1))
  })
})

test('references without SIMD agree with the kernels', async () => {
  const others = await trainTo(smallScene(await openCpu(1, false), { seed: 5 }), STEPS)
  for (const [i, loss] of losses.entries()) expect(others[i] / loss).toBeCloseTo(1, 3)
})

test('learns the picture and says how far it is', async () => {
  const steps = 150
  const config = (base: SceneConfig): SceneConfig => ({ ...shrunk(base), training: { ...shrunk(base).training, steps } })
  const reports: TrainStep[] = []
  for await (const report of train(smallScene(first, { config }), smallCapture(), { reportEvery: 10 })) reports.push(report)
  expect(reports.map(r => r.step)).toEqual(Array.from({ length: 15 }, (_, i) => 10 * (i + 1)))
  const mean = (of: readonly TrainStep[]): number => of.reduce((sum, r) => sum + r.psnr, 0) / of.length
  expect(mean(reports.slice(-5))).toBeGreaterThan(mean(reports.slice(0, 2)) + 1)
  expect(reports[0].raysPerSecond).toBeGreaterThan(0)
  expect(reports.at(-1)).toMatchObject({ steps, eta: 0 })
})

test('w_R follows its trained code, at every report', async () => {
  const scene = smallScene(first)
  await scene.setReference(2)
  for await (const _ of train(scene, smallCapture(), { until: 4, reportEvery: 2 })) {
    const [field] = await evaluate(first, [scene.referenceField(tensor(first, [0, 0, 0], [1, 3]))])
    expect(field).toEqual(await scene.readCode(2))
  }
  expect(scene.referenceCode).toBe(2)
})

test('an aborted run ends after its step and can go on', async () => {
  const scene = smallScene(first, { seed: 5 })
  const controller = new AbortController()
  for await (const { step } of train(scene, smallCapture(), { until: STEPS, reportEvery: 1, signal: controller.signal }))
    if (step === 2) controller.abort()
  expect(scene.step).toBe(2)
  expect(await trainTo(scene, STEPS)).toEqual(losses.slice(2))
})

test('a loss that is no number ends the run with the step and the remedy', async () => {
  const capture = smallCapture()
  capture.frames[0].image.fill(Number.NaN)
  const run = train(smallScene(first), capture, { until: 1 })
  await expect(run.next()).rejects.toThrow('train: the loss is NaN at step 1; lower the learning rates')
})

test('counts that are none, and a capture of another scene, are refused', async () => {
  const begin = async (options: TrainOptions, capture = smallCapture()) => await train(smallScene(first), capture, options).next()
  await expect(begin({ until: Number.NaN })).rejects.toThrow('train: until step NaN; give a whole number from 0')
  await expect(begin({ reportEvery: 0 })).rejects.toThrow('train: a report every 0 steps; give a whole number from 1')
  await expect(begin({}, { ...smallCapture(), codeCount: 99 })).rejects.toThrow(/99 codes, scene .*; train on the capture it was made from/)
})

test('a capture without background points trains without that term', async () => {
  const scene = smallScene(first)
  const capture = { ...smallCapture(), backgroundPoints: new Float32Array(0) }
  for await (const { loss } of train(scene, capture, { until: 1 })) expect(loss).toBeGreaterThan(0)
})

test('gives its memory back', async () => {
  const scene = smallScene(first)
  await trainTo(scene, 1)
  const { used } = first.memory
  await trainTo(scene, 2)
  for await (const _ of train(scene, smallCapture(), { until: 9, reportEvery: 1 })) break
  expect(first.memory.used).toBe(used)
})
