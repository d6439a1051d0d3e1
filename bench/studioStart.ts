// How soon the studio can be used: from the address to a start page that takes a click (page drawn, worker started, device open), and on to the demo's first picture.
// A browser without a cache each time, files from this machine. From the root of the tree, after npm run build: npx tsx bench/studioStart.ts [times=5] [studio=dist/studio]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serveStudio } from '../cli/studioServer.ts'
import { openChromium } from '../test/studio/chromium.ts'

const [times = '5', studio = 'dist/studio'] = process.argv.slice(2)
const viewer = join(studio, '../viewer.js')
readFileSync(viewer) // throws when it was not built
const server = await serveStudio({ page: studio, assets: 'assets', viewer }, [], { port: 18_795 })
const [usable, seen]: number[][] = [[], []]
try {
  for (let i = 0; i < Number(times); i++) {
    const browser = await openChromium()
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    const began = performance.now()
    await page.goto(server.url)
    const demo = page.getByRole('button', { name: 'Open the demo' })
    // a trial click waits until the button is there, still and enabled
    await demo.click({ trial: true })
    usable.push(performance.now() - began)
    const asked = performance.now()
    await demo.click()
    await page.locator('.stage-stats:not(:empty)').waitFor({ timeout: 60_000 })
    seen.push(performance.now() - asked)
    await browser.close()
  }
} finally {
  await server.close()
}
const show = (ms: number[]): string => {
  const sorted = [...ms].sort((a, b) => a - b)
  return `${(sorted[sorted.length >> 1] / 1000).toFixed(2)} s (${(sorted[0] / 1000).toFixed(2)} to ${(sorted[sorted.length - 1] / 1000).toFixed(2)})`
}
console.log(`${times} times, median: usable after ${show(usable)}; the demo's first picture ${show(seen)} after the click`)
