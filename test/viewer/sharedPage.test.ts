/** A shared page in Chromium, from a disk and without a network: what it shows is what the command line renders. */
import { copyFileSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ALL_FORMATS, BufferSource, Input } from 'mediabunny'
import { chromium } from 'playwright-core'
import sharp from 'sharp'
import { beforeAll, expect, test } from 'vitest'
import { serve } from '../../examples/browser/serve.ts'
import { saveEdit } from '../../src/edit/editFile.ts'
import { FreeCode } from '../../src/edit/freeCode.ts'
import { decodeImage } from '../../src/io/imageCodec.ts'
import { psnr } from '../../src/metrics/psnr.ts'
import { loadScene } from '../../src/nerf/sceneFile.ts'
import { openDevice } from '../../src/node.ts'
import { buildInto, ROOT, runProgram, scratchFolder } from '../house/scratchBuild.ts'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const skipped = existsSync(CHROMIUM) ? '' : ` (SKIPPED: no ${CHROMIUM}; install chromium)`
if (skipped) console.warn(`shared page${skipped}`)

const folder = scratchFolder('share')
const at = (name: string): string => join(folder, name)
const cli = (...argv: string[]): Promise<string> =>
  runProgram(process.execPath, [at('dist/cli.js'), ...argv], { env: { FACECLIPNERF_DEVICE: 'cpu' } })

/** A face that nobody recorded: a code far from the others. */
async function writeFarEdit(): Promise<void> {
  using device = await openDevice({ kind: 'cpu', threads: 1 })
  const scene = await loadScene(device, readFileSync(at('ada.scene')), 'ada.scene')
  const code = (await scene.readCode(scene.referenceCode)).map((v, i) => v + (i % 2 ? 2 : -2))
  writeFileSync(at('far.edit'), await saveEdit(new FreeCode(scene, code), { prompt: 'a far face', strength: 0.8, steps: 0, seed: 0 }))
}

beforeAll(async () => {
  if (!skipped) await buildInto(at('dist'))
}, 120_000)

test.skipIf(skipped)(
  `films through WebCodecs in a page${skipped}`,
  async () => {
    const server = await serve(ROOT, { folders: { dist: at('dist') } })
    const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS })
    try {
      const page = await browser.newPage()
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/examples/browser/`)
      // as text: the test runner would rewrite the import
      const bytes = await page.evaluate<number[]>(`(async () => {
        const { openVideo } = await import('/dist/index.js')
        const film = await openVideo({ format: 'webm', fps: 10, width: 31, height: 20, about: { scene: 'ada' } })
        for (let i = 0; i < 5; i++) await film.add({ width: 31, height: 20, channels: 3, data: new Uint8Array(31 * 20 * 3).fill(40 * i) })
        return [...(await film.finish())]
      })()`)
      using input = new Input({ formats: ALL_FORMATS, source: new BufferSource(Uint8Array.from(bytes)) })
      const track = await input.getPrimaryVideoTrack()
      expect([track?.codedWidth, track?.codedHeight]).toEqual([32, 20])
      expect(await input.computeDuration()).toBeCloseTo(0.5, 1)
      expect(JSON.stringify(await input.getMetadataTags())).toContain('trainedAlgorithmicMedia')
    } finally {
      await browser.close()
      server.close()
    }
  },
  60_000,
)

test.skipIf(skipped)(
  `opens offline and shows what the command line renders${skipped}`,
  async () => {
    // a package of its own, so that the command line finds the library as built here
    copyFileSync(join(ROOT, 'package.json'), at('package.json'))
    symlinkSync(join(ROOT, 'node_modules'), at('node_modules'))
    await cli('train', join(ROOT, 'assets/captures/ada-mini'), '-o', at('ada.scene'), '--downscale', '2', '--steps', '30')
    await writeFarEdit()
    expect(await cli('share', at('ada.scene'), '--edit', at('far.edit'), '-o', at('face.html'))).toMatch(/face\.html \([\d.]+ MB, 2 expressions\)\n$/)
    expect(readFileSync(at('face.html')).length).toBeLessThan(15e6)

    const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS })
    try {
      const context = await browser.newContext({ offline: true, viewport: { width: 700, height: 400 }, reducedMotion: 'reduce' })
      const page = await context.newPage()
      const failures: string[] = []
      page.on('pageerror', error => failures.push(error.message))
      page.on('request', request => {
        if (!/^(file|blob):/.test(request.url())) failures.push(`request of ${request.url()}`)
      })
      await page.goto(`${pathToFileURL(at('face.html'))}#camera=000003&expression=1&strength=0.8`)
      const outcome = page.locator('.frame[data-settled], .error')
      await outcome.first().waitFor({ timeout: 120_000 })
      expect(await page.locator('.error').count()).toBe(0)
      expect(await page.getByLabel('Expression').locator('option').allTextContents()).toEqual(['neutral', 'a far face'])
      expect(await page.locator('.note').textContent()).toContain('Synthetic media')

      const saving = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Save picture' }).click()
      await (await saving).saveAs(at('saved.png'))
      const saved = await decodeImage(readFileSync(at('saved.png')), 'saved.png')
      expect((await sharp(at('saved.png')).metadata()).xmp?.toString()).toContain('trainedAlgorithmicMedia')
      const size = `${saved.width}x${saved.height}`
      await cli('render', at('ada.scene'), '--edit', at('far.edit'), '--camera', '000003', '--size', size, '-o', at('rendered.png'))
      const rendered = await decodeImage(readFileSync(at('rendered.png')), 'rendered.png')
      expect(saved.width).toBeGreaterThan(32)
      const unit = ({ data }: { data: Uint8Array }, channels: number): number[] =>
        Array.from(data, v => v / 255).filter((_, i) => channels === 3 || i % 4 < 3)
      expect(psnr(unit(saved, saved.channels), unit(rendered, 3))).toBeGreaterThan(45)

      // neutral looks different, and the address remembers the choice
      const shown = (): Promise<string> => page.locator('canvas.after').evaluate(node => (node as HTMLCanvasElement).toDataURL())
      const edited = await shown()
      await page.getByLabel('Expression').selectOption('0')
      await page.locator('.frame:not([data-settled])').waitFor({ timeout: 60_000 })
      await page.locator('.frame[data-settled]').waitFor({ timeout: 60_000 })
      expect(await shown()).not.toBe(edited)
      expect(page.url()).toMatch(/#camera=000003&strength=1$|#camera=000003$/)
      expect(failures).toEqual([])
    } finally {
      await browser.close()
    }
  },
  240_000,
)
