/** The page of examples/browser in Chromium: the library without Node, a bundler or a GPU. */
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { serve } from '../../examples/browser/serve.ts'
import { buildInto, ROOT, scratchFolder } from '../house/scratchBuild.ts'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const skipped = existsSync(CHROMIUM) ? '' : ` (SKIPPED: no ${CHROMIUM}; install chromium)`
if (skipped) console.warn(`browser example${skipped}`)

test.skipIf(skipped)(
  `trains, edits and draws in a page${skipped}`,
  async () => {
    const dist = join(scratchFolder('browser'), 'dist')
    await buildInto(dist)
    const server = await serve(ROOT, { folders: { dist } })
    const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS })
    try {
      const page = await browser.newPage()
      const failures: string[] = []
      page.on('pageerror', error => failures.push(error.message))
      const { port } = server.address() as AddressInfo
      await page.goto(`http://localhost:${port}/examples/browser/?device=cpu&downscale=2&steps=3&anchors=3&editSteps=2`)
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
      await page.getByRole('button', { name: 'Start' }).click()
      const outcome = page.locator('#status:has-text("done on"), #error:not(:empty)')
      await outcome.first().waitFor({ timeout: 150_000 })
      expect(await page.locator('#error').textContent()).toBe('')
      expect(await page.locator('#status').textContent()).toMatch(/^done on CPU, \d+ threads?/)
      expect(failures).toEqual([])
      const canvas = page.locator('#picture')
      const { width, colors } = await canvas.evaluate(node => {
        const { width, height } = node as HTMLCanvasElement
        const pixels = (node as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? []
        const seen = new Set<number>()
        for (let i = 0; i < pixels.length; i += 4) seen.add((pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2])
        return { width, colors: seen.size }
      })
      expect(width).toBe(2 * 32 * 4 + 3 * 6)
      // After three steps the picture is still fog: a blank canvas has one or two colours.
      expect(colors).toBeGreaterThan(8)
    } finally {
      await browser.close()
      server.close()
    }
  },
  240_000,
)
