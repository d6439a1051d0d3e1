// Compiles and validates every kernel of test/wgsl/plans.ts on Dawn's null backend: no GPU needed. Run with tsx.
import { gpuBackend } from '../src/tensor/gpuBackend.ts'
import { compile } from '../src/tensor/plan.ts'
import { openNullGpu } from '../test/gpu/softwareGpu.ts'
import { WGSL_PLANS } from '../test/wgsl/plans.ts'

/** Validates one plan on a device of its own; returns the error, if any. */
async function failureOf(plan) {
  const gpu = await openNullGpu()
  if (typeof gpu === 'string') throw new Error(`checkWgsl: ${gpu}`)
  const device = gpuBackend(gpu)
  try {
    const program = compile(device, plan.build(device))
    program.run()
    await device.sync()
    console.log(`ok    ${plan.name}: ${program.nodes.length} operations`)
  } catch (error) {
    console.log(`FAIL  ${plan.name}: ${error.message}`)
    return error
  } finally {
    device[Symbol.dispose]()
  }
}

const started = performance.now()
let failed = 0
for (const plan of WGSL_PLANS) if (await failureOf(plan)) failed++
console.log(`${WGSL_PLANS.length - failed} of ${WGSL_PLANS.length} plans compile, ${((performance.now() - started) / 1000).toFixed(1)} s`)
process.exitCode = failed > 0 ? 1 : 0
