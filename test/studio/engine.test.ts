/** The worker's engine without a browser: the demo's scene on the CPU device, a canvas that only counts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeImage } from '../../src/index.ts'
import type { FromWorker, View } from '../../studio/src/protocol/messages.ts'
import { projector } from '../../studio/src/viewer/projection.ts'
import { Engine } from '../../studio/src/worker/engine.ts'
import { ROOT } from '../house/scratchBuild.ts'
import { withImageData } from './nodeImageData.ts'
import { zippedCapture } from './zippedCapture.ts'

const messages: FromWorker[] = []
const engine = new Engine(message => messages.push(message))
const task = { signal: new AbortController().signal, say: () => undefined }

/** Remembers the last picture. */
class CountingCanvas {
  width = 0
  height = 0
  pictures = 0
  last = new Uint8ClampedArray()
  getContext(kind: string) {
    if (kind !== '2d') return null
    return {
      putImageData: ({ data }: { data: Uint8ClampedArray<ArrayBuffer> }) => {
        this.pictures++
        this.last = data.slice()
      },
    }
  }
}

const start = (canvas: CountingCanvas) =>
  engine.handlers.start({ canvas: canvas as unknown as OffscreenCanvas, device: 'cpu', base: 'http://localhost/' }, task)

/** Waits for the next picture that came after `since` messages. */
async function frame(since: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (messages.slice(since).some(m => m.kind === 'frame')) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`no picture; the worker said ${JSON.stringify(messages.slice(since))}`)
}

withImageData()

test('a scene with its edit opens, is drawn, compared, saved, and comes back on another device with the same face', async () => {
  const canvas = new CountingCanvas()
  expect((await start(canvas)).kind).toBe('cpu')
  const bytes = Uint8Array.from(readFileSync(join(ROOT, 'assets/demo/ada.zip')))
  const opened = await engine.handlers.open({ files: [{ name: 'ada.zip', bytes }] }, task)
  if (!('scene' in opened)) throw new Error('the demo is no capture')
  const { scene } = opened
  expect(scene).toMatchObject({ name: 'ada-mini', preset: 'tiny', aspect: 1 })
  expect(scene.edits.map(edit => edit.prompt)).toEqual(['a surprised face'])
  const [{ id, anchors }] = scene.edits
  expect(anchors.length).toBeGreaterThan(2)

  const view: View = { pose: scene.frames[0].pose, moving: true, mode: 'color', face: {}, pixels: 32 }
  let since = messages.length
  engine.show(view)
  await frame(since)
  const plain = canvas.last
  expect([canvas.width, canvas.height, plain.length]).toEqual([32, 32, 32 * 32 * 4])

  const show = async (change: Partial<View>): Promise<Uint8ClampedArray> => {
    since = messages.length
    engine.show({ ...view, ...change })
    await frame(since)
    return canvas.last
  }
  const face = { edit: id, strengths: anchors.map(() => 1) }
  const edited = await show({ face })
  expect(edited).not.toEqual(plain)
  // At no strength an edit is the unedited face, up to the rounding of another sum.
  const none = await show({ face: { edit: id, strengths: anchors.map(() => 0) } })
  expect(Math.max(...none.map((v, i) => Math.abs(v - plain[i])))).toBeLessThanOrEqual(1)

  const halves = await show({ face, compare: { face: {}, split: 0.5 } })
  const row = (pixels: Uint8ClampedArray, y: number, from: number, to: number) => [...pixels.slice(4 * (32 * y + from), 4 * (32 * y + to))]
  expect(row(halves, 20, 0, 16)).toEqual(row(plain, 20, 0, 16))
  expect(row(halves, 20, 16, 32)).toEqual(row(edited, 20, 16, 32))

  // A stroke over the nose: its points are where the face is, and project back under it.
  const painted = await engine.handlers.paint({ pose: view.pose, face, stroke: { path: [[0.5, 0.55]], radius: 0.08 } }, task)
  expect(painted.points.length / 3).toBeGreaterThan(250)
  expect(Math.max(...painted.points.map(Math.abs))).toBeLessThan(0.8)
  const project = projector(scene, view.pose)
  for (let i = 0; i < painted.points.length; i += 3) {
    const seen = project([painted.points[i], painted.points[i + 1], painted.points[i + 2]])
    expect(seen && Math.hypot(seen.at[0] - 0.5, seen.at[1] - 0.55)).toBeLessThan(0.085)
  }

  // What the sliders of its expressions say is in the file.
  const gains = scene.edits[0].anchors.map((_, k) => (k === 2 ? 0.5 : 1))
  const saved = await engine.handlers.saveEdit({ edit: id, strength: 0.8, gains }, task)
  expect(saved.name).toBe('a-surprised-face.edit')
  const again = await engine.handlers.open({ files: [saved] }, task)
  if (!('scene' in again)) throw new Error('an edit of the scene that is open')
  expect(again.scene.edits.at(-1)).toMatchObject({ prompt: 'a surprised face', strength: 0.8, gains })
  const picture = await engine.handlers.picture({ view: { ...view, mode: 'depth' }, side: 24 }, task)
  expect(new TextDecoder('latin1').decode(picture.bytes.subarray(1, 4))).toBe('PNG')

  const second = new CountingCanvas()
  since = messages.length
  await start(second)
  await frame(since) // the view that was shown last, again
  since = messages.length
  engine.show({ ...view, face })
  await frame(since)
  expect(second.last).toEqual(edited)
  expect(messages.filter(m => m.kind === 'trouble')).toEqual([])
}, 120_000)

