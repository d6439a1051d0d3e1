import { afterAll, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { psnr } from '../../src/metrics/psnr.ts'
import { blend, type CodeField, constantCode } from '../../src/nerf/codeField.ts'
import { expressionTimeline } from '../../src/nerf/expressionTimeline.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import { cameraIntoSpace, cameraOutOfSpace } from '../../src/nerf/sceneCameras.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { smallScene } from './smallScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())
const scene = smallScene(device)
const code = (value: number): CodeField => constantCode(tensor(device, new Float32Array(8).fill(value), [8]))
const [a, b] = [code(0.5), code(-0.8)]
const camera = scene.description.frames[0].camera

test('expressions pass into each other', async () => {
  using timeline = expressionTimeline(scene, [
    { time: 0, strength: 1 },
    { time: 1, codes: a, strength: 0.5 },
    { time: 2, codes: b, strength: 1 },
  ])
  const neutral = scene.referenceField
  const wanted: [number, CodeField][] = [
    [-1, neutral],
    [0.5, blend(neutral, a, 0.25)],
    [1, blend(neutral, a, 0.5)],
    // a quarter of neutral is left of a's strength
    [1.5, blend(neutral, blend(a, b, 2 / 3), 0.75)],
    [9, b],
  ]
  for (const [time, codes] of wanted) {
    using renderer = createRenderer(scene, codes)
    const { rgb } = await renderer.render(camera)
    expect(psnr((await timeline.render(camera, time)).rgb, rgb), `at ${time} s`).toBeGreaterThan(90)
  }
  expect(() => expressionTimeline(scene, [])).toThrow('no expressions; give at least one')
})

test('cameras go to the world and back', () => {
  const [x, y, z] = cameraIntoSpace(scene, cameraOutOfSpace(scene, camera)).position
  expect([x - camera.position[0], y - camera.position[1], z - camera.position[2]].map(Math.abs).every(d => d < 1e-9)).toBe(true)
})
