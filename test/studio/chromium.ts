/** Debian's Chromium for tests of pages. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const WITHOUT_GPU = ['--disable-gpu']

/** A note for the names of tests that cannot run here; empty where they can. */
export const skipped = existsSync(CHROMIUM) ? '' : ` (SKIPPED: no ${CHROMIUM}; install chromium)`

export function openChromium(flags: readonly string[] = WITHOUT_GPU): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...FLAGS, ...flags] })
}
