/** Training in the worker's engine, without a browser: pictures left out, a pause, a file of what was learnt so far, and the way back from a lost device. */
import { afterEach, expect, test, vi } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { loadScene } from '../../src/nerf/sceneFile.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import type { FromWorker, TrainProgress } from '../../studio/src/protocol/messages.ts'
import { Engine } from '../../studio/src/worker/engine.ts'
import { withImageData } from './nodeImageData.ts'
import { zippedCapture } from './zippedCapture.ts'

withImageData()
afterEach(() => void vi.restoreAllMocks())

const reports: TrainProgress[] = []
const begun: FromWorker[] = []
const engine = new Engine(message => {
  if (message.kind === 'training') reports.push(message.progress)
  else if (message.kind === 'begun') begun.push(message)
})
const task = { signal: new AbortController().signal, say: () => undefined }
const canvas = { width: 0, height: 0, getContext: () => ({ putImageData: () => undefined }) } as unknown as OffscreenCanvas
const start = () => engine.handlers.start({ canvas, device: 'cpu', base: 'http://localhost/' }, task)
const until = (done: () => boolean) => expect.poll(done, { timeout: 30_000, interval: 10 }).toBe(true)

test('a capture: findings, thumbnails, a report; trained without some pictures, paused, saved, lost, gone on with', async () => {
  await start()
  const opened = await engine.handlers.open({ files: [{ name: 'ada.zip', bytes: Uint8Array.from(zippedCapture()) }] }, task)
  if (!('capture' in opened)) throw new Error('a zip of a capture is a capture')
  const { frames, findings, size } = opened.capture
  expect([frames.length, frames.filter(({ split }) => split === 'val').length, size]).toEqual([56, 8, [64, 64]])
  expect(frames.flatMap(({ flags }) => flags)).toEqual([])
  expect(findings.some(({ topic, level }) => topic === 'light' && level === 'good')).toBe(true)
  const [picture] = await engine.handlers.thumbnails({ ids: [frames[3].id] }, task)
  expect([picture.width, picture.height, picture.data.length]).toEqual([64, 64, 64 * 64 * 4])
  await expect(engine.handlers.thumbnails({ ids: ['x'] }, task)).rejects.toThrow('ada-mini: no frame "x" in this capture')
  const report = await engine.handlers.captureReport({}, task)
  expect([report.name, new TextDecoder().decode(report.bytes).includes('<h1>Capture ada-mini</h1>')]).toEqual(['ada-mini.report.html', true])
  expect(await engine.handlers.estimate({ preset: 'tiny' }, task)).toBeGreaterThan(0)
  await expect(engine.handlers.resume({}, task)).rejects.toThrow('no training was interrupted')

  // Copies are due every 15 s; here the clock is ahead.
  const now = performance.now.bind(performance)
  let ahead = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead)
  const request = { preset: 'tiny', steps: 25, seed: 3, leftOut: [frames[0].id, frames[7].id] } as const
  engine.setSeen(false)
  const trained = engine.handlers.train(request, task)
  const lost = expect(trained).rejects.toThrow('was lost')
  await until(() => reports.length > 0)
  ahead += 20_000
  await until(() => reports.at(-1)?.kept !== undefined)
  engine.pause(true)
  await engine.breaks?.add(async () => undefined)
  const paused = reports.at(-1)
  expect(paused?.heldOut).toBeGreaterThan(5)
  const file = await engine.breaks?.add(() => engine.handlers.saveScene({}, task))
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(reports.at(-1)).toBe(paused)
  using device = cpuBackend(await openCpuDevice({ threads: 1 }))
  const scene = await loadScene(device, file?.bytes ?? new Uint8Array(), 'so far')
  expect([scene.step, scene.optimizer !== undefined, scene.description.frames.length, scene.description.codeCount]).toEqual([
    paused?.step,
    true,
    54,
    46,
  ])

  engine.breaks?.fail(new Error('gpu: the device X was lost (a test)'))
  await lost
  const before = reports.length
  await start()
  const done = await engine.handlers.resume({}, task)
  expect(done.step).toBe(25)
  expect(reports[before].step).toBe((paused?.kept ?? Number.NaN) + 5)
  expect(begun.length).toBe(1)
}, 60_000)
