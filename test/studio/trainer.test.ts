/** The page's side and the worker's side together, without a browser: a capture is opened, trained, paused, saved, and goes on after the device was lost. */
import { afterEach, expect, test, vi } from 'vitest'
import type { FromWorker, ToWorker } from '../../studio/src/protocol/messages.ts'
import { Studio } from '../../studio/src/viewer/studio.ts'
import { Breaks } from '../../studio/src/worker/breaks.ts'
import { withImageData } from './nodeImageData.ts'
import { zippedCapture } from './zippedCapture.ts'

withImageData()
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

/** The worker's file with this program in place of its thread. */
async function openWorker(): Promise<Worker> {
  let toWorker: (event: { data: ToWorker }) => void = () => undefined
  let toPage: (event: { data: FromWorker }) => void = () => undefined
  vi.stubGlobal('addEventListener', (_: string, heard: typeof toWorker) => {
    toWorker = heard
  })
  vi.stubGlobal('postMessage', (data: FromWorker) => setTimeout(() => toPage({ data })))
  await import('../../studio/src/worker/worker.ts')
  return {
    postMessage: (data: ToWorker) => void setTimeout(() => toWorker({ data })),
    addEventListener: (kind: string, heard: typeof toPage) => {
      if (kind === 'message') toPage = heard
    },
    terminate: () => undefined,
  } as unknown as Worker
}

/** What of a page the studio needs; returns how many canvases were made, one per opened device. */
function stubPage(): { canvases: number; readonly place: HTMLElement } {
  const page = { canvases: 0, place: { replaceChildren: () => undefined } as unknown as HTMLElement }
  const offscreen = { width: 0, height: 0, getContext: () => ({ putImageData: () => undefined }) }
  const createElement = () => {
    page.canvases++
    return { setAttribute: () => undefined, transferControlToOffscreen: () => offscreen }
  }
  vi.stubGlobal('document', { createElement, baseURI: 'http://localhost/' })
  vi.stubGlobal('matchMedia', () => ({ matches: true }))
  return page
}

test('a training that loses its device goes on by itself; what was learnt can be saved while it rests', async () => {
  const page = stubPage()
  const worker = await openWorker()
  const studio = new Studio(() => worker)
  const { trainer } = studio
  const until = (done: () => boolean) => expect.poll(done, { timeout: 30_000, interval: 10 }).toBe(true)
  await studio.start(page.place, 'cpu')
  await studio.openFiles([{ name: 'ada.zip', bytes: Uint8Array.from(zippedCapture()) }])
  const { frames } = studio.state().capture ?? { frames: [] }
  expect((await trainer.thumbnails([frames[1].id])).length).toBe(1)
  trainer.leaveOut(frames.slice(0, 3), true)
  trainer.leaveOut(frames.slice(0, 1), false)
  expect([...studio.state().leftOut]).toEqual([frames[1].id, frames[2].id])

  const take = Breaks.prototype.take
  let loses = false
  vi.spyOn(Breaks.prototype, 'take').mockImplementation(async function (this: Breaks, signal) {
    const rested = await take.call(this, signal)
    if (!loses) return rested
    loses = false
    throw new Error('gpu: the device X was lost (a test); open a new one')
  })
  const first = trainer.train({ preset: 'tiny', steps: 10, seed: 0 })
  trainer.seen(false)
  await until(() => studio.state().job?.training?.progress !== undefined)
  expect(studio.state().scene?.frames.length).toBe(54)
  trainer.pause(true)
  expect((await trainer.soFar())?.name).toBe('ada-mini.scene')
  expect((await studio.picture(16))?.name).toBe('ada-mini.png')
  expect(studio.state().job?.training?.paused).toBe(true)
  await studio.openFiles([{ name: 'x.scene', bytes: new Uint8Array(1) }])
  expect(studio.state().problem?.message).toContain('A training is under way: stop it first')
  studio.dismiss()

  loses = true
  trainer.pause(false)
  await first
  await until(() => studio.state().note?.includes('The training goes on from its last copy.') === true)
  await until(() => studio.state().job === undefined && studio.state().scene?.step === 10)
  expect(studio.state().problem).toBeUndefined()
  expect(page.canvases).toBe(2)
}, 60_000)
