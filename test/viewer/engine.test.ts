/** The viewer's engine without a page: its messages, its strips, and what it says of broken files. */
import { afterAll, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { saveEdit } from '../../src/edit/editFile.ts'
import { FreeCode } from '../../src/edit/freeCode.ts'
import { blend } from '../../src/nerf/codeField.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import { saveScene } from '../../src/nerf/sceneFile.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { Engine } from '../../viewer/engine.ts'
import type { Drawn, FromEngine, Ready } from '../../viewer/messages.ts'
import { cameraAt, smallScene } from '../nerf/smallScene.ts'

process.env.FACECLIPNERF_DEVICE = 'cpu'
const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())
const scene = smallScene(device)
const edited = new FreeCode(scene, new Float32Array(8).fill(0.7))
const sceneFile = { name: 'a.scene', bytes: await saveScene(scene) }
const editFile = { name: 'a.edit', bytes: await saveEdit(edited, { prompt: 'far', strength: 0.5, steps: 0, seed: 0 }) }
const frames = [{ label: 'recorded', frame: 'train3' }]

function start() {
  const messages: FromEngine[] = []
  const engine = new Engine(message => messages.push(message))
  return { engine, messages }
}

test('tells what there is, and draws in strips what the library renders', async () => {
  const { engine, messages } = start()
  await engine.receive({ type: 'open', scene: sceneFile, edits: [editFile], frames })
  const ready = messages[0] as Ready
  expect(ready).toMatchObject({ type: 'ready', kind: 'cpu' })
  expect(ready.expressions).toEqual([
    { label: 'neutral', strength: 1 },
    { label: 'far', strength: 0.5 },
    { label: 'recorded', strength: 1 },
  ])
  expect(ready.cameras).toHaveLength(6)
  const camera = cameraAt(0.1, 71) // more rows than a strip has, and not a multiple of them
  await engine.receive({ type: 'draw', id: 7, before: false, camera, expression: 1, strength: 0.4 })
  const drawn = messages[1] as Drawn
  expect(drawn).toMatchObject({ type: 'drawn', id: 7, width: 71, height: 71 })
  using renderer = createRenderer(scene, blend(scene.referenceField, edited.codes, 0.4))
  const { rgb } = await renderer.render(camera)
  for (let i = 0; i < rgb.length; i++) expect(Math.abs(drawn.pixels[Math.floor(i / 3) * 4 + (i % 3)] - 255 * rgb[i])).toBeLessThan(1.5)
})

test('lets go of a picture when a newer one is wanted', async () => {
  const { engine, messages } = start()
  await engine.receive({ type: 'open', scene: sceneFile, edits: [], frames })
  const draw = (id: number) => engine.receive({ type: 'draw', id, before: false, camera: cameraAt(0, 120), expression: 1, strength: 1 })
  await Promise.all([1, 2, 3].map(draw))
  const outcomes = messages
    .slice(1)
    .map(message => (message.type === 'drawn' || message.type === 'dropped' ? `${message.type} ${message.id}` : message.type))
  expect(outcomes.at(-1)).toBe('drawn 3')
  expect(outcomes).toContain('dropped 1')
  expect(outcomes).toContain('dropped 2')
})

test('says what is wrong with files and requests', async () => {
  const { engine, messages } = start()
  await engine.receive({ type: 'open', scene: { name: 'a.scene', bytes: sceneFile.bytes.subarray(0, 99) }, edits: [], frames: [] })
  expect(messages[0]).toMatchObject({ type: 'failed', message: expect.stringContaining('a.scene: ') })
  await engine.receive({ type: 'draw', id: 1, before: false, camera: cameraAt(0), expression: 9, strength: 1 })
  expect(messages[1]).toMatchObject({ type: 'failed', message: 'viewer: no expression 9; there are 0' })
})
