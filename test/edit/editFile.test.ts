import { afterAll, assert, describe, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { AnchorCompositor } from '../../src/edit/anchorCompositor.ts'
import { loadEdit, saveEdit } from '../../src/edit/editFile.ts'
import { FreeCode } from '../../src/edit/freeCode.ts'
import { parseSafetensors, writeSafetensors } from '../../src/io/safetensors.ts'
import { adjustableCodes } from '../../src/nerf/adjustableCodes.ts'
import type { CodeField } from '../../src/nerf/codeField.ts'
import { createRenderer, type RenderedImage } from '../../src/nerf/render.ts'
import { loadScene, saveScene } from '../../src/nerf/sceneFile.ts'
import { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { tensor } from '../../src/tensor/device.ts'
import { evaluate } from '../../src/tensor/plan.ts'
import { smallScene } from '../nerf/smallScene.ts'
import { randomValues } from '../tensor/opCase.ts'
import { anchorsOf } from './smallAnchors.ts'

const device = cpuBackend(await openCpuDevice({ threads: 2 }))
afterAll(() => device[Symbol.dispose]())

const scene = smallScene(device)
await scene.setReference(2)
const compositor = new AnchorCompositor(scene, await anchorsOf(scene, [2, 0, 4]), { seed: 3, neutral: 0.6 })
const DESCRIPTION = { prompt: 'a surprised face', strength: 0.9, steps: 100, seed: 3 }
const bytes = await saveEdit(compositor, DESCRIPTION)

const free = new FreeCode(scene, randomValues(8, 4))
const freeBytes = await saveEdit(free, { ...DESCRIPTION, prompt: 'like a.png' })

async function picture({ scene, codes }: AnchorCompositor | FreeCode, ratios?: AnchorCompositor['ratios']): Promise<RenderedImage> {
  using renderer = createRenderer(scene, codes, { channels: ratios })
  return await renderer.render(scene.description.frames[0].camera)
}

/** The same scene from its file, with another w_R. */
async function otherScene(): Promise<SceneManipulator> {
  const other = await loadScene(device, await saveScene(scene), 'ada.scene')
  await other.setReference(1)
  return other
}

interface Header {
  readonly layers: readonly Record<string, unknown>[]
  readonly [key: string]: unknown
}

/** The file with its header changed, perhaps as another version. */
function rewritten(bytes: Uint8Array, change: (header: Header) => object, version = '3'): Uint8Array {
  const { tensors, metadata } = parseSafetensors(bytes, 'test')
  return writeSafetensors(tensors, { ...metadata, version, header: JSON.stringify(change(JSON.parse(metadata.header))) })
}
/** As versions 1 and 2 had it: one layer, without being called so. */
const flat = ({ layers: [layer], scene, sceneStep }: Header): object => ({ ...layer, scene, sceneStep })
/** With the only layer changed. */
const relayered = (bytes: Uint8Array, change: object): Uint8Array =>
  rewritten(bytes, ({ layers: [layer], ...header }) => ({ ...header, layers: [{ ...layer, ...change }] }))

test('a loaded edit renders the same bits, ratios included, and sets w_R to its neutral anchor', async () => {
  const other = await otherScene()
  const { field, description } = await loadEdit(other, bytes, 'surprised.edit')
  assert(field instanceof AnchorCompositor)
  expect(description).toEqual(DESCRIPTION)
  expect(field.anchors).toEqual(compositor.anchors)
  expect(field.neutral).toBe(0.6)
  expect(other.referenceCode).toBe(2)
  expect(await picture(field, field.ratios)).toEqual(await picture(compositor, compositor.ratios))
  expect(await saveEdit(field, description)).toEqual(bytes)
})

test('an edit of version 1, whose kind goes without saying, is one of anchors', async () => {
  const { field } = await loadEdit(
    scene,
    rewritten(bytes, header => ({ ...flat(header), kind: undefined }), '1'),
    'old.edit',
  )
  assert(field instanceof AnchorCompositor)
  expect(await saveEdit(field, DESCRIPTION)).toEqual(bytes)
})

test('an edit of version 2 is a chain of one', async () => {
  for (const [file, field] of [
    [bytes, compositor],
    [freeBytes, free],
  ] as const) {
    const { field: loaded, description, history } = await loadEdit(scene, rewritten(file, flat, '2'), 'old.edit')
    expect(history).toEqual([description])
    expect(await saveEdit(loaded, description)).toEqual(file)
    expect(await picture(loaded)).toEqual(await picture(field))
  }
})

test('a loaded free code renders the same bits under the w_R it was made with', async () => {
  const other = await otherScene()
  const { field, description } = await loadEdit(other, freeBytes, 'like.edit')
  assert(field instanceof FreeCode)
  expect(description.prompt).toBe('like a.png')
  expect(await field.read()).toEqual(await free.read())
  expect(other.referenceCode).toBe(2)
  expect(await picture(field)).toEqual(await picture(free))
  expect(await saveEdit(field, description)).toEqual(freeBytes)
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
    await refuse(withMetadata({ version: '9' }), 'surprised.edit: edit version 9, this program reads 1, 2 and 3; update faceclipnerf')
    for (const header of ['', '{}', 'null']) await refuse(withMetadata({ header }), 'surprised.edit: the edit header is missing or broken')
  })

  test('without its anchors or weights', async () => {
    await refuse(without('anchors'), 'surprised.edit: the anchor codes are missing or of another size')
    await refuse(without('P/logit/bias'), 'surprised.edit: parameter P/logit/bias is missing')
  })

  test('of a kind unknown, and a free code cut, without its code or w_R, or with too many', async () => {
    await refuse(relayered(bytes, { kind: 'mesh' }), 'surprised.edit: an edit of kind "mesh"; this program reads anchors and code')
    for (const share of [0, 0.3, 0.99]) await refuse(freeBytes.subarray(0, Math.floor(freeBytes.length * share)), 'surprised.edit: ')
    const { tensors: parts, metadata: about } = parseSafetensors(freeBytes, 'test')
    const freeWithout = (name: string): Uint8Array => writeSafetensors(new Map([...parts].filter(([key]) => key !== name)), about)
    await refuse(freeWithout('code'), 'surprised.edit: parameter code is missing')
    await refuse(freeWithout('reference'), 'surprised.edit: the reference code is missing or of another size; edit again')
    await refuse(relayered(freeBytes, { indices: [2, 3] }), 'surprised.edit: the edit header is missing or broken')
    await refuse(freeBytes, 'this is another training of it, with other latent codes', smallScene(device, { seed: 8 }))
  })
})

