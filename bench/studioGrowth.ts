// Whether the studio's memory grows: a page that is used for a while by turns (orbit, modes, sliders, an edit, undo, saving, a short training, the demo again), and every
// round the heap of the page and its worker, and the device's buffers. From the root of the tree, after npm run build:
// npx tsx bench/studioGrowth.ts [minutes=30] [device=cpu|gpu|software] [studio=dist/studio]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { serveStudio } from '../cli/studioServer.ts'
import { openChromium, SOFTWARE_GPU } from '../test/studio/chromium.ts'
import { zippedCapture } from '../test/studio/zippedCapture.ts'

const [minutes = '30', device = 'cpu', studio = 'dist/studio'] = process.argv.slice(2)
const CAPTURE = { name: 'ada-mini.zip', mimeType: 'application/zip', buffer: zippedCapture() }
/** Milliseconds: a first picture on software WebGPU compiles for a minute. */
const LONG = 300_000

/** Bytes of JavaScript by the kind of thread that holds them, after collecting what nobody needs. */
async function heaps(page: Page): Promise<{ page: number; worker: number }> {
  const parts = (await page.evaluate(`performance.measureUserAgentSpecificMemory().then(({ breakdown }) =>
    breakdown.flatMap(({ bytes, attribution }) => attribution.map(({ scope }) => [scope, bytes])))`)) as [string, number][]
  const of = (isPage: boolean): number => parts.filter(([scope]) => (scope === 'Window') === isPage).reduce((sum, [, bytes]) => sum + bytes, 0)
  return { page: of(true), worker: of(false) }
}

async function turnAbout(page: Page): Promise<void> {
  await page.locator('.picture').focus()
  for (const key of ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown', 'w', 's']) {
    await page.keyboard.down(key)
    await page.waitForTimeout(300)
    await page.keyboard.up(key)
  }
  for (const key of ['2', '3', '1', ']', 'b', 'b', 'f', 'f', 'r']) await page.keyboard.press(key, { delay: 150 })
}

async function edit(page: Page): Promise<void> {
  await page.locator('.more summary', { hasText: 'Options' }).first().click()
  await page.getByLabel('Steps').fill('2')
  await page.getByLabel('Quick and rough').check()
  await page.getByLabel('What should the face look like?').fill('closed eyes')
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('radio', { name: 'closed eyes' }).waitFor({ timeout: LONG })
  const strength = page.getByRole('slider', { name: 'Strength' })
  for (const value of ['0.2', '0.9', '1.3']) await strength.fill(value)
  await page.locator('.picture').focus()
  for (const keys of ['Control+z', 'Control+Shift+Z', 'Control+z']) await page.keyboard.press(keys, { delay: 200 })
}

async function savePicture(page: Page): Promise<void> {
  await page.locator('summary', { hasText: 'Save' }).click()
  await Promise.all([page.waitForEvent('download', { timeout: LONG }), page.getByRole('button', { name: 'Picture' }).click()])
}

/** Opens a file in place of what was made, which the page asks about where that is not saved. */
async function openInstead(page: Page, file: Parameters<Locator['setInputFiles']>[0], comes: Locator): Promise<void> {
  await page.locator('input[type=file]').setInputFiles(file)
  const anyway = page.getByRole('button', { name: 'Open anyway' })
  await anyway.or(comes).first().waitFor({ timeout: LONG })
  if (await anyway.isVisible()) await anyway.click()
  await comes.waitFor({ timeout: LONG })
}

async function trainShortly(page: Page): Promise<void> {
  const train = page.getByRole('button', { name: 'Train', exact: true })
  await openInstead(page, CAPTURE, train)
  await train.click({ timeout: LONG })
  await page.locator('.psnr').waitFor({ timeout: LONG })
  await page.waitForTimeout(3000)
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByRole('button', { name: 'Stop and keep' }).click()
  await page.getByRole('heading', { name: 'Edit' }).waitFor({ timeout: LONG })
}

const server = await serveStudio({ page: studio, assets: 'assets', viewer: join('dist', 'viewer.js') }, [], { port: 18_990 })
const browser = await openChromium([...(device === 'cpu' ? ['--disable-gpu'] : SOFTWARE_GPU), '--enable-blink-features=ForceEagerMeasureMemory'])
const began = Date.now()
const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
try {
  const page = await browser.newPage({ viewport: { width: 700, height: 600 } })
  await page.goto(`${server.url}?device=${device}`)
  await page.evaluate(() => localStorage.setItem('faceclipnerf.consent', '1'))
  await page.getByRole('button', { name: 'Open the demo' }).click()
  await page.locator('.stage-stats:not(:empty)').waitFor({ timeout: LONG })
  for (let round = 1; Date.now() - began < 60_000 * Number(minutes); round++) {
    await turnAbout(page)
    await edit(page)
    await savePicture(page)
    await turnAbout(page)
    const held = await page.locator('.stage-stats').getAttribute('title')
    await trainShortly(page)
    const demo = { name: 'ada.zip', mimeType: 'application/zip', buffer: readFileSync('assets/demo/ada.zip') }
    await openInstead(page, demo, page.getByRole('radio', { name: 'a surprised face' }))
    const { page: ofPage, worker } = await heaps(page)
    const nodes = await page.evaluate(() => document.querySelectorAll('*').length)
    const time = ((Date.now() - began) / 60_000).toFixed(1)
    console.log(
      `${time} min, round ${round}: page ${megabytes(ofPage)} MiB, worker ${megabytes(worker)} MiB, device before training ${held}, ${nodes} elements`,
    )
  }
} finally {
  await browser.close()
  await server.close()
}
