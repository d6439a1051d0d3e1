// Compiles and validates every kernel of test/wgsl/checks.ts on Dawn's null backend, within the limits that every WebGPU device has: no GPU needed.
// Run with tsx; a word as argument picks the checks whose names hold it.
import { gpuBackend } from '../src/tensor/gpuBackend.ts'
import { openNullGpu } from '../test/gpu/softwareGpu.ts'
import { WGSL_CHECKS } from '../test/wgsl/checks.ts'
import { roomlessGpu } from '../test/wgsl/roomlessGpu.ts'

/** Does one piece of work on a device of its own; returns the error, if any. */
async function failureOf({ name, run, largest }) {
  const gpu = await openNullGpu('default')
  if (typeof gpu === 'string') throw new Error(`checkWgsl: ${gpu}`)
  const device = gpuBackend(roomlessGpu(gpu, largest))
  try {
    await run(device)
    await device.sync()
    console.log(`ok    ${name}: ${(device.memory.peak / 2 ** 20).toFixed(0)} MiB${largest ? ', with buffers larger than every device allows' : ''}`)
  } catch (error) {
    console.log(`FAIL  ${name}: ${error.message}`)
    return error
  } finally {
    device[Symbol.dispose]()
  }
}

const started = performance.now()
const [wanted = ''] = process.argv.slice(2)
const checks = WGSL_CHECKS.filter(({ name }) => name.includes(wanted))
let failed = checks.length === 0 ? 1 : 0
for (const check of checks) if (await failureOf(check)) failed++
console.log(`${checks.length - failed} of ${checks.length} compile, ${((performance.now() - started) / 1000).toFixed(1)} s`)
process.exitCode = failed > 0 ? 1 : 0
