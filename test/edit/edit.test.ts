import { afterAll, describe, expect, test } from 'vitest'
import { scaleCamera } from '../../src/camera/camera.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { type EditOptions, type EditStep, edit } from '../../src/edit/edit.ts'
import type { Guidance } from '../../src/edit/guidance.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { type Device, tensor } from '../../src/tensor/device.ts'
import { square, sub } from '../../src/tensor/ops/elementwise.ts'
import { gatherRows } from '../../src/tensor/ops/gather.ts'
import { mean } from '../../src/tensor/ops/reduce.ts'
import { reshape, type Tensor } from '../../src/tensor/tensor.ts'
import { SIZE } from '../nerf/smallScene.ts'
import { expressiveScene } from './expressiveScene.ts'
import { anchorsOf } from './smallAnchors.ts'

const opened: Device[] = []
afterAll(() => {
  for (const device of opened) device[Symbol.dispose]()
})
async function openCpu(threads: number): Promise<Device> {
  const device = cpuBackend(await openCpuDevice({ threads }))
  opened.push(device)
  return device
}
const device = await openCpu(1)

const expressive = (on = device): Promise<SceneManipulator> => expressiveScene(on)

/** Enough that where they lie does not matter much: an edit's lie at random in their strata, a picture's in the middle. */
const SAMPLES = 32
const PIXELS = SIZE * SIZE * 3
const flat = (pictures: Tensor): Tensor => reshape(pictures, [1, PIXELS])

/** Towards one picture, whatever the view. */
function towards(picture: Float32Array, on = device): Guidance {
  const target = tensor(on, picture, [1, PIXELS])
  return { name: 'target', featureSize: PIXELS, describe: flat, loss: rendered => mean(square(sub(flat(rendered), target))) }
}
/** Back to the unedited picture. */
const UNEDITED: Guidance = {
  name: 'unedited',
  featureSize: PIXELS,
  describe: flat,
  loss: (picture, reference) => mean(square(sub(flat(picture), reference))),
}

/** The first view under one code, rgb [H · W · 3]. */
async function pictureOf(scene: SceneManipulator, index: number): Promise<Float32Array> {
  using renderer = createRenderer(scene, constantCode(tensor(scene.device, await scene.readCode(index), [8])), { samples: SAMPLES })
  return (await renderer.render(scene.trainingCameras[0])).rgb
}

async function run(scene: SceneManipulator, compositor: AnchorCompositor, guidance: Guidance, options: EditOptions, views = 1): Promise<EditStep[]> {
  const steps: EditStep[] = []
  for await (const step of edit(scene, compositor, guidance, scene.trainingCameras.slice(0, views), { search: false, ...options })) steps.push(step)
  return steps
}

