// Frame time at 64² of what the studio's viewport draws, on software WebGPU in a page (SwiftShader in Chromium), the CPU device beside it: the demo's face, exact,
// on a canvas. From the root of the tree: npx tsx bench/studioFrames.ts [pictures]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '../examples/browser/serve.ts'
import { unzip } from '../studio/src/worker/zip.ts'
import { openChromium, SOFTWARE_GPU } from '../test/studio/chromium.ts'

const pictures = Number(process.argv[2] ?? 9)
const SIDE = 64

/** Draws from cameras all around, in a page; milliseconds of each picture until the device is done with it. The first is left out: it compiles. */
const draw = (kind: 'gpu' | 'cpu'): string => `(async () => {
  const { createRenderer, loadScene, openDevice, openScreen, scaleCamera } = await import('/dist/index.js')
  const device = await openDevice({ kind: '${kind}', software: true })
  const bytes = new Uint8Array(await (await fetch('/dist/demo.scene')).arrayBuffer())
  const scene = await loadScene(device, bytes, 'demo.scene')
  const renderer = createRenderer(scene, scene.referenceField)
  const screen = openScreen(device, document.createElement('canvas'))
  const times = []
  for (let i = 0; i <= ${pictures}; i++) {
    const camera = scene.trainingCameras[(7 * i) % scene.trainingCameras.length]
    const began = performance.now()
    await screen.show(renderer.draw(scaleCamera(camera, ${SIDE} / camera.imageSize[0])))
    await device.sync()
    times.push(performance.now() - began)
  }
  return { description: device.description, times }
})()`

const folder = mkdtempSync(join(tmpdir(), 'faceclipnerf-bench-'))
execFileSync(process.execPath, ['node_modules/tsdown/dist/run.mjs', '--filter', 'browser', '--out-dir', folder, '--logLevel', 'warn'])
const scene = (await unzip(Uint8Array.from(readFileSync('assets/demo/ada.zip')), 'ada.zip')).find(({ name }) => name.endsWith('.scene'))
if (!scene) throw new Error('assets/demo/ada.zip: no .scene in it; make the demo again')
writeFileSync(join(folder, 'demo.scene'), scene.bytes)
const server = await serve(process.cwd(), { folders: { dist: folder } })
const { port } = server.address() as { port: number }
const browser = await openChromium(SOFTWARE_GPU)
try {
  for (const kind of ['cpu', 'gpu'] as const) {
    const page = await browser.newPage()
    await page.goto(`http://localhost:${port}/assets/encoder/report.json`)
    const { description, times } = (await page.evaluate(draw(kind))) as { description: string; times: number[] }
    const [first, ...rest] = times
    rest.sort((a, b) => a - b)
    const [least, median, most] = [rest[0], rest[rest.length >> 1], rest[rest.length - 1]].map(ms => ms.toFixed(0))
    console.log(`${description}: ${SIDE}² in ${median} ms (median of ${rest.length}; ${least} to ${most}), the first ${(first / 1000).toFixed(1)} s`)
    await page.close()
  }
} finally {
  await browser.close()
  server.close()
  rmSync(folder, { recursive: true })
}
