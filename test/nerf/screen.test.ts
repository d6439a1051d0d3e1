/** Pictures on canvases: the CPU's through a 2D context, a GPU's (SwiftShader in Chromium) from its storage. */
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { serve } from '../../examples/browser/serve.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { adjustableCodes } from '../../src/nerf/adjustableCodes.ts'
import { blend, constantCode } from '../../src/nerf/codeField.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import { openScreen } from '../../src/nerf/screen.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { Storage, tensor } from '../../src/tensor/device.ts'
import { ROOT, runProgram, scratchFolder } from '../house/scratchBuild.ts'
import { openChromium, SOFTWARE_GPU, skipped } from '../studio/chromium.ts'
import { withImageData } from '../studio/nodeImageData.ts'
import { smallScene } from './smallScene.ts'

const device = cpuBackend(await openCpuDevice({ threads: 1 }))
afterAll(() => device[Symbol.dispose]())
withImageData()

/** In a page, as text: what transforms this file must not touch its import. */
const PRESENT = `(async () => {
  const { openDevice, openScreen } = await import('/dist/index.js')
  const device = await openDevice({ kind: 'gpu', software: true })
  const canvas = document.createElement('canvas')
  const screen = openScreen(device, canvas)
  const data = new Uint8ClampedArray(3 * 2 * 4).map((_, i) => (i % 4 === 3 ? 255 : 10 * i))
  screen.showPixels({ width: 3, height: 2, data })
  const copy = document.createElement('canvas')
  copy.width = 3
  copy.height = 2
  const context = copy.getContext('2d')
  context.drawImage(canvas, 0, 0)
  await device.sync()
  const single = { size: [canvas.width, canvas.height], pixels: [...context.getImageData(0, 0, 3, 2).data], wanted: [...data] }
  const shade = red => ({ width: 1, height: 2, data: Uint8ClampedArray.of(red, 0, 0, 255, red + 1, 0, 0, 255) })
  await screen.showGrid([shade(10), shade(20), shade(30)], 2)
  copy.width = 2
  copy.height = 4
  context.drawImage(canvas, 0, 0)
  await device.sync()
  const reds = [...context.getImageData(0, 0, 2, 4).data].filter((_, i) => i % 4 === 0)
  return { ...single, grid: [canvas.width, canvas.height, ...reds] }
})()`

/** A canvas whose 2D context remembers. */
function fakeCanvas() {
  const shown: Uint8ClampedArray[] = []
  const putImageData = ({ data }: { data: Uint8ClampedArray }): number => shown.push(data.slice())
  const canvas = { width: 0, height: 0, getContext: (kind: string) => (kind === '2d' ? { putImageData } : null) }
  return { canvas: canvas as unknown as OffscreenCanvas, shown }
}

function drawn(width: number, height: number, words: number[]) {
  const pixels = new Storage(device, words.length + 3, 'u32')
  pixels.write(Uint32Array.from(words))
  return { width, height, pixels }
}

test('a drawn picture, and two side by side, reach a 2D canvas; storage beyond the picture does not', async () => {
  const { canvas, shown } = fakeCanvas()
  using screen = openScreen(device, canvas)
  const [a, b] = [drawn(2, 2, [0xff000001, 0xff000002, 0xff000003, 0xff000004]), drawn(2, 2, [0xff000011, 0xff000012, 0xff000013, 0xff000014])]
  await screen.show(b)
  expect([canvas.width, canvas.height]).toEqual([2, 2])
  await screen.show(b, { left: a, split: 1 })
  expect(shown.map(data => [0, 4, 8, 12].map(i => data[i]))).toEqual([
    [0x11, 0x12, 0x13, 0x14],
    [0x01, 0x12, 0x03, 0x14],
  ])
  await expect(screen.show(b, { left: drawn(1, 2, [0, 0]), split: 1 })).rejects.toThrow('pictures of 1x2 and 2x2 side by side; draw both at one size')
})

test('pictures of one size stand in rows on a 2D canvas, drawn ones beside those of the host', async () => {
  const { canvas, shown } = fakeCanvas()
  using screen = openScreen(device, canvas)
  const host = { width: 1, height: 2, data: Uint8ClampedArray.of(5, 0, 0, 255, 6, 0, 0, 255) }
  await screen.showGrid([drawn(1, 2, [0xff000001, 0xff000002]), drawn(1, 2, [0xff000003, 0xff000004]), host], 2)
  expect([canvas.width, canvas.height]).toEqual([2, 4])
  expect([...shown[0]].filter((_, i) => i % 4 === 0)).toEqual([1, 3, 2, 4, 5, 0, 6, 0])
  await expect(screen.showGrid([], 1)).rejects.toThrow('screen: no pictures for a grid; give at least one')
  await expect(screen.showGrid([host, drawn(2, 2, [0, 0, 0, 0])], 2)).rejects.toThrow('pictures of 1x2 and 2x2 in one grid; draw all at one size')
})

test('a canvas without a context is refused', () => {
  const none = { getContext: () => null } as unknown as OffscreenCanvas
  expect(() => openScreen(device, none)).toThrow('openScreen: this canvas gives no 2D context')
})

test('adjustable codes: strengths without recording anew, the same as a blend', async () => {
  const scene = smallScene(device)
  const code = await scene.readCode(1)
  using adjustable = await adjustableCodes(scene, code)
  using renderer = createRenderer(scene, adjustable.codes)
  const camera = scene.trainingCameras[0]
  for (const s of [0, 0.4, 1]) {
    adjustable.setStrengths([s])
    const { rgb } = await renderer.render(camera)
    using plain = createRenderer(scene, blend(scene.referenceField, constantCode(tensor(device, code, [code.length])), s))
    const expected = (await plain.render(camera)).rgb
    expect(Math.max(...rgb.map((v, i) => Math.abs(v - expected[i])))).toBeLessThan(1e-5)
  }
  expect(() => adjustable.setStrengths([1, 2])).toThrow('setStrengths: [1, 2] for 1 codes')
  expect(() => adjustable.setStrengths([Number.NaN])).toThrow('setStrengths: [NaN] for 1 codes')
  await expect(adjustableCodes(scene, code.subarray(1))).rejects.toThrow('adjustableCodes:')
})

test.skipIf(skipped)(
  `a GPU's pixels reach the canvas of a page, the first row on top and red first${skipped}`,
  async () => {
    const folder = scratchFolder('present')
    await runProgram(process.execPath, [
      join(ROOT, 'node_modules/tsdown/dist/run.mjs'),
      '--filter',
      'browser',
      '--out-dir',
      folder,
      '--logLevel',
      'warn',
    ])
    const server = await serve(ROOT, { folders: { dist: folder } })
    const browser = await openChromium(SOFTWARE_GPU)
    try {
      const page = await browser.newPage()
      const { port } = server.address() as { port: number }
      await page.goto(`http://localhost:${port}/assets/encoder/report.json`)
      const seen = (await page.evaluate(PRESENT)) as { size: number[]; pixels: number[]; wanted: number[]; grid: number[] }
      expect(seen.size).toEqual([3, 2])
      expect(seen.pixels).toEqual(seen.wanted)
      expect(seen.grid).toEqual([2, 4, 10, 20, 11, 21, 30, 0, 31, 0])
    } finally {
      await browser.close()
      server.close()
    }
  },
  120_000,
)
