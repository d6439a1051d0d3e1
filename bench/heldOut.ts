/**
 * Held-out PSNR against training time: `npm run bench:heldout -- ../shared/captures/ada --preset fast --resolution 128 --times 10,30,60,120`.
 * The clock runs while the scene is made and trained, compilation of its kernels included; opening the device, decoding the capture and the
 * evaluations stand outside. Scores are those of the peer in JAX: every validation view with the code of its instant for T and H alike, dB of the whole picture
 * and of the person's pixels, means over the views. One JSON line per evaluation, at the first report at or after each mark.
 *
 * Schedules stretch over `--steps`. Without it, `--times` first measures the pace on a device of its own and stretches them over what fits the longest
 * time; `--at` (marks in steps) leaves the preset's schedule as it is.
 *
 * `--precision half` takes matrix units where the GPU has them. `--config` lays JSON over the preset, e.g. '{"sampling":{"samples":24}}'; `--out` keeps the scene, `--pictures` a folder of sheets. For a machine without this tree: esbuild bench/heldOut.ts --bundle --platform=node --format=esm
 * --target=node20 --external:sharp --external:webgpu --external:@huggingface/tokenizers --outfile=heldOut.mjs
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type Capture,
  type Device,
  encodePng,
  evaluateScene,
  openDevice,
  type PresetName,
  preset,
  type SceneConfig,
  SceneManipulator,
  type SceneReport,
  saveScene,
  sheet,
  train,
  writeAtomic,
} from '../src/node.ts'
import { captureAt } from './captureAt.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    preset: { type: 'string', default: 'fast' },
    resolution: { type: 'string' },
    times: { type: 'string' },
    at: { type: 'string' },
    steps: { type: 'string' },
    seed: { type: 'string', default: '0' },
    out: { type: 'string' },
    pictures: { type: 'string' },
    config: { type: 'string', default: '{}' },
    precision: { type: 'string', default: 'f32' },
  },
})
/** Steps between reports, which wait for the device: seldom enough to cost nothing, often enough to hit a mark. */
const REPORT_EVERY = 25
/** Seconds of training that tell the pace, after those that compile. */
const PILOT_SECONDS = 3

const [path] = positionals
if (!path || (values.times === undefined) === (values.at === undefined)) fail('give a capture folder and either --times (seconds) or --at (steps)')
const name = presetName(values.preset)
const seed = numberOf('seed', values.seed)
const timed = values.times !== undefined
const marks = numbersOf(values.times ?? values.at ?? '')
const capture = await captureAt(path, values.resolution === undefined ? undefined : numberOf('resolution', values.resolution))
const steps = values.steps === undefined ? (timed ? await stepsWithin(marks[marks.length - 1]) : undefined) : numberOf('steps', values.steps)

using device = await openDevice({ precision: precisionName(values.precision) })
console.error(
  `${capture.name}, ${capture.frames[0].camera.imageSize.join('x')}, preset ${name}, ${steps ?? preset(name).training.steps} steps; ${device.description}`,
)
let spent = 0
let resumed = performance.now()
const scene = newScene(device, steps)
const until = timed ? scene.config.training.steps : marks[marks.length - 1]
const reportEvery = timed ? REPORT_EVERY : marks.reduce(commonDivisor, REPORT_EVERY)
for await (const { step, loss } of train(scene, capture, { until, reportEvery })) {
  spent += (performance.now() - resumed) / 1000
  const reached = timed ? spent : step
  const due = marks.filter(mark => mark <= reached)
  marks.splice(0, due.length)
  const last = step >= until || marks.length === 0
  if (due.length > 0 || last) await report(step, loss)
  if (last) break
  resumed = performance.now()
}
if (values.out) await writeAtomic(values.out, await saveScene(scene, { training: true }))

async function report(step: number, loss: number): Promise<void> {
  const began = performance.now()
  const scores = await evaluateScene(scene, capture)
  const [psnr, psnrPerson, ssim] = [scores.psnr, scores.psnrPerson, scores.ssim].map(x => x && Number(x.toFixed(3)))
  const line = { seconds: Number(spent.toFixed(2)), steps: step, psnr, psnrPerson, ssim, loss: Number(loss.toPrecision(4)) }
  console.log(JSON.stringify({ ...line, preset: name, device: device.description }))
  if (values.pictures) await savePictures(values.pictures, step, scores)
  console.error(`evaluated in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

/** Observed above rendered, a column per validation view. */
async function savePictures(folder: string, step: number, { views }: SceneReport): Promise<void> {
  const size = ({ rendered: { width, height } }: SceneReport['views'][number]): { width: number; height: number } => ({ width, height })
  const observed = views.map(view => ({ ...size(view), rgb: view.observed, label: view.id }))
  const rendered = views.map(view => ({ ...size(view), rgb: view.rendered.rgb, label: `${view.psnr.toFixed(1)} dB` }))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name}-${step}.png`), await encodePng(sheet([observed, rendered])))
}

/** Steps that fit `seconds` on this machine. Measured on a device of its own, so that the run itself compiles its kernels anew. */
async function stepsWithin(seconds: number): Promise<number> {
  using pilot = await openDevice({ precision: precisionName(values.precision) })
  let began: { at: number; step: number } | undefined
  for await (const { step } of train(newScene(pilot), capture, { reportEvery: 5 })) {
    began ??= { at: performance.now(), step }
    const elapsed = (performance.now() - began.at) / 1000
    if (elapsed > Math.min(PILOT_SECONDS, seconds / 3)) return Math.max(1, Math.round(((step - began.step) / elapsed) * seconds))
  }
  return preset(name).training.steps
}

function newScene(on: Device, stretched?: number): SceneManipulator {
  return new SceneManipulator(on, capture as Capture, {
    preset: name,
    seed,
    config: c => {
      const changed = merged(c, JSON.parse(values.config)) as SceneConfig
      return stretched === undefined ? changed : { ...changed, training: { ...changed.training, steps: stretched } }
    },
  })
}

/** `changes` laid over `base`, object by object. */
function merged(base: unknown, changes: unknown): unknown {
  if (!isObject(base) || !isObject(changes)) return changes
  return { ...base, ...Object.fromEntries(Object.entries(changes).map(([key, value]) => [key, merged(base[key], value)])) }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function precisionName(text: string): 'f32' | 'half' {
  return text === 'f32' || text === 'half' ? text : fail(`--precision is "${text}"; give f32 or half`)
}

function presetName(text: string): PresetName {
  preset(text) // throws with the names there are
  return text as PresetName
}

function numberOf(option: string, text: string): number {
  const value = Number(text)
  return Number.isFinite(value) && value >= 0 ? value : fail(`--${option} is "${text}"; give a number`)
}

function numbersOf(list: string): number[] {
  const numbers = list.split(',').map(text => numberOf('times and --at', text))
  return numbers.sort((a, b) => a - b)
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}

function fail(message: string): never {
  throw new Error(`bench:heldout: ${message}`)
}
