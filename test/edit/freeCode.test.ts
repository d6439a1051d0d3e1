import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { type EditStep, edit } from '../../src/edit/edit.ts'
import { FreeCode } from '../../src/edit/freeCode.ts'
import { pictureGuidance } from '../../src/edit/pictureGuidance.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { render } from '../../src/nerf/render.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { cameraAt } from '../nerf/smallScene.ts'
import { expressiveScene } from './expressiveScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())
const SAMPLES = 32

describe('a free code', () => {
  test('finds the code that target pictures show, and touches nothing of the scene', async () => {
    const scene = await expressiveScene(device)
    const before = await scene.parameters.flat.read()
    const code = constantCode(tensor(device, await scene.readCode(3), [8]))
    const targets = await Promise.all(
      [-0.2, 0.2].map(async angle => ({ camera: cameraAt(angle), image: (await render(scene, cameraAt(angle), code, { samples: SAMPLES })).rgb })),
    )
    const start = await scene.readCode(0)
    const free = new FreeCode(scene, start)
    expect(await free.read()).toEqual(start)
    const guidance = pictureGuidance(scene, targets)
    const steps: EditStep[] = []
    for await (const step of edit(scene, free, guidance, guidance.cameras, { steps: 60, samples: SAMPLES, rates: [1e-1, 1e-2], reportEvery: 1 }))
      steps.push(step)
    expect(steps[59].guidance).toBeLessThan(0.1 * steps[0].guidance)
    for (const { stage, tv, loss, guidance: guided } of steps) expect([stage, tv, loss]).toEqual(['descent', 0, guided])
    expect(await scene.parameters.flat.read()).toEqual(before)
    expect(await free.read()).not.toEqual(start)
    const [field] = await evaluate(device, [free.codes(tensor(device, [0, 0, 0, 0.4, -0.2, 0.3], [2, 3]))])
    expect([...field]).toEqual([...(await free.read()), ...(await free.read())])
  })

  test('gives its memory back, and refuses a start of another size', async () => {
    const scene = await expressiveScene(device)
    const { used } = device.memory
    new FreeCode(scene, new Float32Array(8)).release()
    expect(device.memory.used).toBe(used)
    expect(() => new FreeCode(scene, new Float32Array(7))).toThrow("FreeCode: a start of 7 numbers, the scene's codes have 8")
  })
})
