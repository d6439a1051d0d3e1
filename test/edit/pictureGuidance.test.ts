import { readFile } from 'node:fs/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { cameraFromJson } from '../../src/camera/camera.ts'
import { loadCapture } from '../../src/capture/capture.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { edit } from '../../src/edit/edit.ts'
import { pictureGuidance } from '../../src/edit/pictureGuidance.ts'
import { type TargetPicture, targetPicture } from '../../src/edit/targetPicture.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { createRenderer, render } from '../../src/nerf/render.ts'
import { frameCamera, worldCamera } from '../../src/nerf/sceneCameras.ts'
import { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { cameraAt, SIZE, smallScene } from '../nerf/smallScene.ts'
import { expressiveScene } from './expressiveScene.ts'
import { anchorsOf } from './smallAnchors.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

const P = SIZE * SIZE
const plain = (value: number): Float32Array => new Float32Array(3 * P).fill(value)
const target = (value: number, angle = 0, mask?: Float32Array): TargetPicture => ({ camera: cameraAt(angle), image: plain(value), mask })
const scene = smallScene(device)

/** Losses of pictures of one grey, where the unedited picture is black. */
async function losses(targets: readonly TargetPicture[], greys: readonly number[], view = 0): Promise<number[]> {
  const guidance = pictureGuidance(scene, targets)
  const picture = (image: Float32Array) => tensor(device, image, [1, SIZE, SIZE, 3])
  const reference = guidance.describe(picture(plain(0)), tensor(device, Uint32Array.of(view), [1]))
  return (
    await evaluate(
      device,
      greys.map(grey => guidance.loss(picture(plain(grey)), reference)),
    )
  ).map(([loss]) => loss)
}

describe('guidance by pictures', () => {
  test('is 1 for the unedited picture, 0 for the target, and in between the share of the squared error that is left', async () => {
    const [unedited, half, there] = await losses([target(0.6)], [0, 0.3, 0.6])
    expect([unedited, half, there].map(v => Number(v.toFixed(4)))).toEqual([1, 0.25, 0])
  })

  test('knows which view shows which target', async () => {
    const targets = [target(0.6), target(0.2)]
    expect((await losses(targets, [0.6, 0.2], 0)).map(v => Number(v.toFixed(3)))).toEqual([0, 0.444])
    expect((await losses(targets, [0.6, 0.2], 1)).map(v => Number(v.toFixed(3)))).toEqual([3.999, 0])
  })

  test('counts pixels as much as their mask says', async () => {
    const left = Float32Array.from({ length: P }, (_, i) => (i % SIZE < SIZE / 2 ? 1 : 0))
    const image = plain(0.9).map((v, i) => (left[Math.floor(i / 3)] ? 0.5 : v))
    expect((await losses([{ camera: cameraAt(0), image, mask: left }], [0.5]))[0]).toBeCloseTo(0, 6)
    expect((await losses([{ camera: cameraAt(0), image }], [0.5]))[0]).toBeGreaterThan(0.1)
  })

  test('steers the compositor, from cameras in scene units, to a mix that no code shows, search included', async () => {
    const shown = await expressiveScene(device)
    // Code 3 on the left, code 0 on the right.
    const codes = await Promise.all([3, 0].map(k => shown.readCode(k)))
    const cameras = [-0.15, 0.15].map(angle => cameraAt(angle))
    const targets: TargetPicture[] = []
    for (const camera of cameras) {
      const [left, right] = await Promise.all(
        codes.map(async code => (await render(shown, camera, constantCode(tensor(device, code, [8])), { samples: 32 })).rgb),
      )
      targets.push({ camera, image: left.map((v, i) => (Math.floor(i / 3) % SIZE < SIZE / 2 ? v : right[i])) })
    }
    const guidance = pictureGuidance(shown, targets)
    const compositor = new AnchorCompositor(shown, await anchorsOf(shown, [0, 3]))
    const last: number[] = []
    for await (const { stage, guidance: guided } of edit(shown, compositor, guidance, guidance.cameras, { steps: 40, samples: 32, tvWeight: 0 }))
      last[stage === 'search' ? 0 : 1] = guided
    expect(last[0]).toBeLessThan(0.6)
    expect(last[1]).toBeLessThan(0.3)
    using renderer = createRenderer(shown, compositor.codes, { samples: 32 })
    const { rgb } = await renderer.render(guidance.cameras[0])
    const error = (a: ArrayLike<number>): number => targets[0].image.reduce((sum, v, i) => sum + (v - a[i]) ** 2, 0)
    const unedited = (await render(shown, cameras[0], undefined, { samples: 32 })).rgb
    expect(error(rgb)).toBeLessThan(0.4 * error(unedited))
  })

  test('refuses what it cannot compare', () => {
    expect(() => pictureGuidance(scene, [])).toThrow('pictureGuidance: no target picture')
    expect(() => pictureGuidance(scene, [target(1), { ...target(1), camera: cameraAt(0, 6) }])).toThrow('picture 1 is 6x6, picture 0 is 12x12')
    expect(() => pictureGuidance(scene, [{ ...target(1), image: plain(1).subarray(3) }])).toThrow('picture 0 has 429 values, its camera 12x12 pixels')
    for (const mask of [new Float32Array(P), new Float32Array(3).fill(1), new Float32Array(P).fill(-1)])
      expect(() => pictureGuidance(scene, [target(1, 0, mask)])).toThrow('the mask of picture 0')
  })
})

describe('a target picture', () => {
  test('comes to the asked height with its camera, and transparent pixels do not count', () => {
    const size = 2 * SIZE
    const data = Uint8Array.from({ length: size * size * 4 }, (_, i) => (i % 4 < 3 ? 51 * (i % 4) : (i >> 2) % size < SIZE ? 255 : 0))
    const { camera, image, mask } = targetPicture({ width: size, height: size, channels: 4, data }, cameraAt(0.1, 4 * SIZE), SIZE, 'x.png')
    expect(camera).toEqual(cameraAt(0.1))
    for (const [i, value] of image.entries()) expect(value).toBeCloseTo(0.2 * (i % 3), 6)
    expect([...(mask ?? [])]).toEqual(Array.from({ length: P }, (_, i) => (i % SIZE < SIZE / 2 ? 1 : 0)))
    const grey = { width: SIZE, height: SIZE, channels: 1, data: new Uint8Array(P).fill(255) }
    expect(targetPicture(grey, cameraAt(0), SIZE, 'x.png')).toEqual({ camera: cameraAt(0), image: plain(1) })
    expect(() => targetPicture({ ...grey, width: SIZE / 2 }, cameraAt(0), SIZE, 'x.png')).toThrow(
      "x.png: the picture is 6x12, its camera's pictures are 12x12",
    )
  })

  test('has a camera of the capture’s world or of a frame, in scene units either way', async () => {
    const folder = 'assets/captures/ada-mini'
    const capture = await loadCapture(folder)
    const ada = new SceneManipulator(device, capture, { preset: 'tiny' })
    const { id, camera } = capture.frames[20]
    const path = `${folder}/camera/${id}.json`
    expect(worldCamera(ada, cameraFromJson(JSON.parse(await readFile(path, 'utf8')), path))).toEqual(camera)
    const { position, ...lens } = frameCamera(ada, id)
    expect(lens).toEqual({ ...camera, position: undefined })
    for (const axis of [0, 1, 2]) expect(position[axis]).toBeCloseTo(camera.position[axis], 9)
  })
})
