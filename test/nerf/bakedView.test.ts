import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { psnr } from '../../src/metrics/psnr.ts'
import { bake } from '../../src/nerf/bakedView.ts'
import { brickIndex, brickMaxima, occupiedBricks } from '../../src/nerf/brickIndex.ts'
import { type CodeField, constantCode } from '../../src/nerf/codeField.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { train } from '../../src/nerf/train.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { Storage } from '../../src/tensor/device.ts'
import { BRICK, COARSE, EMPTY } from '../../src/tensor/ops/bricks.ts'
import { concat, sliceColumns } from '../../src/tensor/ops/concat.ts'
import { affine } from '../../src/tensor/ops/elementwise.ts'
import { cameraAt, shrunk, smallCapture, smallScene } from './smallScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 2 }))
afterAll(() => device[Symbol.dispose]())

const STEPS = 150
let scene: SceneManipulator
beforeAll(async () => {
  scene = smallScene(device, {
    config: base => {
      const small = shrunk(base)
      const template = { ...small.template, finestResolution: 40 } as typeof small.template // views are baked at 64 cells
      return { ...small, template, training: { ...small.training, steps: STEPS } }
    },
  })
  for await (const _ of train(scene, smallCapture(), { until: STEPS, reportEvery: STEPS }));
})

describe('a baked view', () => {
  /** A code field that is another at every point, as an edit's is. */
  const mixed: CodeField = x => {
    const coordinates = concat([x, x, sliceColumns(x, 0, 2)])
    return affine(coordinates, 0.2)
  }

  test('comes closer to the exact picture with its resolution', async () => {
    for (const codes of [scene.referenceField, mixed]) {
      using exact = createRenderer(scene, codes, { samples: 160 })
      for (const [resolution, least] of [
        [64, 24],
        [128, 29],
        [192, 34],
      ]) {
        using view = await bake(scene, codes, { resolution })
        for (const size of [12, 23]) {
          const camera = { ...scene.description.frames[1].camera, ...lens(size) }
          const [a, b] = [await exact.render(camera), await view.render(camera)]
          expect(psnr(b.rgb, a.rgb)).toBeGreaterThan(least)
          expect([b.width, b.height, b.channelCount]).toEqual([size, size, 0])
        }
      }
    }
  })

  test('differs with its codes, and follows T when asked', async () => {
    const { camera } = scene.description.frames[1]
    const code = new Storage(device, scene.config.codeSize)
    code.write(await scene.readCode(4))
    const other = constantCode(code.tensor([code.length]))
    const pictures: Float32Array[] = []
    for (const [codes, warp] of [[scene.referenceField], [other], [scene.referenceField, other]] as const) {
      using view = await bake(scene, codes, { warp })
      pictures.push((await view.render(camera)).rgb)
    }
    expect(pictures[1]).not.toEqual(pictures[0])
    expect(pictures[2]).not.toEqual(pictures[0])
  })

  test('leaves a picture on the device as words of its colours', async () => {
    using view = await bake(scene)
    const { camera } = scene.description.frames[1]
    const { rgb } = await view.render(camera)
    const { width, height, pixels } = view.draw(camera)
    const words = (await device.read({ ...pixels.region, length: width * height }, 'u32')) as Uint32Array
    for (const [i, word] of words.entries()) {
      for (let c = 0; c < 3; c++) expect((word >>> (8 * c)) & 255).toBe(Math.floor(0.5 + 255 * rgb[3 * i + c]))
      expect(word >>> 24).toBe(255)
    }
  })

  test('gives its memory back, and says how much it is', async () => {
    const { used } = device.memory
    {
      using view = await bake(scene, undefined, { resolution: 64 })
      expect(view.resolution).toBe(64)
      expect(view.bytes).toBeGreaterThan(view.bricks * 729 * 4)
      await view.render(scene.description.frames[1].camera)
    }
    expect(device.memory.used).toBe(used)
  })

  test('takes the resolution that fits, and says when the one asked for does not', async () => {
    using view = await bake(scene, undefined, { mostBytes: 2 ** 17 })
    expect(view.resolution).toBe(32)
    await expect(bake(scene, undefined, { resolution: 64, mostBytes: 2 ** 17 })).rejects.toThrow(
      /bricks of resolution 64 take 0\.\d MiB, allowed are 0\.1 MiB; give a lower/,
    )
    await expect(bake(scene, undefined, { resolution: 100 })).rejects.toThrow('bake: resolution 100; give a multiple of 32, such as 256')
    await expect(bake(scene, undefined, { mostBytes: 4 })).rejects.toThrow('allow more with mostBytes')
  })

  test('refuses the preset whose colours change with the direction', async () => {
    await expect(bake(smallScene(device, { preset: 'paper' }))).rejects.toThrow(
      "bake: preset paper sees the viewing direction (4 bands), so its colours are no grid's; render it exactly (without --baked)",
    )
  })
})

describe('the index of bricks', () => {
  const N = 64
  const along = N / BRICK
  const thresholds = { surface: 1, haze: 0.1 }
  const grid = (cells: Record<number, number>): Float32Array => {
    const values = new Float32Array(16 ** 3)
    for (const [cell, value] of Object.entries(cells)) values[Number(cell)] = value
    return values
  }

  test('has fine bricks around surfaces, coarse ones around haze, and distances elsewhere', () => {
    // cells (0, 0, 0) and (8, 8, 8) of 16³; bricks are two cells wide, and cells count for their neighbours
    const maxima = brickMaxima(grid({ 0: 5, [(8 * 16 + 8) * 16 + 8]: 0.5 }), 16, N)
    const occupied = occupiedBricks(maxima, N, thresholds)
    expect(occupied.fine).toBe(1)
    // the hazy cell reaches into the bricks 3 and 4 of every axis, which lie in all 8 coarse bricks
    expect([...occupied.bricks]).toEqual([0, ...Array.from({ length: 8 }, (_, i) => COARSE + i)])
    const index = brickIndex(
      maxima,
      occupied,
      N,
      thresholds,
      occupied.bricks.map(() => 1),
    )
    const at = (x: number, y: number, z: number): number => index[(x * along + y) * along + z]
    expect(at(0, 0, 0)).toBe(0)
    expect(at(3, 3, 3)).toBe(COARSE + 1)
    expect(at(4, 4, 4)).toBe(COARSE + 8)
    expect(at(1, 1, 1)).toBe(EMPTY + 1)
    expect(at(7, 4, 4)).toBe(EMPTY + 3)
    expect(at(7, 7, 0)).toBe(EMPTY + 3)
  })

  test('leaves out what turned out to be empty', () => {
    const maxima = brickMaxima(grid({ 0: 5 }), 16, N)
    const occupied = occupiedBricks(maxima, N, thresholds)
    const index = brickIndex(maxima, occupied, N, thresholds, [0])
    expect(index.every(word => word >= EMPTY)).toBe(true)
  })
})

function lens(size: number) {
  const { focalLength, principalPoint, imageSize } = cameraAt(0, size)
  return { focalLength, principalPoint, imageSize }
}
