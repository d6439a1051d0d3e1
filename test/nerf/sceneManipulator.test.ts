import { afterAll, describe, expect, test } from 'vitest'
import { length, subtract } from '../../src/camera/vector.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { PRESETS, preset } from '../../src/nerf/presets.ts'
import { describeScene } from '../../src/nerf/sceneManipulator.ts'
import { pointsIntoSpace, spaceOf } from '../../src/nerf/space.ts'
import { trainingSchedules } from '../../src/nerf/trainingSchedules.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { cameraAt, shrunk, smallCapture, smallScene } from './smallScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

describe('describeScene', () => {
  const capture = smallCapture()
  const description = describeScene(capture, 'tiny', { seed: 4 })

  test('puts what the cameras look at into the origin and half a picture there at 1', () => {
    const { space, near, far, frames } = description
    for (const axis of space.center) expect(axis).toBeCloseTo(0, 6)
    // 2.5 away, a lens of 1.2 picture widths: half a picture is 2.5 / 2.4 wide.
    expect(space.radius).toBeCloseTo(Math.hypot(2.5, 0.1) / 2.4, 6)
    expect(near * space.radius).toBeCloseTo(capture.near, 9)
    expect(far * space.radius).toBeCloseTo(capture.far, 9)
    const { position } = frames[0].camera
    expect(length(position) * space.radius).toBeCloseTo(length(subtract(capture.frames[0].camera.position, space.center)), 6)
  })

  test('keeps frames, codes, split, preset and seed, and no pictures', () => {
    expect(description.frames.map(f => [f.id, f.split, f.code])).toEqual(capture.frames.map(f => [f.id, f.split, f.code]))
    expect(description.frames.every(f => !('image' in f))).toBe(true)
    expect(description).toMatchObject({ name: 'disc', preset: 'tiny', codeCount: 5, seed: 4 })
    expect(description.config).toEqual(PRESETS.tiny)
  })

  test('applies changes to the preset', () => {
    expect(describeScene(capture, 'tiny', { config: shrunk }).config.training.rays).toBe(64)
  })
})

test('an unknown preset is refused with the names there are', () => {
  expect(() => preset('huge')).toThrow('preset: no preset "huge"; there are tiny, fast, paper')
})

test('cameras that sit on the point they look at have no space', () => {
  const camera = cameraAt(0)
  expect(() => spaceOf([{ ...camera, focalLength: Number.POSITIVE_INFINITY }], 1, 5)).toThrow('spaceOf')
})

test('points move with the space', () => {
  expect([...pointsIntoSpace(Float32Array.of(1, 2, 3, 5, 6, 7), { center: [1, 2, 3], radius: 2 })]).toEqual([0, 0, 0, 2, 2, 2])
})

describe('codes and reference', () => {
  const scene = smallScene(device)

  test('a code is a row of the table, and the reference field holds it', async () => {
    await scene.setReference(3)
    const code = await scene.readCode(3)
    expect(scene.referenceCode).toBe(3)
    const [field] = await evaluate(device, [scene.referenceField(tensor(device, new Float32Array(6), [2, 3]))])
    expect([...field]).toEqual([...code, ...code])
    expect(code).not.toEqual(await scene.readCode(2))
  })

  test('a code that does not exist is refused and changes nothing', async () => {
    for (const index of [-1, 5, 1.5]) await expect(scene.readCode(index)).rejects.toThrow(`scene disc: no code ${index}; there are 5 (0 … 4)`)
    await expect(scene.setReference(9)).rejects.toThrow('no code 9')
    expect(scene.referenceCode).toBe(3)
  })

  test('trainingCameras leaves validation views out', () => {
    expect(scene.trainingCameras).toHaveLength(5)
  })
})

test('the windows open and the rates fall over the run', () => {
  for (const config of Object.values(PRESETS)) {
    const { steps, warpAlpha, finalRate } = config.training
    const { warp, ambient, rate } = trainingSchedules(config)
    expect([warp(0), warp(steps)]).toEqual([warpAlpha[0], warpAlpha[1]])
    expect([ambient(0), ambient(steps)]).toEqual([0, config.template.ambientBands])
    expect(rate(steps)).toBeCloseTo(finalRate, 12)
    const ambients = Array.from({ length: 500 }, (_, i) => ambient((steps * i) / 500))
    expect(ambients).toEqual(ambients.toSorted((a, b) => a - b))
  }
})
