import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import type { Mesh } from '../../src/io/mesh.ts'
import { fieldSampler } from '../../src/nerf/fieldSampler.ts'
import { loadScene, saveScene } from '../../src/nerf/sceneFile.ts'
import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { extractSurface, type SurfaceOptions } from '../../src/nerf/surface.ts'
import { train } from '../../src/nerf/train.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { testDevices } from '../tensor/devices.ts'
import { shrunk, smallCapture, smallScene } from './smallScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 2 }))
afterAll(() => device[Symbol.dispose]())

const STEPS = 120
/** So small a scene stays fog. */
const DENSITY = 0.3
let scene: SceneManipulator
beforeAll(async () => {
  scene = smallScene(device, { config: base => ({ ...shrunk(base), training: { ...shrunk(base).training, steps: STEPS } }) })
  for await (const _ of train(scene, smallCapture(), { until: STEPS, reportEvery: STEPS }));
})

async function extracted(options: SurfaceOptions = {}, of = scene): Promise<{ mesh: Mesh; stages: string[] }> {
  const steps = extractSurface(of, of.referenceField, { resolution: 24, density: DENSITY, ...options })
  const stages: string[] = []
  let next = await steps.next()
  for (; !next.done; next = await steps.next()) stages.push(`${next.value.stage} ${next.value.step === next.value.steps}`)
  return { mesh: next.value, stages }
}

describe('extractSurface', () => {
  test('vertices lie where the density is the threshold, normals point to where it is less', async () => {
    const { mesh, stages } = await extracted({ smoothing: 0 })
    expect(new Set(stages.map(stage => stage.split(' ')[0]))).toEqual(new Set(['densities', 'colours']))
    expect(stages.at(-1)).toBe('colours true')
    const { space } = scene.description // the capture's scale is 1 and its centre 0
    using sampler = fieldSampler(scene, { codes: scene.referenceField, warp: scene.referenceField })
    const count = Math.min(sampler.points, mesh.positions.length / 3)
    const places = mesh.positions.slice(0, 3 * count).map((v, i) => (v - space.center[i % 3]) / space.radius)
    const at = async (offset: number) =>
      (
        await sampler.sample(
          places.map((v, i) => v + offset * mesh.normals[i]),
          [0, 0, 1],
        )
      ).sigma
    const [here, outside, inside] = [await at(0), await at(0.03), await at(-0.03)]
    const inner = Array.from(here, (_, i) => i).filter(i => Math.hypot(...places.subarray(3 * i, 3 * i + 3)) < 0.9)
    expect(inner.length).toBeGreaterThan(50)
    const share = (test: (i: number) => boolean): number => inner.filter(test).length / inner.length
    expect(share(i => Math.abs(here[i] - DENSITY) < 0.1)).toBeGreaterThan(0.8)
    expect(share(i => outside[i] < inside[i])).toBeGreaterThan(0.9)
  })

  test('vertices are shared, normals are unit vectors, colours are those of the face', async () => {
    const { mesh } = await extracted()
    expect(mesh.indices.length / 3).toBeGreaterThan(mesh.positions.length / 3)
    for (let i = 0; i < mesh.normals.length; i += 3) expect(Math.hypot(...mesh.normals.subarray(i, i + 3))).toBeCloseTo(1, 4)
    const mean = [0, 1, 2].map(c => mesh.colors.filter((_, i) => i % 3 === c).reduce((a, b) => a + b, 0) / (mesh.colors.length / 3))
    expect(new Set(mean.map(Math.round)).size).toBeGreaterThan(1)
    expect(Math.hypot(...(mesh.upright ?? []))).toBeCloseTo(1, 6)
  })

  test('every device finds the same surface', async () => {
    const coarse = { resolution: 12 } // software adapters take their time
    const { mesh } = await extracted(coarse)
    const others = (await testDevices()).filter(({ compileOnly, device: { kind } }) => kind === 'gpu' && !compileOnly)
    for (const { device: other } of others) {
      const { mesh: found } = await extracted(coarse, await loadScene(other, await saveScene(scene), 'a.scene'))
      // a sample at the very threshold may fall to the other side
      expect(Math.abs(found.positions.length / mesh.positions.length - 1)).toBeLessThan(0.01)
      if (found.positions.length !== mesh.positions.length) continue
      for (const [i, v] of found.positions.entries()) expect(Math.abs(v - mesh.positions[i])).toBeLessThan(0.01)
      for (const [i, v] of found.colors.entries()) expect(Math.abs(v - mesh.colors[i])).toBeLessThan(6)
    }
  }, 60_000)

  test('the same scene gives the same mesh', async () => {
    expect((await extracted()).mesh).toEqual((await extracted()).mesh)
  })

  test('a scene without a density grid, whose colours see the direction', async () => {
    const paper = smallScene(device, { preset: 'paper' })
    const { mesh } = await extracted({ resolution: 12, density: 1e-3, radius: 0.5 }, paper)
    expect(mesh.indices.length).toBeGreaterThan(0)
  })

  test('says what to try when there is nothing as dense', async () => {
    await expect(extracted({ density: 1e6 })).rejects.toThrow(
      /^extractSurface: no surface of density 1000000; the densest place found has [\d.]+; give a lower density, such as [\d.]+, or train longer$/,
    )
  })

  test.each([
    [{ resolution: 7.5 }, 'resolution 7.5; give a whole number of cells from 8 to 512'],
    [{ density: 0 }, 'density 0; give a positive number'],
    [{ radius: 3 }, 'radius 3; give one above 0'],
    [{ smoothing: -1 }, 'smoothing -1; give a whole number'],
  ])('refuses %o', async (options, message) => {
    await expect(extracted(options)).rejects.toThrow(message)
  })

  test('stops when aborted', async () => {
    await expect(extracted({ signal: AbortSignal.abort() })).rejects.toThrow('abort')
  })
})
