/** The gradient of the whole training loss, as one step of training computes it, against central differences in double precision. */
import { expect, test } from 'vitest'
import type { PresetName } from '../../src/nerf/presets.ts'
import { rayBatches } from '../../src/nerf/rayBatches.ts'
import type { SceneConfig } from '../../src/nerf/sceneConfig.ts'
import { pointsIntoSpace } from '../../src/nerf/space.ts'
import { recordStep } from '../../src/nerf/train.ts'
import { logLipschitz } from '../../src/nn/lipschitz.ts'
import { HostRandom } from '../../src/tensor/hostRandom.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { plainDevice } from '../tensor/plainDevice.ts'
import { shrunk, smallCapture, smallScene } from './smallScene.ts'

/**
 * Step of the differences and largest error beside a parameter's largest gradient. Losses are known to ~1e-16, but what reaches them through T passes
 * the hash encoding, which rounds positions to f32 so that all devices agree on the cells: there a small step would measure the rounding. A large one crosses
 * borders of cells, where the slope jumps, so the best of several counts: a wrong gradient is far from all.
 */
const accuracy = (name: string): { steps: readonly number[]; tolerance: number } =>
  /^(T\/|codes)/.test(name) ? { steps: [3e-4, 1e-4, 3e-5], tolerance: 1e-2 } : { steps: [1e-5], tolerance: 1e-4 }
/** Elements probed per parameter: those of the largest gradient. */
const PROBES = 2

/**
 * With a coarse network, samples lie where it says, and no gradient is meant to go that way; differences see it. There they measure the fine network
 * alone, whose gradient passes everything that follows it; the golden train_step has the others.
 */
const measured = (preset: PresetName, name: string): boolean => preset !== 'paper' || name.startsWith('F/fine/')

test.each(['tiny', 'paper'] as const)('every network, the codes and the hash table of preset %s', async preset => {
  const device = plainDevice('double')
  const capture = smallCapture()
  const fewer = (base: SceneConfig): SceneConfig => ({
    ...shrunk(base),
    // bounds of H with a weight of their own, which no preset has
    slicing: { ...shrunk(base).slicing, ...(preset === 'tiny' && { lipschitz: 'output', lipschitzWeight: 0.02 }) },
    training: { ...shrunk(base).training, rays: 16, backgroundPoints: 8 },
  })
  const scene = smallScene(device, { preset, seed: 3, config: fewer })
  const { parameters, config, description } = scene
  // Away from the start, where T stands still and nothing depends on its trunk.
  const random = new HostRandom(9)
  for (const name of parameters.names.filter(n => /branches|logit|grid/.test(n))) {
    const { length } = parameters.get(name)
    parameters.flat.write(
      Float32Array.from({ length }, () => 0.4 * random.next() - 0.2),
      parameters.offset(name),
    )
  }
  scene.setStep(8)

  const graph = recordStep(scene, true)
  const adam = scene.adam()
  adam.schedule(0, {}) // no rates: the parameters stay, the gradients are computed
  const count = config.training.backgroundPoints
  const points = pointsIntoSpace(capture.backgroundPoints, description.space).slice(0, 3 * count)
  const background = { points, codes: Uint32Array.from({ length: count }, (_, i) => i % description.codeCount) }
  graph.writeBatch(rayBatches(capture, description.space, { ...config.training, seed: 1 }).draw(0), 1, 0, background)
  const grid = new Float32Array(scene.grid?.length ?? 0).fill(1)
  const loss = async (): Promise<number> => {
    scene.grid?.write(grid) // a step updates it
    graph.plan.run()
    return (await graph.plan.read(graph.loss))[0]
  }
  await loss()
  const gradient = await adam.gradients.read()
  const values = await parameters.flat.read()
  const write = (at: number, value: number): void => parameters.flat.write(Float64Array.of(value) as unknown as Float32Array, at)

  const failures: string[] = []
  for (const name of parameters.names) {
    const begin = parameters.offset(name)
    const { steps, tolerance } = accuracy(name)
    const order = Array.from({ length: parameters.get(name).length }, (_, i) => begin + i).sort(
      (a, b) => Math.abs(gradient[b]) - Math.abs(gradient[a]),
    )
    if (!(Math.abs(gradient[order[0]]) > 0)) failures.push(`${name}: no gradient`)
    for (const at of measured(preset, name) ? order.slice(0, PROBES) : []) {
      const differences: number[] = []
      for (const step of steps) {
        const sides: number[] = []
        for (const sign of [1, -1]) {
          write(at, values[at] + sign * step)
          sides.push(await loss())
        }
        differences.push((sides[0] - sides[1]) / (2 * step))
      }
      write(at, values[at])
      const scale = Math.max(Math.abs(gradient[order[0]]), 1e-9)
      const error = Math.min(...differences.map(difference => Math.abs(difference - gradient[at]) / scale))
      if (!(error < tolerance))
        failures.push(
          `${name}[${at - begin}]: ${gradient[at]} by gradient, ${differences.join(', ')} by differences, relative error ${error.toExponential(1)}`,
        )
    }
  }
  expect(failures).toEqual([])
})

test('the bounds of F count by the weight of training, those of H by one of their own where it has one', async () => {
  const device = plainDevice('double')
  const capture = smallCapture()
  const lossOf = async (ofF: number, ofH?: number): Promise<{ loss: number; bounds: number[] }> => {
    const config = (base: SceneConfig): SceneConfig => ({
      ...shrunk(base),
      slicing: { ...shrunk(base).slicing, lipschitz: 'output', ...(ofH !== undefined && { lipschitzWeight: ofH }) },
      training: { ...shrunk(base).training, lipschitzWeight: ofF },
    })
    const scene = smallScene(device, { preset: 'tiny', seed: 3, config })
    const graph = recordStep(scene, false)
    graph.writeBatch(rayBatches(capture, scene.description.space, { ...scene.config.training, seed: 1 }).draw(0), 1, 0)
    graph.plan.run()
    const bounds = await evaluate(
      device,
      ['F', 'H'].map(network => logLipschitz(smallScene(device, { preset: 'tiny', seed: 3, config }).parameters, [network])),
    )
    return { loss: (await graph.plan.read(graph.loss))[0], bounds: bounds.map(([value]) => value) }
  }
  const {
    loss: none,
    bounds: [f, h],
  } = await lossOf(0)
  expect((await lossOf(0.5)).loss - none).toBeCloseTo(0.5 * (f + h), 6)
  expect((await lossOf(0.5, 0.25)).loss - none).toBeCloseTo(0.5 * f + 0.25 * h, 6)
})