describe('an edit', () => {
  test('lowers the guidance, moves towards the anchor that does, and touches nothing but the compositor', async () => {
    const scene = await expressive()
    const before = await scene.parameters.flat.read()
    const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [0, 3]))
    const steps = await run(scene, compositor, towards(await pictureOf(scene, 3)), {
      steps: 40,
      samples: SAMPLES,
      tvWeight: 0,
      rates: [2e-2, 1e-2],
      reportEvery: 1,
    })
    expect(steps.map(s => s.step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(steps[39].guidance).toBeLessThan(0.2 * steps[0].guidance)
    expect(steps[39]).toMatchObject({ steps: 40, eta: 0 })
    expect(await scene.parameters.flat.read()).toEqual(before)
    using renderer = createRenderer(scene, compositor.codes, { channels: compositor.ratios })
    const { channels } = await renderer.render(scene.trainingCameras[0])
    expect(channels.filter((_, i) => i % 2 === 1).reduce((a, b) => a + b) / (SIZE * SIZE)).toBeGreaterThan(0.7)
  })

  test('is guided beside the unedited picture of the same view', async () => {
    const scene = await expressive()
    const anchors = await anchorsOf(scene, [0, 0])
    // All anchors are w_R: nothing to edit, and nothing to lower.
    const steps = await run(scene, new AnchorCompositor(scene, anchors), UNEDITED, { steps: 6, tvWeight: 0, reportEvery: 1 }, 3)
    for (const { loss } of steps) expect(loss).toBeLessThan(1e-9)
    const other = await run(scene, new AnchorCompositor(scene, await anchorsOf(scene, [3, 4])), UNEDITED, { steps: 1, tvWeight: 0 })
    expect(other[0].loss).toBeGreaterThan(1e-6)
  })

  test('keeps a border between expressions softer with more weight on the total variation', async () => {
    const scene = await expressive()
    const [left, right] = [await pictureOf(scene, 3), await pictureOf(scene, 0)]
    const column = (i: number): number => Math.floor(i / 3) % SIZE
    const target = left.map((v, i) => (column(i) < SIZE / 2 ? v : right[i]))
    const tv: number[] = []
    for (const tvWeight of [0, 1]) {
      const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [0, 3]))
      const steps = await run(scene, compositor, towards(target), { steps: 30, tvWeight, rates: [2e-2, 1e-2] })
      const { loss, guidance, tv: last } = steps[steps.length - 1]
      expect(loss).toBeCloseTo(guidance + tvWeight * last, 6)
      tv.push(last)
    }
    expect(tv[1]).toBeLessThan(0.1 * tv[0])
  })

  test('begins at the best patchwork of whole anchors, where a descent of its own is still far away', async () => {
    const scene = await expressive()
    const anchors = await anchorsOf(scene, [0, 3])
    const [left, right] = [await pictureOf(scene, 3), await pictureOf(scene, 0)]
    const target = towards(left.map((v, i) => (Math.floor(i / 3) % SIZE < SIZE / 2 ? v : right[i])))
    const options = { samples: SAMPLES, steps: 1, rates: [1e-9, 1e-9], tvWeight: 0, reportEvery: 1 } as const
    const compositor = new AnchorCompositor(scene, anchors)
    const searched = await run(scene, compositor, target, { ...options, search: true })
    const search = searched.filter(s => s.stage === 'search')
    const guided = search.map(s => s.guidance)
    expect(search.map(s => s.step)).toEqual(search.map((_, i) => i + 1))
    expect(guided).toEqual([...guided].sort((a, b) => b - a))
    // A patchwork beats both whole anchors, and the compositor has learnt it.
    expect(guided[guided.length - 1]).toBeLessThan(0.5 * guided[1])
    const [{ guidance: plain }] = await run(scene, new AnchorCompositor(scene, anchors), target, options)
    expect(searched[searched.length - 1].guidance).toBeLessThan(0.5 * plain)
    using renderer = createRenderer(scene, compositor.codes, { channels: compositor.ratios })
    const { channels } = await renderer.render(scene.trainingCameras[0])
    const share = (half: (column: number) => boolean): number => {
      const pixels = Array.from({ length: SIZE * SIZE }, (_, i) => i).filter(i => half(i % SIZE))
      return pixels.reduce((sum, i) => sum + channels[2 * i + 1], 0) / pixels.length
    }
    expect(share(c => c < SIZE / 2)).toBeGreaterThan(0.2 + share(c => c >= SIZE / 2))
  })

  test('searches nothing where all anchors look alike', async () => {
    const scene = await expressive()
    const steps = await run(scene, new AnchorCompositor(scene, await anchorsOf(scene, [0, 0])), UNEDITED, { search: true, steps: 1, reportEvery: 1 })
    expect(steps.map(s => s.stage)).toEqual(['search', 'search', 'descent'])
  })

  test('gives the same bits with 1, 2 and 4 threads, and others with another seed', async () => {
    const results: number[][] = []
    for (const [threads, seed] of [
      [1, 0],
      [2, 0],
      [4, 0],
      [1, 1],
    ]) {
      const scene = await expressive(await openCpu(threads))
      const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [0, 3]))
      const steps = await run(
        scene,
        compositor,
        towards(await pictureOf(scene, 3), scene.device),
        { search: true, samples: 4, steps: 7, reportEvery: 1, seed },
        3,
      )
      results.push([...steps.map(s => s.loss), ...(await compositor.parameters.flat.read())])
    }
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
    expect(results[3]).not.toEqual(results[0])
  })

  test('looks at every view once per round', async () => {
    const scene = await expressive()
    // The guidance is the view's own number, which tells which view a step saw.
    let described = 0
    const views: Guidance = {
      name: 'view',
      featureSize: 1,
      describe: picture => reshape(mean(picture), [1, 1]),
      loss: (_, reference) => {
        described++
        return reshape(reference, [])
      },
    }
    const steps = await run(scene, new AnchorCompositor(scene, await anchorsOf(scene, [0, 3])), views, { steps: 10, reportEvery: 1, tvWeight: 0 }, 5)
    expect(described).toBe(1)
    for (const round of [steps.slice(0, 5), steps.slice(5)]) expect(new Set(round.map(s => s.guidance)).size).toBe(5)
    expect(new Set(steps.map(s => s.guidance)).size).toBe(5)
  })

  test('tells the guidance which view it describes', async () => {
    const scene = await expressive()
    const names = tensor(device, [10, 11, 12, 13], [4, 1])
    const numbered: Guidance = {
      name: 'number',
      featureSize: 1,
      describe: (_, views) => gatherRows(names, views),
      loss: (_, reference) => reshape(reference, []),
    }
    const steps = await run(
      scene,
      new AnchorCompositor(scene, await anchorsOf(scene, [0, 3])),
      numbered,
      { steps: 4, reportEvery: 1, tvWeight: 0 },
      4,
    )
    expect(steps.map(s => s.guidance).sort()).toEqual([10, 11, 12, 13])
  })

  test('ends after its step when aborted, and gives its memory back', async () => {
    const scene = await expressive()
    const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [0, 3]))
    const target = towards(await pictureOf(scene, 3))
    const { used } = device.memory
    const controller = new AbortController()
    const seen: number[] = []
    for await (const { step } of edit(scene, compositor, target, scene.trainingCameras, {
      search: false,
      steps: 20,
      reportEvery: 1,
      signal: controller.signal,
    })) {
      seen.push(step)
      if (step === 2) controller.abort()
    }
    expect(seen).toEqual([1, 2])
    expect(device.memory.used).toBe(used)
  })

  test('refuses no views, views of different sizes, and a loss that is no number', async () => {
    const scene = await expressive()
    const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [0, 3]))
    const [first, second] = scene.trainingCameras
    const target = towards(await pictureOf(scene, 3))
    await expect(edit(scene, compositor, target, []).next()).rejects.toThrow('edit: no views; give at least one camera')
    await expect(edit(scene, compositor, target, [first, scaleCamera(second, 0.5)]).next()).rejects.toThrow('edit: the views differ in size')
    const broken = towards(new Float32Array(PIXELS).fill(Number.NaN))
    await expect(edit(scene, compositor, broken, [first], { reportEvery: 1 }).next()).rejects.toThrow('edit: the loss is NaN before the first step')
    const unsearched = edit(scene, compositor, broken, [first], { search: false, reportEvery: 1 })
    await expect(unsearched.next()).rejects.toThrow('edit: the loss is NaN at step 1')
  })
})
