/**
 * Does the GPU of this machine compute what the CPU computes, and how fast? `npm run check:gpu -- [--quick] [operations] [training] [pace]`; FACECLIPNERF_DEVICE picks the
 * adapter.
 * Needs no capture, no test runner and no other package than `webgpu`, so that one bundled file checks a bare machine:
 *
 *     npx esbuild bench/gpuCheck.ts --bundle --platform=node --format=esm --target=node20 --external:sharp --external:webgpu \
 *       --external:@huggingface/tokenizers --outfile=gpuCheck.mjs
 *
 * 1. every operation on random numbers against its plain reference; 2. the first losses of `tiny`; 3. one picture of that scene, rendered by both;
 * 4. the pace of `fast` and where its time goes. Ends with exit code 1 when 1 to 3 disagree. `--quick` is for adapters in software.
 */
import { parseArgs } from 'node:util'
import { openCpuDevice } from '../src/cpu/cpuDevice.ts'
import type { PresetName } from '../src/nerf/presets.ts'
import { rayBatches } from '../src/nerf/rayBatches.ts'
import { samplesPerRay } from '../src/nerf/rayLevels.ts'
import { createRenderer } from '../src/nerf/render.ts'
import { loadScene, saveScene } from '../src/nerf/sceneFile.ts'
import { SceneManipulator } from '../src/nerf/sceneManipulator.ts'
import { recordStep, train } from '../src/nerf/train.ts'
import { openDevice } from '../src/node.ts'
import { cpuBackend } from '../src/tensor/cpuBackend.ts'
import type { Device } from '../src/tensor/device.ts'
import { compile } from '../src/tensor/plan.ts'
import { type Numbers, showShape } from '../src/tensor/tensor.ts'
import { smallCapture } from '../test/nerf/smallScene.ts'
import { type OperationPlan, operationPlans } from '../test/wgsl/operationPlans.ts'

const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean', default: false } }, allowPositionals: true })
const { quick } = values
const wanted = (part: string): boolean => positionals.length === 0 || positionals.includes(part)
const SIZES = quick
  ? { rays: 16, steps: 3, size: 24, timedSteps: 1, batch: { rays: 64, samples: 4 } }
  : { rays: 512, steps: 50, size: 128, timedSteps: 100, batch: undefined }

/** Largest error of an element against max(|expected|, root mean square of its tensor). */
const TOLERANCE = 1e-3
/** Share of elements that may lie beyond it: at cell borders, kinks and searches two roundings may take different sides. */
const STRAY_SHARE = 2e-3
/**
 * Of the first losses. Later ones differ by tens of per cent while the loss falls: Adam turns gradients that are all rounding (its epsilon is 1e-10) into full steps,
 * so two right devices part, as two seeds do; what they end at is compared by `bench:heldout`.
 */
const LOSS_TOLERANCE = 1e-3
const COMPARED_STEPS = 5
const LEAST_PSNR = 40

const failures: string[] = []
function verdict(good: boolean, text: string): void {
  console.log(`${good ? 'ok   ' : 'FAIL '} ${text}`)
  if (!good) failures.push(text)
}

using gpu = await openDevice({ kind: process.env.FACECLIPNERF_DEVICE ? undefined : 'gpu' })
if (!gpu.adapter) throw new Error(`check:gpu: ${gpu.description}; name an adapter in FACECLIPNERF_DEVICE`)
using reference = cpuBackend(await openCpuDevice({ threads: 1 }), false)
using cpu = cpuBackend(await openCpuDevice())
const { name, vendor, architecture, features, limits } = gpu.adapter
console.log(`${gpu.description}; vendor ${vendor}, architecture ${architecture}\nfeatures: ${[...features].sort().join(', ')}`)
console.log(
  Object.entries(limits)
    .map(([limit, value]) => `${limit} ${value}`)
    .join('\n'),
)
console.log(`compared with: ${cpu.description}, Node ${process.version}\n`)

if (wanted('operations')) await checkOperations()
if (wanted('training')) await checkTraining()
if (wanted('pace')) for (const preset of ['tiny', 'fast'] as const) await timeTraining(preset)
console.log(failures.length === 0 ? `\n${name} agrees with the CPU` : `\n${failures.length} disagree:\n${failures.join('\n')}`)
process.exitCode = failures.length === 0 ? 0 : 1

async function checkOperations(): Promise<void> {
  for (const plan of operationPlans(SIZES.rays)) {
    const expected = await resultsOf(reference, plan)
    const actual = await resultsOf(gpu, plan).catch((error: Error) => error)
    if (actual instanceof Error) {
      verdict(false, `${plan.name}: ${actual.message}`)
      continue
    }
    const worst = expected
      .map(({ shape, values }, i) => ({ output: i, shape, ...errorOf(actual[i].values, values) }))
      .reduce((a, b) => (b.stray > a.stray || (b.stray === a.stray && b.largest > a.largest) ? b : a))
    const text = `${plan.name.padEnd(24)} largest error ${worst.largest.toExponential(1)}, beyond ${TOLERANCE}: ${worst.count}`
    verdict(worst.stray <= STRAY_SHARE, `${text} (output ${worst.output}, ${showShape(worst.shape)})`)
  }
}

