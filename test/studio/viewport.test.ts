/** The viewport's turns: coarse, finer, baked once it stands still as on a GPU, and the comparison moved without drawing anew. The CPU device computes. */
import { afterAll, expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import type { Screen } from '../../src/index.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import type { FrameStats, View } from '../../studio/src/protocol/messages.ts'
import type { Session } from '../../studio/src/worker/session.ts'
import { Viewport } from '../../studio/src/worker/viewport.ts'
import { smallScene } from '../nerf/smallScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())

test('draws, refines, bakes when still, and moves the comparison without drawing', async () => {
  const scene = smallScene(device)
  const session = { device: Object.create(device, { kind: { value: 'gpu' } }), scene, edits: new Map() } as unknown as Session
  const shown: (number | undefined)[] = []
  const screen: Screen = {
    async show(_, options) {
      shown.push(options?.split)
    },
    showPixels: () => undefined,
    async showGrid(pictures, columns) {
      grids.push([pictures.length, columns, pictures[0].width])
    },
    [Symbol.dispose]: () => undefined,
  }
  const grids: number[][] = []
  const frames: FrameStats[] = []
  const troubles: unknown[] = []
  using viewport = new Viewport(session, screen, { frame: stats => frames.push(stats), trouble: error => troubles.push(error) })
  const { position, orientation } = scene.trainingCameras[0]
  const view: View = { pose: { position, orientation, zoom: 1 }, moving: true, mode: 'color', face: {}, pixels: 96 }
  const until = async (done: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 400 && !done(); tries++) await new Promise(resolve => setTimeout(resolve, 25))
    expect(troubles).toEqual([])
    expect(done()).toBe(true)
  }

  viewport.show(view)
  await until(() => frames.length > 0)
  expect(frames.every(stats => !stats.baked)).toBe(true)

  viewport.show({ ...view, moving: false })
  await until(() => frames.some(stats => stats.baked && stats.width === 96))

  const compared: View = { ...view, moving: false, mode: 'color', compare: { face: {}, split: 0.25 } }
  viewport.show(compared)
  await until(() => shown.at(-1) === 24)
  // The left face is baked too, and then there is nothing more to do.
  let before = -1
  while (before !== frames.length) {
    before = frames.length
    await new Promise(resolve => setTimeout(resolve, 1000))
  }
  viewport.show({ ...compared, compare: { face: {}, split: 0.5 } })
  await until(() => shown.at(-1) === 48)
  expect(frames.length).toBe(before)

  // Side by side: drawn exactly at first, each baked on its own, and gone again with the grid.
  viewport.show({ ...view, moving: true, grid: { faces: [{}, {}, {}], columns: 2 } })
  await until(() => grids.length > 0)
  expect([grids[0].slice(0, 2), frames.at(-1)?.baked]).toEqual([[3, 2], false])
  viewport.show({ ...view, moving: false, grid: { faces: [{}, {}, {}], columns: 2 } })
  await until(() => frames.at(-1)?.baked === true && grids.at(-1)?.[2] === 96)
}, 60_000)
