/** Films in the worker without a browser: the demo's scene on the CPU device; pictures in a zip, camera paths out and in again. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { decodeImage } from '../../src/io/imageCodec.ts'
import type { FilmFrame, PathContent } from '../../studio/src/protocol/film.ts'
import type { FromWorker, SceneInfo } from '../../studio/src/protocol/messages.ts'
import { Engine } from '../../studio/src/worker/engine.ts'
import { unzip } from '../../studio/src/worker/zip.ts'
import { ROOT } from '../house/scratchBuild.ts'
import { withImageData } from './nodeImageData.ts'

withImageData()
const messages: FromWorker[] = []
const engine = new Engine(message => messages.push(message))
const taskWith = (signal: AbortSignal) => ({ signal, say: () => undefined })
const task = taskWith(new AbortController().signal)
const canvas = { width: 0, height: 0, getContext: (kind: string) => (kind === '2d' ? { putImageData: () => undefined } : null) }
let scene: SceneInfo
/** The demo's edit, twice under two numbers. */
let edits: readonly number[]

beforeAll(async () => {
  await engine.handlers.start({ canvas: canvas as unknown as OffscreenCanvas, device: 'cpu', base: 'http://localhost/' }, task)
  const demo = (): Uint8Array<ArrayBuffer> => Uint8Array.from(readFileSync(join(ROOT, 'assets/demo/ada.zip')))
  await engine.handlers.open({ files: [{ name: 'ada.zip', bytes: demo() }] }, task)
  const edit = (await unzip(demo(), 'ada.zip')).find(file => file.name.endsWith('.edit'))
  if (!edit) throw new Error('the demo has no edit')
  const opened = await engine.handlers.open({ files: [{ ...edit, name: 'again.edit' }] }, task)
  if (!('scene' in opened)) throw new Error('the demo is no capture')
  scene = opened.scene
  edits = scene.edits.map(({ id }) => id)
}, 60_000)

test('a film is a zip of tagged pictures that change with the face; edits pass into each other', async () => {
  const { pose } = scene.frames[0]
  const [a, b] = edits
  const full = scene.edits[0].anchors.map(() => 1)
  const faces: FilmFrame['face'][] = [
    {},
    { edit: a, strengths: full },
    // the same edit by two numbers: halfway is the edit itself
    { edit: a, strengths: full, toward: { face: { edit: b, strengths: full }, share: 0.5 } },
  ]
  const frames = faces.map(face => ({ pose, face }))
  const { name, bytes } = await engine.handlers.film({ frames, format: 'png', fps: 12, side: 24 }, task)
  expect(name).toBe('ada-mini-film.zip')
  const files = await unzip(bytes, name)
  expect(files.map(file => file.name)).toEqual(['00000.png', '00001.png', '00002.png', 'sequence.json'])
  const pictures = await Promise.all(files.slice(0, 3).map(file => decodeImage(file.bytes, file.name)))
  expect(pictures.map(({ width, height }) => [width, height])).toEqual(new Array(3).fill([24, 24]))
  const apart = (i: number, k: number): number => Math.max(...pictures[i].data.map((value, at) => Math.abs(value - pictures[k].data[at])))
  expect(apart(0, 1)).toBeGreaterThan(20)
  expect(apart(1, 2)).toBeLessThanOrEqual(2)
  expect(Buffer.from(files[0].bytes).toString('latin1')).toContain('trainedAlgorithmicMedia')
  expect(JSON.parse(new TextDecoder().decode(files[3].bytes))).toMatchObject({
    fps: 12,
    pictures: 3,
    scene: 'ada-mini',
    digitalSourceType: expect.stringContaining('trainedAlgorithmicMedia'),
  })
  const told = messages.flatMap(message => (message.kind === 'filming' ? [message.progress.frame] : []))
  expect(told).toEqual([1, 2, 3])
}, 60_000)

test('a film that is cancelled, is empty, or names an edit that is gone gives nothing', async () => {
  const frames = [{ pose: scene.frames[0].pose, face: {} }]
  const film = { frames, format: 'png' as const, fps: 12, side: 24 }
  await expect(engine.handlers.film(film, taskWith(AbortSignal.abort()))).rejects.toThrow()
  await expect(engine.handlers.film({ ...film, frames: [] }, task)).rejects.toThrow('the film has no pictures; add a keyframe first')
  await expect(engine.handlers.film({ ...film, frames: [{ ...frames[0], face: { edit: 77 } }] }, task)).rejects.toThrow('no edit 77 in this scene')
})

test('a camera path goes out with the fields of nerfstudio and comes in again', async () => {
  const [first, second] = scene.frames.map(frame => frame.pose)
  const path: PathContent = {
    cameras: [
      { time: 0, pose: first },
      { time: 1.5, pose: { ...second, zoom: 1.7 } },
    ],
    expressions: [{ time: 0.5, edit: 'a-surprised-face.edit', strength: 0.6, gains: [1, 0.5] }],
    seconds: 2.5,
    fps: 8,
    closed: true,
    tension: 0.25,
    side: 256,
  }
  const { name, bytes } = await engine.handlers.savePath({ path }, task)
  expect(name).toBe('ada-mini.camera_path.json')
  const json = JSON.parse(new TextDecoder().decode(bytes))
  expect(json).toMatchObject({ camera_type: 'perspective', render_height: 256, render_width: 256, fps: 8, seconds: 2.5, is_cycle: true })
  expect([json.keyframes.length, json.camera_path.length]).toEqual([2, 20])
  const { path: back, note } = await engine.handlers.openPath({ file: { name, bytes } }, task)
  expect(note).toBeUndefined()
  expect({ ...back, cameras: [] }).toEqual({ ...path, cameras: [] })
  for (const [i, { time, pose }] of path.cameras.entries()) {
    const got = back.cameras[i]
    expect(got.time).toBeCloseTo(time, 10)
    expect(got.pose.zoom).toBeCloseTo(pose.zoom, 6)
    for (let k = 0; k < 3; k++) expect(got.pose.position[k]).toBeCloseTo(pose.position[k], 6)
  }

  const bare = new TextEncoder().encode(JSON.stringify({ ...json, keyframes: [] }))
  const thinned = await engine.handlers.openPath({ file: { name, bytes: bare } }, task)
  expect([thinned.path.cameras.length, thinned.path.closed, thinned.note]).toEqual([
    20,
    false,
    'The file has no keyframes: these are 20 of its 20 pictures.',
  ])
  const turned = {
    ...json,
    keyframes: json.keyframes.map((key: { matrix: number[] }) => ({
      ...key,
      matrix: key.matrix.map((v, i) => (i % 4 === 3 && i < 12 ? 900 * v : v)),
    })),
  }
  const elsewhere = await engine.handlers.openPath({ file: { name, bytes: Uint8Array.from(new TextEncoder().encode(JSON.stringify(turned))) } }, task)
  expect(elsewhere.note).toContain('None of its cameras sees the face')
  const open = (text: string) => engine.handlers.openPath({ file: { name: 'x.json', bytes: Uint8Array.from(new TextEncoder().encode(text)) } }, task)
  await expect(open('face')).rejects.toThrow('x.json: no camera path (not JSON); choose a camera_path.json')
  await expect(open('{"frames":[]}')).rejects.toThrow('x.json: no camera path (it has neither "camera_path" nor "keyframes")')
  await expect(open('{"keyframes":[]}')).rejects.toThrow('x.json: neither "camera_path" nor "keyframes" has an entry')
})
