/** An edit of a scene of the preset `paper`, shrunk: samples of the fine network alone, cached, and template positions encoded anew at every step. */
import { afterAll, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { edit } from '../../src/edit/edit.ts'
import type { Guidance } from '../../src/edit/guidance.ts'
import { cacheViews, renderSelected } from '../../src/edit/viewCache.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { readLeaf } from '../../src/tensor/device.ts'
import { mean } from '../../src/tensor/ops/reduce.ts'
import { compile } from '../../src/tensor/plan.ts'
import { reshape } from '../../src/tensor/tensor.ts'
import { SIZE } from '../nerf/smallScene.ts'
import { expressiveScene } from './expressiveScene.ts'
import { anchorsOf } from './smallAnchors.ts'

const device = cpuBackend(await openCpuDevice({ threads: 2 }))
afterAll(() => device[Symbol.dispose]())

const PIXELS = SIZE * SIZE * 3
/** The darker the better. */
const DARK: Guidance = { name: 'dark', featureSize: PIXELS, describe: images => reshape(images, [1, PIXELS]), loss: picture => mean(picture) }

const expressive = () => expressiveScene(device, 'paper')

test('a cached view under w_R is the picture it was cached from, with the positions kept and encoded anew', async () => {
  const scene = await expressive()
  for (const mostFeatureBytes of [undefined, 0]) {
    const views = await cacheViews(scene, DARK, scene.trainingCameras.slice(0, 2), { samples: 8, seed: 0, mostFeatureBytes })
    expect(views.selected.position === undefined).toBe(mostFeatureBytes === 0)
    const { picture } = renderSelected(scene, views, x => ({ codes: scene.referenceField(x), channels: undefined }))
    using plan = compile(device, { outputs: [picture] })
    views.select(1)
    plan.run()
    const [again, reference] = [await plan.read(picture), await readLeaf(device, views.selected.reference)]
    for (const [i, value] of again.entries()) expect(value).toBeCloseTo(reference[i], 5)
    views.release()
  }
})

test('an edit lowers its guidance', async () => {
  const scene = await expressive()
  const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [0, 2, 4]))
  const losses: number[] = []
  const options = { steps: 30, reportEvery: 1, search: false, tvWeight: 0, rates: [3e-2, 3e-2] } as const
  for await (const { guidance } of edit(scene, compositor, DARK, scene.trainingCameras.slice(0, 1), options)) losses.push(guidance)
  expect(losses[losses.length - 1]).toBeLessThan(losses[0] - 1e-3)
})
