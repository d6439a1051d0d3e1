import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, assert, describe, expect, test } from 'vitest'
import type { Camera } from '../../src/camera/camera.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { loadEdit, saveEdit } from '../../src/edit/editFile.ts'
import { editViews } from '../../src/edit/editViews.ts'
import { faceFrame, namedRegion } from '../../src/edit/faceFrame.ts'
import { type FaceRegion, regionWeight } from '../../src/edit/faceRegion.ts'
import { markedSurface, maskedRegion } from '../../src/edit/maskedRegion.ts'
import { pointRegion } from '../../src/edit/pointRegion.ts'
import { regionChange } from '../../src/metrics/change.ts'
import type { CodeField } from '../../src/nerf/codeField.ts'
import { createRenderer, type RenderedImage } from '../../src/nerf/render.ts'
import { loadScene } from '../../src/nerf/sceneFile.ts'
import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { intoSpace } from '../../src/nerf/space.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { reshape, rowCount, type Tensor } from '../../src/tensor/tensor.ts'
import { unzip } from '../../studio/src/worker/zip.ts'
import { ROOT } from '../house/scratchBuild.ts'
import { cameraAt, SIZE } from '../nerf/smallScene.ts'
import { randomValues } from '../tensor/opCase.ts'
import { expressiveScene } from './expressiveScene.ts'
import { anchorsOf } from './smallAnchors.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

async function weightsAt(region: FaceRegion, points: ArrayLike<number>): Promise<number[]> {
  const [weights] = await evaluate(device, [regionWeight(device, region)(tensor(device, Float32Array.from(points), [points.length / 3, 3]))])
  return [...weights]
}

/** A square grid of points in the plane z = `z`, `side` long, a hundredth apart. */
function patch(x: number, y: number, side: number, z = 0): number[] {
  const n = Math.round(side / 0.01)
  return Array.from({ length: n * n }, (_, i) => [x + 0.01 * (i % n), y + 0.01 * Math.floor(i / n), z]).flat()
}

describe('a region by points', () => {
  const points = patch(-0.15, -0.4, 0.3)
  const region = pointRegion([{ points, along: [0, 0, 1] }], 'painted', { most: 40 })

  test('is 1 at its points, 0 to the last bit away from them, and half within a fraction of a cell beyond its border', async () => {
    expect(region.parts.length).toBeGreaterThan(16)
    expect(region.parts.length).toBeLessThanOrEqual(40)
    const own = await weightsAt(region, points)
    expect(Math.min(...own)).toBeGreaterThan(0.5)
    expect(own.reduce((a, b) => a + b) / own.length).toBeGreaterThan(0.97)
    expect(await weightsAt(region, [0, 0.1, 0, 0.45, -0.25, 0, -0.45, -0.25, 0])).toEqual([0, 0, 0])
    const beyond = await weightsAt(
      region,
      [0.025, 0.03, 0.035, 0.04, 0.045].flatMap(d => [0.14 + d, -0.25, 0]),
    )
    expect(beyond.at(-1)).toBeLessThan(0.1)
  })

  test('goes deeper along the view than across it, and is round without a view', async () => {
    const [before, behind] = await weightsAt(region, [0, -0.25, -0.1, 0, -0.25, 0.1])
    expect(Math.min(before, behind)).toBeGreaterThan(0.8)
    expect((await weightsAt(region, [0, -0.25, 0.4]))[0]).toBe(0)
    const balls = pointRegion([{ points }], 'painted')
    expect((await weightsAt(balls, [0, -0.25, 0.1]))[0]).toBeLessThan(0.1)
  })

  test('keeps to its number of parts however much is marked, from several sides too', () => {
    const large = { points: patch(-0.8, -0.8, 1.6), along: [0.1, 0, 1] as [number, number, number] }
    const side = { points: patch(0, 0, 0.2, 0.3), along: [1, 0, 0] as [number, number, number] }
    expect(pointRegion([large, side], 'painted').parts.length).toBeLessThanOrEqual(24)
    expect(pointRegion([large, side], 'painted', { most: 2 }).parts).toHaveLength(2)
    expect(pointRegion([{ points: [0.1, 0.2, 0.3] }], 'one').parts).toHaveLength(1)
  })

  test('is refused without points, with numbers that are not finite, and with fewer parts than groups', () => {
    expect(() => pointRegion([{ points: [] }], 'painted')).toThrow('region: no points for "painted"; give at least one')
    expect(() => pointRegion([{ points: [0, Number.NaN, 0] }], 'painted')).toThrow('region: number 1 of the points of "painted" is NaN')
    expect(() => pointRegion([{ points }, { points }], 'painted', { most: 1 })).toThrow('region: at most 1 parts for 2 groups of points')
  })
})

