import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { createRenderer, type RenderedImage, type RenderOptions, render } from '../../src/nerf/render.ts'
import { train } from '../../src/nerf/train.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { Storage, tensor } from '../../src/tensor/device.ts'
import { fill } from '../../src/tensor/ops/fill.ts'
import { rayWeights } from '../../src/tensor/ops/rayWeights.ts'
import { compile } from '../../src/tensor/plan.ts'
import { rowCount } from '../../src/tensor/tensor.ts'
import { cameraAt, SIZE, smallCapture, smallScene } from './smallScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 2 }))
afterAll(() => device[Symbol.dispose]())

const capture = smallCapture()
const scene = smallScene(device)
for await (const _ of train(scene, capture, { until: 4 }));
const codeOf = async (index: number) => constantCode(tensor(device, await scene.readCode(index), [scene.config.codeSize]))

test('the weights of a ray are not negative and sum to at most 1, and to 1 with a sample at infinity', async () => {
  const M = 6
  const storages = { sigma: new Storage(device, M), z: new Storage(device, M) }
  const [sigma, z] = [storages.sigma.tensor([1, M]), storages.z.tensor([1, M])]
  const outputs = [false, true].map(infinity => rayWeights(sigma, z, undefined, { infinity }))
  using plan = compile(device, { outputs })
  const density = fc.oneof(fc.constant(0), fc.float({ min: Math.fround(1e-3), max: 1e6, noNaN: true }))
  const gap = fc.float({ min: 0, max: 10, noNaN: true })
  await fc.assert(
    fc.asyncProperty(fc.array(density, { minLength: M, maxLength: M }), fc.array(gap, { minLength: M, maxLength: M }), async (densities, gaps) => {
      storages.sigma.write(Float32Array.from(densities))
      storages.z.write(Float32Array.from(gaps.map((_, i) => gaps.slice(0, i + 1).reduce((a, b) => a + b))))
      plan.run()
      for (const [i, output] of outputs.entries()) {
        const weights = await plan.read(output)
        const sum = weights.reduce((a, b) => a + b)
        expect(Math.min(...weights)).toBeGreaterThanOrEqual(0)
        expect(sum).toBeLessThanOrEqual(1 + 1e-5)
        if (i === 1 && densities[M - 1] > 0) expect(sum).toBeCloseTo(1, 5)
      }
    }),
  )
})

describe('a picture', () => {
  test('has colours and accumulation in 0..1 and depths of the capture between near and the sample at infinity', async () => {
    const picture = await render(scene, capture.frames[5].camera)
    expect([picture.width, picture.height, picture.channelCount]).toEqual([SIZE, SIZE, 0])
    for (const values of [picture.rgb, picture.accumulation]) {
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...values)).toBeLessThanOrEqual(1 + 1e-5)
    }
    expect(Math.min(...picture.depth)).toBeGreaterThan(capture.near)
    expect(Math.max(...picture.depth)).toBeLessThan(capture.far * 1.001)
  })

  test('is the same from the capture and from the space of the scene', async () => {
    using renderer = createRenderer(scene, scene.referenceField)
    expect(await renderer.render(scene.description.frames[5].camera)).toEqual(await render(scene, capture.frames[5].camera))
  })

  test('of more rays than a chunk is the picture of its parts', async () => {
    const size = 70 // 4,900 pixels, a chunk has 4,096
    const whole = cameraAt(0.1, size)
    const rows = 12
    const bottom = { ...whole, principalPoint: [size / 2, size / 2 - (size - rows)] as [number, number], imageSize: [size, rows] as [number, number] }
    const [large, part] = [await render(scene, whole), await render(scene, bottom)]
    const begin = size * (size - rows)
    expect(large.rgb.slice(3 * begin)).toEqual(part.rgb)
    expect(large.depth.slice(begin)).toEqual(part.depth)
    expect(large.accumulation.slice(begin)).toEqual(part.accumulation)
  })

  test('composites further channels with the same weights', async () => {
    const channels: RenderOptions['channels'] = x => fill([rowCount(x.shape), 2], 3)
    const picture = await render(scene, capture.frames[5].camera, undefined, { channels })
    expect(picture.channelCount).toBe(2)
    expect(picture.channels).toHaveLength(SIZE * SIZE * 2)
    for (const value of picture.channels) expect(value).toBeCloseTo(3, 4)
  })

  test('follows the code of H, and that of T when asked', async () => {
    const picture = (options: RenderOptions, code = scene.referenceField): Promise<RenderedImage> =>
      render(scene, capture.frames[5].camera, code, options)
    const still = await picture({})
    expect((await picture({}, await codeOf(4))).rgb).not.toEqual(still.rgb)
    expect((await picture({ warp: await codeOf(4) })).rgb).not.toEqual(still.rgb)
    expect((await picture({ warp: scene.referenceField })).rgb).toEqual(still.rgb)
  })

  test('may use another number of samples', async () => {
    const { rgb } = await render(scene, capture.frames[5].camera, undefined, { samples: 40 })
    expect(rgb.every(Number.isFinite)).toBe(true)
  })
})

test('codes may be rewritten between pictures of one renderer', async () => {
  const code = new Storage(device, scene.config.codeSize)
  const camera = scene.description.frames[5].camera
  using renderer = createRenderer(scene, constantCode(code.tensor([code.length])))
  for (const index of [1, 4]) {
    code.write(await scene.readCode(index))
    expect(await renderer.render(camera)).toEqual(await render(scene, capture.frames[5].camera, await codeOf(index)))
  }
})

test('rendering leaves no memory behind', async () => {
  const { used } = device.memory
  await render(scene, capture.frames[5].camera)
  expect(device.memory.used).toBe(used)
})