test('a scene opened with its capture: what a camera saw, and the face as it was then', async () => {
  const canvas = new CountingCanvas()
  await start(canvas)
  const scene = Uint8Array.from(readFileSync(join(ROOT, 'assets/demo/ada.zip')))
  const capture = Uint8Array.from(zippedCapture())
  const opened = await engine.handlers.open(
    {
      files: [
        { name: 'ada.zip', bytes: scene },
        { name: 'ada-mini.zip', bytes: capture },
      ],
    },
    task,
  )
  if (!('scene' in opened)) throw new Error('a scene beside it: not to be trained')
  expect(opened.scene.hasTruth).toBe(true)
  const { frames } = opened.scene
  const { id, pose } = frames[frames.length - 1]
  const { picture, place } = await engine.handlers.truth({ frame: id }, task)
  for (const [edge, value] of Object.entries({ left: 0, top: 0, width: 1, height: 1 }))
    expect(place[edge as keyof typeof place]).toBeCloseTo(value, 2)
  const side = picture.width
  const shown = async (face: View['face']): Promise<Uint8ClampedArray> => {
    const since = messages.length
    engine.show({ pose, moving: false, mode: 'color', face, pixels: side })
    for (let tries = 0; tries < 600 && !messages.slice(since).some(m => m.kind === 'frame' && m.stats.width === side); tries++)
      await new Promise(resolve => setTimeout(resolve, 50))
    return canvas.last
  }
  // The frame's own expression is nearer to its picture than the unedited face.
  const away = (pixels: Uint8ClampedArray): number => pixels.reduce((sum, v, i) => sum + (v - picture.data[i]) ** 2, 0) / pixels.length
  const recorded = await shown({ frame: id })
  expect(recorded.length).toBe(picture.data.length)
  expect(away(recorded)).toBeLessThan(away(await shown({})))
  expect(10 * Math.log10(255 ** 2 / away(recorded))).toBeGreaterThan(22)
  // What is saved is what is shown.
  const view: View = { pose, moving: false, mode: 'color', face: { frame: id }, pixels: side }
  const { data } = await decodeImage((await engine.handlers.picture({ view, side }, task)).bytes, 'saved.png')
  expect(Math.max(...data.map((v, i) => Math.abs(v - recorded[4 * Math.floor(i / 3) + (i % 3)])))).toBeLessThanOrEqual(1)
  await expect(engine.handlers.truth({ frame: 'none' }, task)).rejects.toThrow('no picture of frame "none"')
}, 120_000)

test('an edit alone, of no open scene, and an edit number that is gone are told apart', async () => {
  const fresh = new Engine(() => undefined)
  await fresh.handlers.start({ canvas: new CountingCanvas() as unknown as OffscreenCanvas, device: 'cpu', base: 'http://localhost/' }, task)
  const edit = { name: 's.edit', bytes: new Uint8Array(8) }
  await expect(fresh.handlers.open({ files: [edit] }, task)).rejects.toThrow(
    's.edit: an edit needs its scene; open the .scene first, or both together',
  )
  await expect(fresh.handlers.saveScene({}, task)).rejects.toThrow('no scene is open; open a .scene or the demo')
  await expect(engine.handlers.saveEdit({ edit: 5, strength: 1, gains: [] }, task)).rejects.toThrow('no edit 5 in this scene; make it again')
})
