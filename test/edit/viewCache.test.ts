import { describe, expect, test } from 'vitest'
import type { Guidance } from '../../src/edit/guidance.ts'
import { cacheViews, renderSelected, type ViewCache } from '../../src/edit/viewCache.ts'
import { readLeaf } from '../../src/tensor/device.ts'
import { compile } from '../../src/tensor/plan.ts'
import { reshape, rowCount } from '../../src/tensor/tensor.ts'
import { SIZE, smallScene } from '../nerf/smallScene.ts'
import { testDevices } from '../tensor/harness.ts'

const [, { device }] = await testDevices()
const scene = smallScene(device, { seed: 3 })

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
  const { picture } = renderSelected(scene, views, scene.referenceField(views.selected.x))
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
    const views = await cacheViews(scene, UNEDITED, cameras, 6, 1)
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
    const kept = await cacheViews(scene, UNEDITED, cameras, 6, 1)
    const looked = await cacheViews(scene, UNEDITED, cameras, 6, 1, 0)
    expect(kept.selected.position && rowCount(kept.selected.position.shape)).toBe(SIZE * SIZE * 6)
    expect(looked.selected.position).toBeUndefined()
    expect(await pictures(looked, [1, 2])).toEqual(await pictures(kept, [1, 2]))
    kept.release()
    looked.release()
  })

  test('give their memory back', async () => {
    const { used } = device.memory
    const views = await cacheViews(scene, UNEDITED, cameras, 6, 1)
    expect(device.memory.used).toBeGreaterThan(used)
    views.release()
    expect(device.memory.used).toBe(used)
  })
})