async function resultsOf(device: Device, plan: OperationPlan): Promise<{ shape: readonly number[]; values: Numbers }[]> {
  const request = plan.build(device)
  using compiled = compile(device, request)
  compiled.run()
  const results: { shape: readonly number[]; values: Numbers }[] = []
  for (const y of request.outputs ?? []) results.push({ shape: y.shape, values: await compiled.read(y) })
  await device.sync()
  return results
}

function errorOf(actual: Numbers, expected: Numbers): { largest: number; count: number; stray: number } {
  let squares = 0
  for (const v of expected) squares += v * v
  const rms = Math.sqrt(squares / expected.length)
  let largest = 0
  let count = 0
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / Math.max(Math.abs(expected[i]), rms, 1e-30)
    if (!(error <= largest)) largest = error
    if (!(error <= TOLERANCE)) count++
  }
  return { largest, count, stray: count / expected.length }
}

function newScene(device: Device, preset: PresetName): SceneManipulator {
  const { batch } = SIZES
  return new SceneManipulator(device, smallCapture(8, SIZES.size), {
    preset,
    config: c => {
      if (!batch || c.sampling.kind !== 'grid') return c
      return { ...c, sampling: { ...c.sampling, samples: batch.samples }, training: { ...c.training, rays: batch.rays } }
    },
  })
}

/** The same steps on both, then one picture of the GPU's scene by both. */
async function checkTraining(): Promise<void> {
  const capture = smallCapture(8, SIZES.size)
  const scenes = [newScene(gpu, 'tiny'), newScene(cpu, 'tiny')]
  const runs = scenes.map(scene => train(scene, capture, { until: SIZES.steps, reportEvery: 1 }))
  let worst = 0
  for (let step = 1; step <= SIZES.steps; step++) {
    const [a, b] = [await runs[0].next(), await runs[1].next()]
    if (a.done || b.done) break
    const error = Math.abs(a.value.loss / b.value.loss - 1)
    if (step <= COMPARED_STEPS) worst = Number.isFinite(error) ? Math.max(worst, error) : Number.POSITIVE_INFINITY
    if (step <= 3 || step % 10 === 0)
      console.log(`      step ${step}: loss ${a.value.loss.toPrecision(6)}, on the CPU ${b.value.loss.toPrecision(6)}`)
  }
  for (const run of runs) await run.return(undefined)
  verdict(worst <= LOSS_TOLERANCE, `tiny, the first ${COMPARED_STEPS} steps: losses differ by at most ${(100 * worst).toFixed(3)} %`)
  const twin = await loadScene(cpu, await saveScene(scenes[0]), 'the trained scene')
  const pictures: Float32Array[] = []
  for (const scene of [scenes[0], twin]) {
    using renderer = createRenderer(scene, scene.referenceField, quick ? { rays: 64 } : {})
    pictures.push((await renderer.render(scene.trainingCameras[2])).rgb)
  }
  const [a, b] = pictures
  const psnr = -10 * Math.log10(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / a.length)
  verdict(psnr >= LEAST_PSNR, `render of ${SIZES.size}²: PSNR between the two ${psnr.toFixed(1)} dB`)
}

/** Milliseconds per step of the product's loop and of the device alone, and the kernels that take longest. */
async function timeTraining(preset: PresetName): Promise<void> {
  const capture = smallCapture(8, SIZES.size)
  const scene = newScene(gpu, preset)
  const { rays } = scene.config.training
  const samples = samplesPerRay(scene.config.sampling).training
  const steps = SIZES.timedSteps
  for await (const _ of train(scene, capture, { until: Math.ceil(steps / 4), reportEvery: steps })); // pipelines are made
  let began = performance.now()
  for await (const _ of train(scene, capture, { until: Math.ceil(steps / 4) + steps, reportEvery: steps }));
  await gpu.sync()
  const whole = (performance.now() - began) / steps
  using graph = recordStep(scene, false)
  graph.writeBatch(rayBatches(capture, scene.description.space, { ...scene.config.training, seed: 0 }).draw(0), 0, 0)
  graph.plan.run()
  await gpu.sync()
  began = performance.now()
  for (let i = 0; i < steps; i++) graph.plan.run()
  const submitted = (performance.now() - began) / steps
  await gpu.sync()
  const device = (performance.now() - began) / steps
  const rate = ((rays * samples) / device / 1e3).toFixed(2)
  console.log(
    `\n${preset}, ${rays} rays x ${samples} samples: ${whole.toFixed(2)} ms per step of train(), ${device.toFixed(2)} ms on the device alone (${rate} M samples/s), ` +
      `${submitted.toFixed(2)} ms to submit; ${graph.plan.nodes.length} operations, ${(gpu.memory.peak / 2 ** 20).toFixed(0)} MiB at most`,
  )
  const times = [...(await graph.plan.profile())].sort(([, a], [, b]) => b.ms - a.ms)
  const total = times.reduce((sum, [, { ms }]) => sum + ms, 0)
  for (const [kernel, { ms, calls }] of times.slice(0, 25))
    console.log(`      ${kernel.padEnd(32)} ${ms.toFixed(3).padStart(9)} ms ${((100 * ms) / total).toFixed(1).padStart(5)} % in ${calls} calls`)
  if (times.length === 0) console.log('      no profile: the adapter has no timestamp-query')
}
