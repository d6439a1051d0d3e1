/** The studio as a person uses it, in Chromium on the CPU device: demo, turn, sentence, before and after, undo, picture; and what it says to wrong files. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type StudioServer, serveStudio } from '../../cli/studioServer.ts'
import { ROOT, runProgram, scratchFolder } from '../house/scratchBuild.ts'
import { openChromium, skipped } from './chromium.ts'
import { zippedCapture } from './zippedCapture.ts'

if (skipped) console.warn(`studio${skipped}`)
const folder = scratchFolder('studio')
const page = join(folder, 'studio')
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const DEMO = readFileSync(join(ROOT, 'assets/demo/ada.zip'))

let server: StudioServer
let browser: Browser

beforeAll(async () => {
  if (skipped) return
  const build = [join(ROOT, 'node_modules/vite/bin/vite.js'), 'build', 'studio', '--outDir', page, '--logLevel', 'warn']
  // as it is published: the tests' own environment brings React's warnings along
  await runProgram(process.execPath, build, { env: { NODE_ENV: 'production' } })
  const tsdown = join(ROOT, 'node_modules/tsdown/dist/run.mjs')
  await runProgram(process.execPath, [tsdown, '--filter', 'viewer', '--out-dir', folder, '--no-clean', '--logLevel', 'warn'])
  server = await serveStudio({ page, assets: join(ROOT, 'assets'), viewer: join(folder, 'viewer.js') }, [], { port: 18_790 })
  browser = await openChromium()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

interface Opened {
  readonly page: Page
  /** Errors that the page threw. */
  readonly failures: string[]
}

async function openStudio(colorScheme: 'light' | 'dark' = 'light'): Promise<Opened> {
  const opened = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme })
  const failures: string[] = []
  opened.on('pageerror', error => failures.push(error.message))
  await opened.goto(server.url)
  await opened.locator('.device-slow').waitFor({ timeout: 30_000 })
  return { page: opened, failures }
}

async function openDemo(at: Page): Promise<void> {
  await at.getByRole('button', { name: 'Open the demo' }).click()
  await at.locator('.stage-stats:not(:empty)').waitFor({ timeout: 60_000 })
}

/** The picture's bytes as it is on the screen, once it differs from what it was. */
async function picture(at: Page, before?: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const now = (await at.locator('.picture-canvas').screenshot({ animations: 'disabled' })).toString('base64')
    if (now !== before) return now
    await at.waitForTimeout(100)
  }
  throw new Error('the picture did not change in ten seconds')
}

/** Takes something from the menu of what can be saved, and keeps it under its name. */
async function saved(at: Page, label: string): Promise<{ name: string; path: string }> {
  await at.locator('summary', { hasText: 'Save' }).click()
  const [download] = await Promise.all([at.waitForEvent('download', { timeout: 60_000 }), at.getByRole('button', { name: label }).click()])
  const path = join(folder, download.suggestedFilename())
  await download.saveAs(path)
  return { name: download.suggestedFilename(), path }
}

/** A packed page from the disk, without a network: it draws a picture of many colours, of one of three expressions. */
async function opensOffline(path: string): Promise<void> {
  const context = await browser.newContext({ offline: true, viewport: { width: 500, height: 400 }, reducedMotion: 'reduce' })
  const at = await context.newPage()
  await at.goto(String(pathToFileURL(path)))
  await at.locator('canvas.after').waitFor({ timeout: 30_000 })
  await expect.poll(() => at.locator('canvas.after').evaluate(colorsOf), { timeout: 30_000 }).toBeGreaterThan(100)
  const choices = await at.getByLabel('Expression').locator('option').allTextContents()
  expect(choices).toEqual(expect.arrayContaining(['neutral', 'a surprised face', 'face with closed eyes and opened mouth']))
  await context.close()
}

/** Colours of a canvas, in its page. */
function colorsOf(node: Element): number {
  const { width, height } = node as HTMLCanvasElement
  const copy = document.createElement('canvas')
  copy.width = width
  copy.height = height
  const context = copy.getContext('2d')
  context?.drawImage(node as HTMLCanvasElement, 0, 0)
  const words = new Uint32Array(context?.getImageData(0, 0, width, height).data.buffer ?? new ArrayBuffer(0))
  return new Set(words).size
}