describe('a masked region', async () => {
  const scene = await expressiveScene(device)
  const camera = cameraAt(0)
  const left = Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % SIZE < SIZE / 2 ? 1 : 0))

  test('is the surface that the mask shows', async () => {
    const region = await maskedRegion(scene, left, camera, 'left.png')
    using renderer = createRenderer(scene, scene.referenceField, { channels: x => x, channelsAt: 'median' })
    const { channels: seen } = await renderer.render(intoSpace(camera, scene.description.space))
    const values = await weightsAt(region, seen)
    const mean = (inside: boolean): number => {
      const own = values.filter((_, i) => left[i] > 0 === inside)
      return own.reduce((a, b) => a + b) / own.length
    }
    expect(mean(true)).toBeGreaterThan(0.9)
    expect(mean(false)).toBeLessThan(0.3)
    const { points } = await markedSurface(scene, left, intoSpace(camera, scene.description.space))
    const own = [...seen].filter((_, i) => left[Math.floor(i / 3)] > 0)
    expect(points).toEqual(Float32Array.from(own))
  })

  test('is refused when the mask is empty or of another size', async () => {
    await expect(maskedRegion(scene, new Float32Array(3), camera, 'm.png')).rejects.toThrow('region: the mask m.png has 3 values')
    await expect(maskedRegion(scene, new Float32Array(SIZE * SIZE), camera, 'm.png')).rejects.toThrow('region: the mask m.png marks no pixel')
  })

  test('comes back from the file of its edit', async () => {
    const region = await maskedRegion(scene, left, camera, 'left.png')
    const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [0, 2, 4]), { region })
    const { length } = compositor.parameters.get('P/logit/kernel')
    compositor.parameters.flat.write(randomValues(length, 1, [-8, 8]), compositor.parameters.offset('P/logit/kernel'))
    const bytes = await saveEdit(compositor, { prompt: 'a smile', strength: 1, steps: 1, seed: 0 })
    const { field } = await loadEdit(scene, bytes, 'a.edit')
    expect(field instanceof AnchorCompositor && field.region).toEqual(region)
    const at = intoSpace(camera, scene.description.space)
    expect((await look(scene, field.codes, at)).rgb).toEqual((await look(scene, compositor.codes, at)).rgb)
  })
})

test('on a trained face an edit keeps to what is painted as it keeps to the region of that name', async () => {
  const files = await unzip(Uint8Array.from(readFileSync(join(ROOT, 'assets/demo/ada.zip'))), 'ada.zip')
  const [sceneFile, editFile] = ['.scene', '.edit'].map(end => files.find(({ name }) => name.endsWith(end)))
  assert(sceneFile && editFile)
  const scene = await loadScene(device, sceneFile.bytes, 'ada.scene')
  const { field } = await loadEdit(scene, editFile.bytes, 's.edit')
  assert(field instanceof AnchorCompositor)
  const mouth = namedRegion(await faceFrame(scene, field.anchors), 'mouth')
  const [camera] = editViews(scene, { count: 1, height: 64 })
  const weight = regionWeight(device, mouth)
  const mask = await look(scene, scene.referenceField, camera, x => reshape(weight(x), [rowCount(x.shape), 1]))
  const painted = pointRegion([await markedSurface(scene, mask.channels, camera)], 'painted')
  const change = async (region: FaceRegion) => {
    const compositor = new AnchorCompositor(scene, field.anchors, { neutral: field.neutral, region })
    compositor.startFrom(field)
    return regionChange(mask.rgb, (await look(scene, compositor.codes, camera)).rgb, mask.channels)
  }
  const [named, own] = [await change(mouth), await change(painted)]
  expect(named.ratio).toBeLessThan(0.002)
  expect(own.ratio).toBeLessThan(0.006)
  expect(own.inside).toBeGreaterThan(0.9 * named.inside)
}, 60_000)

async function look(scene: SceneManipulator, codes: CodeField, camera: Camera, channels?: (x: Tensor) => Tensor): Promise<RenderedImage> {
  using renderer = createRenderer(scene, codes, { channels, channelsAt: 'median' })
  return await renderer.render(camera)
}
