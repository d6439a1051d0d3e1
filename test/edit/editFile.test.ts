import { afterAll, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { loadEdit, saveEdit } from '../../src/edit/editFile.ts'
import { parseSafetensors, writeSafetensors } from '../../src/io/safetensors.ts'
import { createRenderer, type RenderedImage } from '../../src/nerf/render.ts'
import { loadScene, saveScene } from '../../src/nerf/sceneFile.ts'
import { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { smallScene } from '../nerf/smallScene.ts'
import { anchorsOf } from './smallAnchors.ts'

const device = cpuBackend(await openCpuDevice({ threads: 2 }))
afterAll(() => device[Symbol.dispose]())

const scene = smallScene(device)
await scene.setReference(2)
const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [2, 0, 4]), { seed: 3, neutral: 0.6 })
const DESCRIPTION = { prompt: 'a surprised face', strength: 0.9, steps: 100, seed: 3 }
const bytes = await saveEdit(compositor, DESCRIPTION)

async function picture({ scene, codes, ratios }: AnchorCompositor): Promise<RenderedImage> {
  using renderer = createRenderer(scene, codes, { channels: ratios })
  return await renderer.render(scene.description.frames[0].camera)
}

test('a loaded edit renders the same bits, ratios included, and sets w_R to its neutral anchor', async () => {
  const other = await loadScene(device, await saveScene(scene), 'ada.scene')
  await other.setReference(1)
  const loaded = await loadEdit(other, bytes, 'surprised.edit')
  expect(loaded.description).toEqual(DESCRIPTION)
  expect(loaded.compositor.anchors).toEqual(compositor.anchors)
  expect(loaded.compositor.neutral).toBe(0.6)
  expect(other.referenceCode).toBe(2)
  expect(await picture(loaded.compositor)).toEqual(await picture(compositor))
  expect(await saveEdit(loaded.compositor, loaded.description)).toEqual(bytes)
})

describe('is refused by name', () => {
  const { tensors, metadata } = parseSafetensors(bytes, 'test')
  const refuse = (file: Uint8Array, message: string, on = scene): Promise<void> =>
    expect(loadEdit(on, file, 'surprised.edit')).rejects.toThrow(message)
  const without = (name: string): Uint8Array => writeSafetensors(new Map([...tensors].filter(([key]) => key !== name)), metadata)
  const withMetadata = (changes: Record<string, string>): Uint8Array => writeSafetensors(tensors, { ...metadata, ...changes })

  test('on a scene further trained', async () => {
    const trained = smallScene(device)
    trained.setStep(7)
    await refuse(bytes, 'surprised.edit: made on scene "disc" at step 0, this is "disc" at step 7; use that scene or edit again', trained)
  })

  test('on a scene of another name, and on another training of the same', async () => {
    const { description } = scene
    await refuse(bytes, 'this is "bob" at step 0', new SceneManipulator(device, { ...description, name: 'bob' }))
    await refuse(bytes, 'this is another training of it, with other latent codes', smallScene(device, { seed: 8 }))
  })

  test('cut, of another format or version, or with a broken header', async () => {
    for (const share of [0, 0.3, 0.99]) await refuse(bytes.subarray(0, Math.floor(bytes.length * share)), 'surprised.edit: ')
    await refuse(await saveScene(scene), 'surprised.edit: not an edit file (format "faceclipnerf.scene")')
    await refuse(withMetadata({ version: '9' }), 'surprised.edit: edit version 9, this program reads 1')
    for (const header of ['', '{}', 'null']) await refuse(withMetadata({ header }), 'surprised.edit: the edit header is missing or broken')
  })

  test('without its anchors or weights', async () => {
    await refuse(without('anchors'), 'surprised.edit: the anchor codes are missing or of another size')
    await refuse(without('P/logit/bias'), 'surprised.edit: parameter P/logit/bias is missing')
  })
})
