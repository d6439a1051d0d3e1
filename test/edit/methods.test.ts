import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import type { EditOptions, EditStep } from '../../src/edit/edit.ts'
import { EDIT_METHODS, type EditMethod, editMethod, firstAnchors, type StartedMethod } from '../../src/edit/methods.ts'
import { type PictureGuidance, pictureGuidance } from '../../src/edit/pictureGuidance.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { createRenderer, render } from '../../src/nerf/render.ts'
import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { cameraAt } from '../nerf/smallScene.ts'
import { expressiveScene } from './expressiveScene.ts'
import { anchorsOf } from './smallAnchors.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())
const SAMPLES = 16

/** Pictures of code 3 by T and H both, which no method starts at: anchors are codes 0, 2 and 4. */
async function targets(scene: SceneManipulator): Promise<PictureGuidance> {
  const code = constantCode(tensor(device, await scene.readCode(3), [8]))
  const cameras = [-0.2, 0.2].map(angle => cameraAt(angle))
  const shown = await Promise.all(
    cameras.map(async camera => ({ camera, image: (await render(scene, camera, code, { samples: SAMPLES, warp: code })).rgb })),
  )
  return pictureGuidance(scene, shown)
}

async function pictureOf({ scene, codes, warp }: StartedMethod): Promise<Float32Array> {
  using renderer = createRenderer(scene, codes, { samples: SAMPLES, ...(warp && { warp }) })
  return (await renderer.render(scene.trainingCameras[0])).rgb
}

const unedited = async (scene: SceneManipulator): Promise<Float32Array> => {
  using renderer = createRenderer(scene, scene.referenceField, { samples: SAMPLES })
  return (await renderer.render(scene.trainingCameras[0])).rgb
}

async function run(method: StartedMethod, guidance: PictureGuidance, options: EditOptions = {}): Promise<EditStep[]> {
  const steps: EditStep[] = []
  for await (const step of method.edit(guidance, guidance.cameras, { steps: 30, samples: SAMPLES, reportEvery: 1, ...options })) steps.push(step)
  return steps
}

describe('every method', () => {
  const trained = Object.entries<EditMethod>(EDIT_METHODS).filter(([name]) => name !== 'no-edit')
  test.each(trained)('%s lowers its guidance, changes the picture, and leaves the scene its bits and memory', async (_, method) => {
    const scene = await expressiveScene(device)
    const anchors = await anchorsOf(scene, [0, 2, 4])
    const guidance = await targets(scene)
    const [before, picture] = [await scene.parameters.flat.read(), await unedited(scene)]
    const { used } = device.memory
    const started = await method.start(scene, anchors, { seed: 1 })
    const descent = (await run(started, guidance, { search: method === EDIT_METHODS['nerfies+i'] ? false : undefined })).filter(
      s => s.stage === 'descent',
    )
    const mean = (of: readonly EditStep[]): number => of.reduce((sum, { guidance }) => sum + guidance / of.length, 0)
    expect(descent).toHaveLength(30)
    expect(mean(descent.slice(-4))).toBeLessThan(mean(descent.slice(0, 4)))
    expect(await pictureOf(started)).not.toEqual(picture)
    started.release()
    expect(device.memory.used).toBe(used)
    expect(await scene.parameters.flat.read()).toEqual(before)
    expect(await unedited(scene)).toEqual(picture)
  })

  test('no edit takes no step and shows the unedited scene', async () => {
    const scene = await expressiveScene(device)
    const picture = await unedited(scene)
    const started = await EDIT_METHODS['no-edit'].start(scene)
    expect(await run(started, await targets(scene))).toEqual([])
    expect(await pictureOf(started)).toEqual(picture)
  })
})

describe('what a method trains', () => {
  test('all weights: on a copy, whose picture changes as the guidance saw it', async () => {
    const scene = await expressiveScene(device)
    const guidance = await targets(scene)
    const started = await EDIT_METHODS['nerf+ft'].start(scene, await anchorsOf(scene, [0, 2]))
    expect(await pictureOf(started)).toEqual(await unedited(scene))
    const [first] = await run(started, guidance, { steps: 1 })
    // The unedited picture is all of its own error.
    expect(first.guidance).toBeCloseTo(1, 1)
    const changed = await started.scene.parameters.read()
    const moved = [...(await scene.parameters.read())].filter(([name, { data }]) => data.some((value, i) => value !== changed.get(name)?.data[i]))
    const groups = new Set(moved.map(([name]) => scene.parameters.specs[name].group))
    expect([...groups].sort()).toEqual(['deformation', 'grid', 'slicing', 'template'])
    started.release()
  })

  test('a code in T and H shows what a frame showed when both had its code', async () => {
    const scene = await expressiveScene(device)
    const started = await EDIT_METHODS['hypernerf+i'].start(scene, await anchorsOf(scene, [0, 3]))
    const descent = (await run(started, await targets(scene), { steps: 1 })).at(-1)
    // The search found anchor 3, code of the targets.
    expect(descent?.guidance).toBeLessThan(0.05)
    started.release()
  })

  test('a code in T alone leaves H with w_R, one in H alone leaves T', async () => {
    const scene = await expressiveScene(device)
    const anchors = await anchorsOf(scene, [0, 3])
    const both = await Promise.all(
      (['nerfies+i', 'hypernerf+i-h'] as const).map(async name => {
        const { codes, warp } = await EDIT_METHODS[name].start(scene, anchors)
        return [codes.constant === scene.referenceField.constant, warp !== undefined]
      }),
    )
    expect(both[1][1]).toBe(false)
    expect(both[0][1]).toBe(true)
  })

  test('fewer anchors are the first ones, neutral among them; more than there are are refused', async () => {
    const scene = await expressiveScene(device)
    const anchors = await anchorsOf(scene, [0, 3, 4])
    const two = firstAnchors(anchors, 2)
    expect(two).toMatchObject({ indices: [0, 3], frames: ['train0', 'train3'], codes: anchors.codes.slice(0, 16) })
    expect(() => firstAnchors(anchors, 4)).toThrow('firstAnchors: 4 of 3 anchors; select more')
  })
})

test('an unknown method is refused with the names there are', () => {
  expect(() => editMethod('magic')).toThrow('editMethod: no method "magic"; there are pac, hypernerf+i')
  expect(editMethod('nerf+ft').name).toBe('NeRF+FT')
})