/** What a browser fetches before anything is clicked: the page, what it and the worker import, but not what they import later. */
function firstLoad(): Set<string> {
  const found = new Set(['index.html'])
  for (const file of found) {
    if (!/\.(html|js)$/.test(file)) continue
    const text = readFileSync(join(page, file), 'utf8')
    const named =
      file === 'index.html' ? text.matchAll(/app\/([\w.-]+)/g) : text.matchAll(/(?:\bfrom|\bimport) ?["`']\.\/([\w.-]+)|`(worker-[\w-]+\.js)/g)
    for (const [, imported, worker] of named) found.add(`app/${imported ?? worker}`)
  }
  return found
}

/** Width, height and seconds of a video as the browser plays it. */
async function playsAs(address: string): Promise<number[]> {
  const video = document.createElement('video')
  video.src = address
  await new Promise((resolve, reject) => {
    video.onloadeddata = resolve
    video.onerror = () => reject(new Error(video.error?.message))
  })
  return [video.videoWidth, video.videoHeight, Math.round(10 * video.duration) / 10]
}

/** Serious faults that axe finds. */
async function faults(at: Page): Promise<string[]> {
  await at.evaluate(AXE)
  const { violations } = (await at.evaluate('axe.run()')) as AxeResults
  return violations.filter(v => v.impact === 'serious' || v.impact === 'critical').map(v => `${v.id}: ${v.nodes.map(n => n.html).join(' ')}`)
}

describe.skipIf(skipped)(`the studio${skipped}`, () => {
  test('its first load is under 400 kB compressed, the worker with it', () => {
    const bytes = [...firstLoad()].reduce((sum, file) => sum + gzipSync(readFileSync(join(page, file))).length, 0)
    console.log(`studio: first load ${(bytes / 1000).toFixed(0)} kB compressed`)
    expect(bytes).toBeLessThan(400_000)
  })

  test('demo, turn, sentence, before and after, undo and redo, picture', async () => {
    const { page: at, failures } = await openStudio()
    expect(await at.evaluate(() => crossOriginIsolated)).toBe(true)
    expect(await faults(at)).toEqual([])
    await openDemo(at)
    const first = await picture(at)

    await at.getByRole('slider', { name: 'Before and after: where the pictures meet' }).fill('0.1')
    const slid = await picture(at, first)

    const box = await at.locator('.picture').boundingBox()
    if (!box) throw new Error('the picture has no place')
    await at.mouse.move(box.x + 0.3 * box.width, box.y + 0.7 * box.height)
    await at.mouse.down()
    await at.mouse.move(box.x + 0.6 * box.width, box.y + 0.6 * box.height, { steps: 4 })
    await at.mouse.up()
    const turned = await picture(at, slid)
    expect(turned).not.toBe(first)

    await at.locator('.more summary', { hasText: 'Options' }).click()
    await at.getByLabel('Steps').fill('2')
    await at.getByLabel('Quick and rough').check()
    await at.getByLabel('Change only').selectOption('mouth')
    await at.getByLabel('What should the face look like?').fill('face with closed eyes and opened mouth')
    await at.getByRole('button', { name: 'Edit', exact: true }).click()
    await at.locator('.chip-live').waitFor({ timeout: 60_000 })
    const made = at.getByRole('radio', { name: 'face with closed eyes and opened mouth' })
    await made.waitFor({ timeout: 90_000 })
    expect(await made.isChecked()).toBe(true)
    expect(await at.locator('.edit-row small').textContent()).toBe('mouth only')
    expect(await at.locator('.chip-right').textContent()).toBe('face with closed eyes and opened mouth')

    await at.keyboard.press('Escape')
    await at.locator('.picture').focus()
    await at.keyboard.press('Control+z')
    await made.waitFor({ state: 'detached' })
    expect(await at.getByRole('radio', { name: 'a surprised face' }).isChecked()).toBe(true)
    await at.keyboard.press('Control+Shift+Z')
    await made.waitFor()

    await at.keyboard.press('g')
    expect(await at.locator('.cell-name').allTextContents()).toEqual(['unedited', 'a surprised face', 'face with closed eyes and opened mouth'])
    await at.locator('.cell-name', { hasText: 'a surprised face' }).click()
    expect(await at.getByRole('radio', { name: 'a surprised face' }).isChecked()).toBe(true)
    expect(await faults(at)).toEqual([])
    await at.keyboard.press('g')

    const picked = await saved(at, 'Picture')
    const png = readFileSync(picked.path)
    expect([picked.name, png.subarray(1, 4).toString(), png.readUInt32BE(16)]).toEqual(['ada-mini.png', 'PNG', 192])
    expect(png.toString('latin1')).toContain('trainedAlgorithmicMedia')

    const html = await saved(at, 'Web page')
    expect(html.name).toBe('ada-mini.html')
    await opensOffline(html.path)
    expect(await faults(at)).toEqual([])
    expect(failures).toEqual([])
    await at.close()
  }, 180_000)

  test('in the dark and on a phone: modes by key, cameras, the sheet of keys, no serious fault', async () => {
    const { page: at, failures } = await openStudio('dark')
    await openDemo(at)
    const color = await picture(at)
    await at.locator('.picture').focus()
    await at.keyboard.press('2')
    const depth = await picture(at, color)
    await at.keyboard.press('3')
    await picture(at, depth)
    expect(await at.getByRole('radio', { name: 'Anchors' }).isChecked()).toBe(true)
    await at.keyboard.press(']')
    expect(await at.getByRole('combobox', { name: 'Camera' }).inputValue()).not.toBe('')
    await at.keyboard.press('f')
    await at.keyboard.press('?')
    await at.getByRole('dialog', { name: 'Keys and gestures' }).waitFor()
    expect(await faults(at)).toEqual([])
    await at.keyboard.press('Escape')
    await at.locator('.more summary', { hasText: 'Options' }).click()
    await at.getByLabel('Change only').selectOption('what I paint')
    await at.locator('.brush-layer').hover()
    await at.mouse.down()
    await at.mouse.up()
    await at.getByText('Painted. Turn the face').waitFor()
    await at.setViewportSize({ width: 390, height: 844 })
    await at.locator('.switch label', { hasText: 'Colour' }).click()
    await at.locator('.split').waitFor()
    expect(await at.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    expect(await faults(at)).toEqual([])
    expect(failures).toEqual([])
    await at.close()
  }, 120_000)

  test('a capture is trained live: the picture and the PSNR get better, and what was learnt stays', async () => {
    const { page: at, failures } = await openStudio()
    await at.locator('input[type=file]').setInputFiles({ name: 'ada-mini.zip', mimeType: 'application/zip', buffer: zippedCapture() })
    await at.getByRole('button', { name: 'I agree' }).click()
    await at.getByRole('heading', { name: 'Train “ada-mini”' }).waitFor()
    await at.locator('.frame-picture canvas').nth(4).waitFor({ timeout: 30_000 })
    const first = at.getByRole('checkbox', { name: /^000000/ })
    await first.focus()
    for (const key of ['ArrowRight', 'ArrowRight', 'Space', 'End']) await at.keyboard.press(key)
    expect(await at.getByRole('checkbox', { checked: false }).count()).toBe(1)
    expect(await at.locator('.frame:focus-within .mark').textContent()).toBe('held out')
    await at.getByText('Learns from 47 pictures.').waitFor()
    expect(await faults(at)).toEqual([])
    await at.getByRole('button', { name: 'Train', exact: true }).click()
    const psnr = async (): Promise<number> => Number.parseFloat((await at.locator('.psnr').textContent({ timeout: 60_000 })) ?? '')
    const early = await psnr()
    const fog = await picture(at)
    await expect.poll(psnr, { timeout: 90_000 }).toBeGreaterThan(early + 3)
    await picture(at, fog)
    await at.getByRole('button', { name: 'Pause' }).click()
    const [soFar] = await Promise.all([
      at.waitForEvent('download', { timeout: 60_000 }),
      at.getByRole('button', { name: 'Save what it has learnt so far' }).click(),
    ])
    expect(soFar.suggestedFilename()).toBe('ada-mini.scene')
    const rests = await at.locator('.forming-text').textContent()
    expect(rests).toMatch(/^step \d+ of 2000 · paused$/)
    await at.locator('.picture').press('ArrowLeft')
    await at.waitForTimeout(500)
    expect(await at.locator('.forming-text').textContent()).toBe(rests)
    await at.getByRole('button', { name: 'Go on' }).click()
    expect(await at.title()).toMatch(/^\d+ % · training/)
    const hide = (hidden: boolean) =>
      at.evaluate(value => {
        Object.defineProperty(document, 'hidden', { configurable: true, value })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    await hide(true)
    await expect.poll(() => at.locator('.forming-text').textContent(), { timeout: 30_000 }).not.toContain(rests?.split(' ·')[0])
    await hide(false)
    await at.getByText('While this tab was hidden the training went on for').waitFor()
    await at.getByRole('button', { name: 'Stop and keep' }).click()
    await at.getByRole('heading', { name: 'Edit' }).waitFor({ timeout: 30_000 })
    await at.getByLabel('Recorded picture').check()
    await at.locator('canvas.truth').waitFor({ timeout: 30_000 })
    expect(await at.locator('canvas.truth').evaluate(colorsOf)).toBeGreaterThan(100)
    await at.getByText('Difference', { exact: true }).click()
    expect(await faults(at)).toEqual([])
    const scene = await saved(at, 'Scene file')
    expect(scene.name).toBe('ada-mini.scene')
    expect(readFileSync(scene.path).subarray(8, 200).toString()).toContain('__metadata__')
    expect(failures).toEqual([])
    await at.close()
  }, 180_000)

  test('a film: keyframes of camera and face, scrubbed, kept as a camera path, rendered to a video that plays', async () => {
    const { page: at, failures } = await openStudio('dark')
    await openDemo(at)
    await at.locator('.picture').focus()
    await at.keyboard.press('t')
    await at.getByRole('radio', { name: 'unedited' }).check()
    await at.getByRole('button', { name: 'Add keyframe' }).click()
    expect(await at.getByRole('button', { name: 'Render…' }).isDisabled()).toBe(true)
    await at.keyboard.press(']')
    await at.getByRole('radio', { name: 'a surprised face' }).check()
    await at.locator('.picture').focus()
    await at.keyboard.press('k')
    const second = at.getByRole('button', { name: 'Keyframe 2, 2.00 s, a surprised face' })
    await second.waitFor()
    const end = await picture(at)
    await at.getByRole('slider', { name: 'Time in the film' }).fill('0')
    await picture(at, end)
    expect(await faults(at)).toEqual([])

    await second.click()
    await at.getByLabel('Face', { exact: true }).selectOption('between')
    await at.getByRole('button', { name: 'Undo' }).click()
    await second.waitFor()

    await at.getByRole('spinbutton', { name: 'fps' }).fill('10')
    await at.getByRole('spinbutton', { name: 'Length' }).fill('0.2')
    const download = async (button: string): Promise<string> => {
      const [file] = await Promise.all([
        at.waitForEvent('download', { timeout: 60_000 }),
        at.getByRole('button', { name: button, exact: true }).click(),
      ])
      const path = join(folder, file.suggestedFilename())
      await file.saveAs(path)
      return path
    }
    const kept = await download('Save the camera path')
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toMatchObject({
      fps: 10,
      faceclipnerf: { expressions: [{ time: 0 }, { edit: 'a-surprised-face.edit' }] },
    })
    await second.or(at.locator('.film-key').nth(1)).first().press('Delete')
    await at.locator('.film-key').nth(1).waitFor({ state: 'detached' })
    await at.getByLabel('Camera path to open').setInputFiles(kept)
    await at.getByRole('button', { name: 'Keyframe 2, 0.20 s, a surprised face' }).waitFor()

    await at.getByRole('button', { name: 'Render…' }).click()
    await at.getByRole('radio', { name: '128 px' }).check()
    await at.getByRole('radio', { name: 'WebM' }).check()
    expect(await faults(at)).toEqual([])
    const film = readFileSync(await download('Render'))
    expect(film.toString('latin1')).toContain('trainedAlgorithmicMedia')
    // the studio's policy lets nothing in that is not its server's
    const player = await browser.newPage()
    expect(await player.evaluate(playsAs, `data:video/webm;base64,${film.toString('base64')}`)).toEqual([128, 128, 0.2])
    await player.close()
    expect(failures).toEqual([])
    await at.close()
  }, 120_000)

  test('wrong, damaged and newer files are named, and what is open stays open', async () => {
    const { page: at } = await openStudio()
    await openDemo(at)
    const give = async (name: string, buffer: Buffer): Promise<string> => {
      await at.locator('.problem').waitFor({ state: 'detached' })
      await at.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer })
      const agree = at.getByRole('button', { name: 'I agree' })
      await agree.or(at.locator('.problem')).first().waitFor()
      if (await agree.isVisible()) await agree.click()
      const text = (await at.locator('.problem p').textContent({ timeout: 30_000 })) ?? ''
      await at.getByRole('button', { name: 'Close the message' }).click()
      return text
    }
    expect(await give('me.jpg', Buffer.from('x'))).toBe(
      'me.jpg: a picture; the studio opens .scene and .edit files, zips of them, and zips of a .capture',
    )
    expect(await give('ada.zip', DEMO.subarray(0, 4000))).toBe('ada.zip: the zip is cut off or damaged; copy or pack it again')
    expect(await give('a.scene', Buffer.from('not a scene at all'))).toContain('a.scene: header length')
    expect(await give('b.scene', sceneOf({ format: 'faceclipnerf.scene', version: '99' }))).toBe(
      'b.scene: scene version 99, this program reads 2; update faceclipnerf',
    )
    expect(await give('c.scene', sceneOf({ format: 'faceclipnerf.edit', version: '2' }))).toContain('c.scene: not a scene file')
    expect(await at.getByRole('radio', { name: 'a surprised face' }).isChecked()).toBe(true)
    await at.close()
  }, 120_000)
})

/** A safetensors file without tensors. */
function sceneOf(metadata: Record<string, string>): Buffer {
  const text = Buffer.from(JSON.stringify({ __metadata__: metadata }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text])
}
