import { describe, expect, test } from 'vitest'
import type { Guidance } from '../../src/edit/guidance.ts'
import { cacheViews, renderSelected, type ViewCache } from '../../src/edit/viewCache.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { readLeaf, Storage } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { add, square } from '../../src/tensor/ops/elementwise.ts'
import { mean } from '../../src/tensor/ops/reduce.ts'
import { compile } from '../../src/tensor/plan.ts'
import { reshape, rowCount, type Tensor } from '../../src/tensor/tensor.ts'
import { SIZE, smallScene } from '../nerf/smallScene.ts'
import { testDevices } from '../tensor/harness.ts'

const [, { device }] = await testDevices()
const scene = smallScene(device, { seed: 3 })
scene.setStep(scene.config.training.steps) // H's window is open: codes show

const PIXELS = SIZE * SIZE * 3
const UNEDITED: Guidance = {
  name: 'unedited',
  featureSize: PIXELS,
  describe: pictures => reshape(pictures, [1, PIXELS]),
  loss: picture => picture,
}
const cameras = scene.trainingCameras.slice(0, 3)

/** Every view under w_R, in a recording made once. */
async function pictures(views: ViewCache, order: readonly number[]): Promise<Float32Array[]> {
  const { picture } = renderSelected(scene, views, x => ({ codes: scene.referenceField(x), channels: undefined }))
  using plan = compile(device, { outputs: [picture] })
  const all: Float32Array[] = []
  for (const view of order) {
    views.select(view)
    plan.run()
    all.push(await plan.read(picture))
  }
  return all
}

describe('the views of an edit', () => {
  test('render under the reference code as the guidance saw them, in any order', async () => {
    const views = await cacheViews(scene, UNEDITED, cameras, { samples: 6, seed: 1 })
    const seen: Float32Array[] = []
    for (const view of cameras.keys()) {
      views.select(view)
      seen.push(await readLeaf(device, views.selected.reference))
    }
    expect(seen[0]).not.toEqual(seen[1])
    expect(await pictures(views, [2, 0, 1, 2])).toEqual([2, 0, 1, 2].map(view => seen[view]))
    views.release()
  })

  test('are the same, bit by bit, with features looked up anew in every step', async () => {
    const kept = await cacheViews(scene, UNEDITED, cameras, { samples: 6, seed: 1 })
    const looked = await cacheViews(scene, UNEDITED, cameras, { samples: 6, seed: 1, mostFeatureBytes: 0 })
    expect(kept.selected.position && rowCount(kept.selected.position.shape)).toBe(SIZE * SIZE * 6)
    expect(looked.selected.position).toBeUndefined()
    expect(await pictures(looked, [1, 2])).toEqual(await pictures(kept, [1, 2]))
    kept.release()
    looked.release()
  })

  test('rendered in blocks of rays are the same, bit by bit, and so is what they composite', async () => {
    const whole = await cacheViews(scene, UNEDITED, cameras, { samples: 6, seed: 1 })
    const parts = await cacheViews(scene, UNEDITED, cameras, { samples: 6, seed: 1, mostLayerBytes: 10_000 })
    expect([whole.blocks, parts.blocks > 3]).toEqual([1, true])
    expect(await pictures(parts, [1, 2])).toEqual(await pictures(whole, [1, 2]))
    const surface = async (views: ViewCache): Promise<Float32Array> => {
      const { channels } = renderSelected(scene, views, x => ({ codes: scene.referenceField(x), channels: x }))
      using plan = compile(device, { outputs: [channels] })
      views.select(1)
      plan.run()
      return await plan.read(channels)
    }
    expect(await surface(parts)).toEqual(await surface(whole))
    whole.release()
    parts.release()
  })

  test('give the gradient of their codes, in blocks as in one', async () => {
    const code = new Storage(device, scene.config.codeSize)
    code.write(await scene.readCode(3))
    const leaf = code.tensor([code.length])
    const gradients: Float32Array[] = []
    for (const mostLayerBytes of [undefined, 10_000]) {
      const views = await cacheViews(scene, UNEDITED, cameras, { samples: 6, seed: 1, mostLayerBytes })
      const values = (x: Tensor) => ({ codes: constantCode(leaf)(x), channels: x })
      const { picture, channels } = renderSelected(scene, views, values, [leaf])
      const [gradient] = grad(add(mean(square(picture)), mean(square(channels))), [leaf])
      using plan = compile(device, { outputs: [gradient] })
      views.select(0)
      plan.run()
      gradients.push(await plan.read(gradient))
      views.release()
    }
    const largest = Math.max(...gradients[0].map(Math.abs))
    expect(largest).toBeGreaterThan(0)
    for (const [i, value] of gradients[1].entries()) expect(Math.abs(value - gradients[0][i])).toBeLessThan(1e-4 * largest)
    code.release()
  })

  test('give their memory back', async () => {
    const { used } = device.memory
    const views = await cacheViews(scene, UNEDITED, cameras, { samples: 6, seed: 1 })
    expect(device.memory.used).toBeGreaterThan(used)
    views.release()
    expect(device.memory.used).toBe(used)
  })
})
