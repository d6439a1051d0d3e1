import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { parseSafetensors, writeSafetensors } from '../../src/io/safetensors.ts'
import { psnr } from '../../src/metrics/psnr.ts'
import { constantCode } from '../../src/nerf/codeField.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import { loadScene, saveScene } from '../../src/nerf/sceneFile.ts'
import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { train } from '../../src/nerf/train.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { smallCapture, smallScene } from './smallScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 2 }))
afterAll(() => device[Symbol.dispose]())

const scene = smallScene(device)
for await (const _ of train(scene, smallCapture(), { until: 2 }));
await scene.setReference(3)
const bytes = await saveScene(scene)

async function picture(of: SceneManipulator) {
  const code = await of.readCode(1)
  using renderer = createRenderer(of, constantCode(tensor(device, code, [code.length])))
  return await renderer.render(of.description.frames[5].camera)
}

test('a loaded scene renders the same bits', async () => {
  const loaded = await loadScene(device, bytes, 'ada.scene')
  expect(await picture(loaded)).toEqual(await picture(scene))
  expect(JSON.stringify(loaded.description)).toBe(JSON.stringify(scene.description))
  expect([loaded.step, loaded.referenceCode]).toEqual([2, 3])
  expect(loaded.optimizer).toBeUndefined()
})

test('the same scene gives the same bytes, also after loading', async () => {
  expect(await saveScene(scene)).toEqual(bytes)
  expect(await saveScene(await loadScene(device, bytes, 'ada.scene'))).toEqual(bytes)
})

test('moments are kept for training only', async () => {
  const names = (file: Uint8Array): string[] => [...parseSafetensors(file, 'test').tensors.keys()].filter(name => name.startsWith('adam/'))
  expect(names(bytes)).toEqual([])
  const forTraining = await saveScene(scene, { training: true })
  expect(names(forTraining)).toEqual(['adam/m', 'adam/v'])
  const loaded = await loadScene(device, forTraining, 'ada.scene')
  expect(await loaded.optimizer?.m.read()).toEqual(await scene.optimizer?.m.read())
})

test('half precision: half the bytes, the same codes and nearly the same picture', async () => {
  const half = await saveScene(scene, { precision: 'half' })
  const dtypes = new Map([...parseSafetensors(half, 'test').tensors].map(([name, { dtype }]) => [name, dtype]))
  expect(dtypes.get('codes')).toBe('F32')
  expect(new Set([...dtypes].filter(([name]) => name !== 'codes').map(([, dtype]) => dtype))).toEqual(new Set(['F16']))
  const loaded = await loadScene(device, half, 'ada.scene')
  expect(await loaded.readCode(1)).toEqual(await scene.readCode(1))
  expect(psnr((await picture(loaded)).rgb, (await picture(scene)).rgb)).toBeGreaterThan(60)
  expect(await saveScene(loaded, { precision: 'half' })).toEqual(half)
  await expect(saveScene(scene, { precision: 'half', training: true })).rejects.toThrow('saveScene: training goes on from f32 weights')
})

describe('a file that is not a whole scene is refused by name', () => {
  const { tensors, metadata } = parseSafetensors(bytes, 'test')
  const refuse = (file: Uint8Array, message: string): Promise<void> => expect(loadScene(device, file, 'ada.scene')).rejects.toThrow(message)
  const without = (name: string): Uint8Array => writeSafetensors(new Map([...tensors].filter(([key]) => key !== name)), metadata)
  const withMetadata = (changes: Record<string, string>): Uint8Array => writeSafetensors(tensors, { ...metadata, ...changes })

  test('cut anywhere', async () => {
    for (const share of [0, 0.01, 0.5, 0.999]) await refuse(bytes.subarray(0, Math.floor(bytes.length * share)), 'ada.scene: ')
  })

  test('another format', async () => {
    await refuse(
      withMetadata({ format: 'faceclipnerf.edit' }),
      'ada.scene: not a scene file (format "faceclipnerf.edit"); make one with faceclipnerf train',
    )
    await refuse(writeSafetensors(new Map()), 'not a scene file (format "none")')
  })

  test('another version', () => refuse(withMetadata({ version: '3' }), 'ada.scene: scene version 3, this program reads 2; update faceclipnerf'))

  test('a broken header', async () => {
    for (const header of ['', '{', '{}', 'null']) await refuse(withMetadata({ header }), 'ada.scene: the scene header is missing or broken')
  })

  test('a missing parameter or grid', async () => {
    await refuse(without('codes'), 'ada.scene: parameter codes is missing')
    await refuse(without('grid/density'), 'ada.scene: grid/density has 0 cells, expected 512')
  })

  test('and its memory given back', async () => {
    const { used } = device.memory
    await refuse(without('grid/density'), 'grid/density')
    expect(device.memory.used).toBe(used)
  })

  test('moments of other parameters', async () => {
    const moments = { dtype: 'F32', shape: [3], data: new Float32Array(3) }
    const file = writeSafetensors(new Map([...tensors]).set('adam/m', moments).set('adam/v', moments), metadata)
    await refuse(file, "ada.scene: the optimiser's moments do not fit")
  })
})
