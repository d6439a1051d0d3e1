/** Debian's Chromium for tests of pages. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const WITHOUT_GPU = ['--disable-gpu']
/** WebGPU by SwiftShader, canvases too; its shaders take longer to compile than the watchdog waits for. */
export const SOFTWARE_GPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-angle=swiftshader',
  '--disable-gpu-watchdog',
  // SwiftShader takes over a second per kernel to compile the zero-filling of workgroup memory, which our kernels do themselves.
  '--enable-dawn-features=disable_workgroup_init',
]

/** A note for the names of tests that cannot run here; empty where they can. */
export const skipped = existsSync(CHROMIUM) ? '' : ` (SKIPPED: no ${CHROMIUM}; install chromium)`

export function openChromium(flags: readonly string[] = WITHOUT_GPU): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...FLAGS, ...flags] })
}
