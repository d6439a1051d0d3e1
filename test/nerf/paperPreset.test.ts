/** The preset `paper`, shrunk: two levels of samples, frequency bands, scene units. Its networks and losses are checked against train_step.safetensors. */
import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { PRESETS } from '../../src/nerf/presets.ts'
import { lastLevel, renderRays } from '../../src/nerf/rayLevels.ts'
import { createRenderer, type RenderedImage, render } from '../../src/nerf/render.ts'
import type { SceneConfig } from '../../src/nerf/sceneConfig.ts'
import { loadScene, saveScene } from '../../src/nerf/sceneFile.ts'
import { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { train } from '../../src/nerf/train.ts'
import { trainingSchedules } from '../../src/nerf/trainingSchedules.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { shrunk, smallCapture, smallScene } from './smallScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 2 }))
afterAll(() => device[Symbol.dispose]())

async function trained(scene: SceneManipulator, until: number): Promise<number[]> {
  const losses: number[] = []
  for await (const { loss } of train(scene, smallCapture(), { until, reportEvery: 1 })) losses.push(loss)
  return losses
}

test('at full size: 1.3 million numbers, codes in [0, 0.05), no density grid', async () => {
  const scene = new SceneManipulator(device, smallCapture(), { preset: 'paper' })
  const sizes = scene.parameters.names.filter(name => name !== 'codes').map(name => scene.parameters.get(name).length)
  expect(sizes.reduce((a, b) => a + b)).toBe(91_654 + 26_756 + 2 * 591_876 + 24)
  expect(scene.grid).toBeUndefined()
  const code = await scene.readCode(2)
  expect(Math.min(...code)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...code)).toBeLessThan(0.05)
  expect(Math.max(...code)).toBeGreaterThan(0.01)
  expect(() => scene.densityGrid(8)).toThrow('scene disc: preset paper has no density grid')
  scene.parameters.release()
})

test('windows and rates are those of the original, in steps', () => {
  const { warp, ambient, rate, jitter } = trainingSchedules(PRESETS.paper)
  expect([0, 25_000, 50_000, 400_000].map(warp)).toEqual([0, 2, 4, 4])
  expect([0, 1000, 6000, 11_000].map(ambient)).toEqual([0, 0, 0.5, 1])
  expect([rate(0), rate(499_999)]).toEqual([1, 0.01])
  expect(jitter(499_999)).toBe(1)
})

describe('training', () => {
  test('lowers the loss', async () => {
    const config = (base: SceneConfig): SceneConfig => ({ ...shrunk(base), training: { ...shrunk(base).training, steps: 80 } })
    const losses = await trained(smallScene(device, { preset: 'paper', config }), 80)
    const mean = (part: readonly number[]): number => part.reduce((a, b) => a + b) / part.length
    expect(mean(losses.slice(-10))).toBeLessThan(0.8 * mean(losses.slice(0, 10)))
  })

  test('goes on from a file as if never interrupted', async () => {
    const straight = smallScene(device, { preset: 'paper', seed: 2 })
    const losses = await trained(straight, 4)
    const first = smallScene(device, { preset: 'paper', seed: 2 })
    const before = await trained(first, 2)
    const resumed = await loadScene(device, await saveScene(first, { training: true }), 'half.scene')
    expect([...before, ...(await trained(resumed, 4))]).toEqual(losses)
    expect(await resumed.parameters.flat.read()).toEqual(await straight.parameters.flat.read())
  })
})

describe('a trained scene', async () => {
  const scene = smallScene(device, { preset: 'paper' })
  await trained(scene, 6)
  const { camera } = scene.description.frames[5]

  test('renders the same bits after saving and loading', async () => {
    const picture = async (of: SceneManipulator): Promise<RenderedImage> => {
      using renderer = createRenderer(of, constantCode(tensor(device, await of.readCode(1), [8])))
      return await renderer.render(camera)
    }
    const loaded = await loadScene(device, await saveScene(scene), 'paper.scene')
    expect(await picture(loaded)).toEqual(await picture(scene))
    expect(JSON.stringify(loaded.description)).toBe(JSON.stringify(scene.description))
  })

  test('renders with fewer samples: those of the fine network alone, in ascending order', async () => {
    const rays = { origins: tensor(device, [0, 0, -2, 0.1, 0, -2], [2, 3]), directions: tensor(device, [0, 0, 1, 0, 0, 1], [2, 3]) }
    const u = tensor(device, [0.9, 0.1, 0.5, 0.3, 0.2, 0.8, 0.6, 0.4, 0.7, 0.2], [2, 5])
    const { referenceField: field } = scene
    const levels = renderRays(scene, { ...rays, warp: field, codes: field, samples: 5, draw: pass => (pass === 'last' ? u : undefined) })
    expect(levels.map(level => level.z.shape)).toEqual([
      [2, 8],
      [2, 5],
    ])
    const [z] = await evaluate(device, [lastLevel(levels).z])
    for (const row of [z.subarray(0, 5), z.subarray(5)]) expect([...row]).toEqual([...row].sort((a, b) => a - b))
    expect((await render(scene, smallCapture().frames[0].camera, undefined, { samples: 5 })).rgb.every(Number.isFinite)).toBe(true)
  })

  test('thinks in the scene units of the capture', async () => {
    const { space } = scene.description
    const points = [0.3, -0.2, 0.5, 0, 0, 0]
    const [inside] = await evaluate(device, [scene.coordinates.from(tensor(device, points, [2, 3]))])
    for (const [i, value] of inside.entries()) expect(value).toBeCloseTo(points[i] * space.radius + space.center[i % 3], 6)
    expect(scene.coordinates.unit * space.radius).toBeCloseTo(1, 12)
  })
})
