/** The library in a page on software WebGPU (SwiftShader in Chromium) beside the CPU device: what is trained and shown there is what the reference says. */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve } from '../../examples/browser/serve.ts'
import { scaleCamera } from '../../src/camera/camera.ts'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { toImage } from '../../src/io/sheet.ts'
import { psnr } from '../../src/metrics/psnr.ts'
import { createRenderer } from '../../src/nerf/render.ts'
import { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import { train } from '../../src/nerf/train.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { ROOT, runProgram, scratchFolder } from '../house/scratchBuild.ts'
import { shrunk, smallCapture } from '../nerf/smallScene.ts'
import { openChromium, SOFTWARE_GPU, skipped } from './chromium.ts'

const folder = scratchFolder('softwareGpu')
const STEPS = 3
/** Of a loss: sums in another order. */
const TOLERANCE = 1e-3

let server: Awaited<ReturnType<typeof serve>>
let browser: Browser
let page: Page

beforeAll(async () => {
  if (skipped) return
  const tsdown = join(ROOT, 'node_modules/tsdown/dist/run.mjs')
  await runProgram(process.execPath, [tsdown, '--filter', 'browser', '--out-dir', folder, '--logLevel', 'warn'])
  server = await serve(ROOT, { folders: { dist: folder } })
  browser = await openChromium(SOFTWARE_GPU)
  page = await browser.newPage()
  const { port } = server.address() as { port: number }
  await page.goto(`http://localhost:${port}/assets/encoder/report.json`)
}, 120_000)
afterAll(async () => {
  await browser?.close()
  server?.close()
})

/** In a page, as text: what transforms this file must not touch its import. The canvas as it is seen, read back. */
const READ_CANVAS = `const readCanvas = canvas => {
  const copy = document.createElement('canvas')
  copy.width = canvas.width
  copy.height = canvas.height
  const context = copy.getContext('2d')
  context.drawImage(canvas, 0, 0)
  return [...context.getImageData(0, 0, canvas.width, canvas.height).data]
}`
/** Trains a scene for a few steps and shows it from a camera. */
const trainAndShow = (description: object, capture: object, camera: object): string => `(async () => {
  ${READ_CANVAS}
  const { createRenderer, openDevice, openScreen, SceneManipulator, train } = await import('/dist/index.js')
  const device = await openDevice({ kind: 'gpu', software: true })
  const plain = ${JSON.stringify(capture)}
  const frames = plain.frames.map(frame => ({ ...frame, image: Float32Array.from(frame.image), mask: Float32Array.from(frame.mask) }))
  const capture = { ...plain, frames, backgroundPoints: Float32Array.from(plain.backgroundPoints) }
  const scene = new SceneManipulator(device, ${JSON.stringify(description)})
  const losses = []
  for await (const { loss } of train(scene, capture, { until: ${STEPS}, reportEvery: 1 })) losses.push(loss)
  const canvas = document.createElement('canvas')
  const screen = openScreen(device, canvas)
  await screen.show(createRenderer(scene, scene.referenceField).draw(${JSON.stringify(camera)}))
  const pixels = readCanvas(canvas)
  await device.sync()
  return { kind: device.kind, losses, size: [canvas.width, canvas.height], pixels }
})()`

describe.skipIf(skipped)(`software WebGPU in a page${skipped}`, () => {
  test('three training steps and the picture on the canvas are those of the CPU device', async () => {
    using device = cpuBackend(await openCpuDevice({ threads: 1 }))
    const capture = smallCapture()
    const scene = new SceneManipulator(device, capture, { preset: 'tiny', config: shrunk, seed: 5 })
    const { description } = scene
    const losses: number[] = []
    for await (const { loss } of train(scene, capture, { until: STEPS, reportEvery: 1 })) losses.push(loss)
    const camera = scaleCamera(scene.trainingCameras[1], 2)
    using renderer = createRenderer(scene, scene.referenceField)
    const expected = await renderer.render(camera)

    const arrays = (_: string, value: unknown): unknown => (value instanceof Float32Array ? [...value] : value)
    const asked = trainAndShow(description, JSON.parse(JSON.stringify(capture, arrays)), camera)
    const seen = (await page.evaluate(asked)) as { kind: string; losses: number[]; size: number[]; pixels: number[] }
    expect(seen.kind).toBe('gpu')
    expect(seen.losses.length).toBe(STEPS)
    for (const [i, loss] of seen.losses.entries()) expect(Math.abs(loss / losses[i] - 1)).toBeLessThan(TOLERANCE)
    expect(seen.size).toEqual([24, 24])
    const rgb = Float32Array.from(
      seen.pixels.filter((_, i) => i % 4 !== 3),
      v => v / 255,
    )
    const reference = Float32Array.from(toImage(expected).data, v => v / 255)
    expect(new Set(reference).size).toBeGreaterThan(20)
    const db = psnr(rgb, reference)
    console.log(`software WebGPU: losses ${seen.losses.join(', ')} beside ${losses.join(', ')}; picture at ${db.toFixed(1)} dB`)
    expect(db).toBeGreaterThan(40)
  }, 120_000)
})