test('anchors that are taken less far come back so, mixed as strengths of their own mix them; wrong gains are refused', async () => {
  const gains = [1, 0.5, 1.2]
  const own = new AnchorCompositor(scene, compositor.anchors, { neutral: 0.6, gains })
  own.startFrom(compositor)
  const { field } = await loadEdit(await otherScene(), await saveEdit(own, DESCRIPTION), 'less.edit')
  assert(field instanceof AnchorCompositor)
  expect([field.gains, field.anchors.codes]).toEqual([gains, compositor.anchors.codes])
  using adjustable = await adjustableCodes(scene, compositor.anchors.codes, compositor.ratios)
  adjustable.setStrengths(gains)
  const points = tensor(device, randomValues(12, 9), [4, 3])
  const codesOf = async (codes: CodeField): Promise<number[]> => [...(await evaluate(device, [codes(points)]))[0]]
  const wanted = await codesOf(adjustable.codes)
  expect(await codesOf(field.codes)).toEqual(wanted)
  expect(await codesOf(compositor.codes)).not.toEqual(wanted)
  expect(() => new AnchorCompositor(scene, compositor.anchors, { gains: [1] })).toThrow('gains [1] for 3 anchors')
  await expect(loadEdit(scene, relayered(bytes, { gains: [1, 2] }), 'x.edit')).rejects.toThrow('x.edit: the edit header is missing or broken')
})
