/**
 * Where a training step's time goes, and which way of computing narrow layers is quickest: `npm run bench:step -- [layers] [step] [growth] [--tiny] [--only NAMES]`.
 * Needs no capture and no other package than `webgpu`, so that one bundled file measures a bare machine:
 *
 *     npx esbuild bench/step.ts --bundle --platform=node --format=esm --target=node20 --external:sharp --external:webgpu \
 *       --external:@huggingface/tokenizers --outfile=step.mjs
 *
 * layers: T, H and F of `fast` alone, every candidate beside the CPU's numbers (largest error of max(element, root mean square)) and its time;
 * step: the whole step of `fast` with every candidate, on the device and as train() runs it; growth: step time against sizes. `--only` takes the
 * candidates whose names hold one of these, separated by commas; `--tiny` is for adapters in software.
 */
import { parseArgs } from 'node:util'
import { openCpuDevice } from '../src/cpu/cpuDevice.ts'
import { anchorsFromCodes } from '../src/edit/anchors.ts'
import { rayBatches } from '../src/nerf/rayBatches.ts'
import { samplesPerRay } from '../src/nerf/rayLevels.ts'
import type { SceneConfig } from '../src/nerf/sceneConfig.ts'
import { SceneManipulator } from '../src/nerf/sceneManipulator.ts'
import { recordStep, train } from '../src/nerf/train.ts'
import { AnchorCompositor, edit, editViews, type Guidance, openDevice, preset } from '../src/node.ts'
import { cpuBackend } from '../src/tensor/cpuBackend.ts'
import { type Device, tensor } from '../src/tensor/device.ts'
import { grad } from '../src/tensor/grad.ts'
import { concat } from '../src/tensor/ops/concat.ts'
import { dense } from '../src/tensor/ops/dense.ts'
import { fusedMlp, type MlpShape } from '../src/tensor/ops/fusedMlp.ts'
import { mlpMatrices } from '../src/tensor/ops/fusedMlpLayout.ts'
import { mlpTiling } from '../src/tensor/ops/mlpTiling.ts'
import { mean, sumLast } from '../src/tensor/ops/reduce.ts'
import { compile, type Plan } from '../src/tensor/plan.ts'
import { reshape, type Tensor } from '../src/tensor/tensor.ts'
import { smallCapture } from '../test/nerf/smallScene.ts'
import { randomValues } from '../test/tensor/opCase.ts'
import { measure, median } from './measure.ts'

const { values: options, positionals } = parseArgs({
  options: { tiny: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, steps: { type: 'string' } },
  allowPositionals: true,
})
const wanted = (part: string): boolean => positionals.length === 0 || positionals.includes(part)
const { tiny } = options
const RUNS = tiny ? 1 : 7
const STEPS = Number(options.steps ?? (tiny ? 1 : 200))
const ROWS = tiny ? 700 : 98_304
const SIZE = tiny ? 16 : 128
/** Of the norm of a result's error to the norm of the result: of sums of f32, and of products of f16. */
const TOLERANCE = { blocks: 1e-5, matrices: 1e-2 }

/** A way to cut chains of layers, or what the device chooses at precision 'half'. */
type Choice = NonNullable<Device['mlp']> | 'half'
const cut = (rows: number, blockRows: 4 | 8, blockColumns: 4 | 8, groups: number, layersPerDispatch: number): Choice => ({
  units: 'blocks',
  rows,
  blockRows,
  blockColumns,
  groups,
  layersPerDispatch,
})
const matrices = (rows: number, subgroups: number, groups: number, layersPerDispatch: number): Choice => ({
  units: 'matrices',
  rows,
  subgroups,
  lanes: 32,
  groups,
  layersPerDispatch,
})
const CANDIDATES: readonly (readonly [string, Choice | undefined])[] = [
  ['layers', 'layers'],
  ['chosen', undefined],
  ['chosen at half', 'half'],
  ...[1, 2, 3, 5].map(n => [`R64 4x4 ${n} per dispatch`, cut(64, 4, 4, 264, n)] as const),
  ...[1, 2, 3].map(n => [`R64 8x4 ${n} per dispatch`, cut(64, 8, 4, 528, n)] as const),
  ...[1, 2].map(n => [`R64 8x8 ${n} per dispatch`, cut(64, 8, 8, 792, n)] as const),
  ...[1, 2, 3].map(n => [`R32 4x4 ${n} per dispatch`, cut(32, 4, 4, 528, n)] as const),
  ['R32 8x4 1 per dispatch', cut(32, 8, 4, 1056, 1)],
  ['R16 4x4 1 per dispatch', cut(16, 4, 4, 1056, 1)],
  ...[1, 2, 3, 5].map(n => [`f16 R64 S8 ${n} per dispatch`, matrices(64, 8, 264, n)] as const),
  ...[1, 2, 3].map(n => [`f16 R64 S4 ${n} per dispatch`, matrices(64, 4, 528, n)] as const),
  ...[1, 2].map(n => [`f16 R32 S4 ${n} per dispatch`, matrices(32, 4, 528, n)] as const),
]

const base = await openDevice({ kind: process.env.FACECLIPNERF_DEVICE ? undefined : 'gpu' })
if (!base.adapter) throw new Error(`bench:step: ${base.description}; name an adapter in FACECLIPNERF_DEVICE`)
const withChoice = (mlp: Choice | undefined): Device =>
  Object.create(base, mlp === 'half' ? { precision: { value: mlp } } : { mlp: { value: mlp } }) as Device
const candidates = CANDIDATES.filter(([name]) => options.only.split(',').some(part => name.includes(part)))
console.log(`${base.description}, Node ${process.version}; ${JSON.stringify(base.adapter.limits)}; ${[...base.adapter.features].sort().join(' ')}\n`)

const relu = 'relu' as const
const hidden = (nOut: number, heads: MlpShape['layers'][number]['heads'] = []) => ({ nOut, activation: relu, heads })
const SHAPES: Readonly<Record<string, MlpShape>> = {
  T: {
    nIn: 32,
    layers: [
      hidden(64),
      hidden(64),
      hidden(64, [
        { nOut: 3, activation: 'none' },
        { nOut: 3, activation: 'none' },
      ]),
    ],
  },
  H: { nIn: 44, layers: [hidden(64), hidden(64), hidden(64, [{ nOut: 4, activation: 'none' }])] },
  F: {
    nIn: 56,
    layers: [
      hidden(64),
      hidden(64, [{ nOut: 1, activation: 'softplus' }]),
      { nOut: 64, activation: 'none', heads: [] },
      hidden(64),
      hidden(64, [{ nOut: 3, activation: 'sigmoid' }]),
    ],
  },
}

interface LayerPlans {
  readonly forward: Plan
  readonly both: Plan
  readonly outputs: readonly Tensor[]
}

function layerPlans(device: Device, shape: MlpShape): LayerPlans | undefined {
  const matrices = mlpMatrices(shape)
  const leaf = (dims: number[], seed: number, width = 1): Tensor =>
    tensor(
      device,
      randomValues(
        dims.reduce((a, b) => a * b),
        seed,
        [-width, width],
      ),
      dims,
    )
  const x = leaf([ROWS, shape.nIn], 0)
  const parameters = matrices.flatMap(({ nIn, nOut }, i) => [leaf([nIn, nOut], 2 * i + 1, Math.sqrt(6 / (nIn + nOut))), leaf([nOut], 2 * i + 2, 0.1)])
  const tiling = mlpTiling(device, shape, ROWS)
  if (!tiling && device.kind === 'gpu' && device.mlp !== 'layers') return undefined
  let h = x
  const plain = (): Tensor[] =>
    matrices.flatMap(({ head, activation }, i) => {
      const y = dense(h, parameters[2 * i], parameters[2 * i + 1], activation)
      if (!head) h = y
      return head ? [y] : []
    })
  const build = (): Tensor[] => (tiling ? fusedMlp(x, parameters, shape, tiling) : plain())
  const forward = compile(device, { outputs: build() })
  h = x
  const y = concat(build())
  const grads = grad(y, [x, ...parameters], leaf([...y.shape], 100))
  return { forward, both: compile(device, { outputs: [y, ...grads] }), outputs: [y, ...grads] }
}

/** T, H and F alone: time and error of every candidate. */
async function compareLayers(): Promise<void> {
  using cpu = cpuBackend(await openCpuDevice())
  console.log(
    `Chains of narrow layers, ${ROWS} rows; µs are medians of ${RUNS}, "device" the sum of its kernels' own clocks. Error beside the CPU's.`,
  )
  console.log(
    '| net | candidate | forward µs | TFLOP/s | forward + gradient µs | TFLOP/s | device µs | largest error: element, norm | |\n|---|---|---|---|---|---|---|---|---|',
  )
  for (const [net, shape] of Object.entries(SHAPES)) {
    const flops = mlpMatrices(shape).reduce((sum, { nIn, nOut }) => sum + 2 * nIn * nOut * ROWS, 0)
    const expected = await valuesOf(layerPlans(cpu, shape))
    for (const [name, choice] of candidates) {
      const device = withChoice(choice)
      const plans = layerPlans(device, shape)
      if (!plans) {
        console.log(`| ${net} | ${name} | does not fit this adapter |`)
        continue
      }
      try {
        const forward = median(
          await measure(
            () => plans.forward.run(),
            () => base.sync(),
            RUNS,
          ),
        )
        const both = median(
          await measure(
            () => plans.both.run(),
            () => base.sync(),
            RUNS,
          ),
        )
        const times = await plans.both.profile()
        const onDevice = [...times.values()].reduce((sum, { ms }) => sum + ms, 0)
        const { element, norm } = errorsOf((await valuesOf(plans)) ?? [], expected ?? [])
        const bound = choice === 'half' ? TOLERANCE.matrices : typeof choice === 'object' ? TOLERANCE[choice.units] : TOLERANCE.blocks
        const rate = (count: number, ms: number): string => (count / ms / 1e9).toFixed(1)
        console.log(
          `| ${net} | ${name} | ${us(forward)} | ${rate(flops, forward)} | ${us(both)} | ${rate(3 * flops, both)} | ${us(onDevice)} | ${element.toExponential(1)}, ${norm.toExponential(1)} | ${norm < bound ? 'ok' : 'WRONG'} |`,
        )
        console.log(`    ${[...times].map(([kernel, { ms, calls }]) => `${kernel} ${us(ms)}${calls > 1 ? ` in ${calls}` : ''}`).join(', ')}`)
      } catch (error) {
        console.log(`| ${net} | ${name} | ${String(error).split('\n')[0]} |`)
      }
      for (const plan of [plans.forward, plans.both]) plan[Symbol.dispose]()
    }
  }
}

const us = (ms: number): string => (1000 * ms).toFixed(0)

async function valuesOf(plans: LayerPlans | undefined): Promise<Float32Array[] | undefined> {
  if (!plans) return undefined
  plans.both.run()
  const values: Float32Array[] = []
  for (const y of plans.outputs) values.push(await plans.both.read(y))
  return values
}

/** The worst result's error: of an element, to max(element, root mean square), and of the whole, by norms. */
function errorsOf(actual: readonly Float32Array[], expected: readonly Float32Array[]): { element: number; norm: number } {
  const worst = { element: 0, norm: 0 }
  for (const [i, wanted] of expected.entries()) {
    const squares = wanted.reduce((sum, v) => sum + v * v, 0)
    const rms = Math.sqrt(squares / wanted.length)
    let off = 0
    for (let j = 0; j < wanted.length; j++) {
      const difference = Math.abs(actual[i][j] - wanted[j])
      const error = difference / Math.max(Math.abs(wanted[j]), rms, 1e-30)
      off += difference * difference
      if (!(error <= worst.element)) worst.element = error
    }
    const norm = Math.sqrt(off / Math.max(squares, 1e-30))
    if (!(norm <= worst.norm)) worst.norm = norm
  }
  return worst
}

interface StepTime {
  /** ms of back-to-back steps, of handing one over, and of train()'s own loop. */
  readonly device: number
  readonly submit: number
  readonly train: number
  readonly samples: number
  readonly dispatches: number
  readonly kernels: readonly (readonly [string, { ms: number; calls: number }])[]
}

/** The step of `fast` with changes to its sizes. */
async function timeStep(device: Device, change: (config: SceneConfig) => SceneConfig, { frames = 24, size = SIZE } = {}): Promise<StepTime> {
  const capture = smallCapture(frames, size)
  const scene = new SceneManipulator(device, capture, { preset: 'fast', config: change })
  const { training, sampling } = scene.config
  const { space } = scene.description
  const warm = tiny ? 1 : 20
  for await (const _ of train(scene, capture, { until: warm, reportEvery: warm }));
  const graph = recordStep(scene, true)
  graph.writeBatch(rayBatches(capture, space, { ...training, seed: 0 }).draw(0), 0, 0)
  graph.plan.run()
  await device.sync()
  const timed = async (): Promise<readonly [number, number]> => {
    const began = performance.now()
    for (let i = 0; i < STEPS; i++) graph.plan.run()
    const submitted = performance.now() - began
    await device.sync()
    return [submitted / STEPS, (performance.now() - began) / STEPS]
  }
  const runs: (readonly [number, number])[] = []
  for (let i = 0; i < (tiny ? 1 : 3); i++) runs.push(await timed())
  const kernels = [...(await graph.plan.profile())].sort(([, a], [, b]) => b.ms - a.ms)
  graph[Symbol.dispose]()
  const began = performance.now()
  for await (const _ of train(scene, capture, { until: warm + STEPS, reportEvery: STEPS }));
  await device.sync()
  const whole = (performance.now() - began) / STEPS
  return {
    device: median(runs.map(r => r[1])),
    submit: median(runs.map(r => r[0])),
    train: whole,
    samples: training.rays * (sampling.kind === 'grid' ? sampling.samples : 1),
    dispatches: kernels.reduce((sum, [, { calls }]) => sum + calls, 0),
    kernels,
  }
}

const small = (c: SceneConfig): SceneConfig =>
  tiny && c.sampling.kind === 'grid'
    ? { ...c, training: { ...c.training, rays: 128, backgroundPoints: 16 }, sampling: { ...c.sampling, samples: 6 } }
    : c

const STEP_HEAD =
  '| ms on the device | M samples/s | ms to submit | ms of train() | M samples/s | dispatches | sum of kernels, ms |\n|---|---|---|---|---|---|---|---|'
function stepRow({ device, submit, train: whole, samples, dispatches, kernels }: StepTime): string {
  const total = kernels.reduce((sum, [, { ms }]) => sum + ms, 0)
  const rate = (ms: number): string => (samples / ms / 1e3).toFixed(1)
  return `${device.toFixed(2)} | ${rate(device)} | ${submit.toFixed(2)} | ${whole.toFixed(2)} | ${rate(whole)} | ${dispatches} | ${total.toFixed(2)} |`
}

async function compareSteps(): Promise<void> {
  console.log(`\nOne step of \`fast\`, medians of ${STEPS} steps three times over\n| candidate ${STEP_HEAD}`)
  for (const [name, choice] of candidates) {
    const device = withChoice(choice)
    const time = await timeStep(device, small).catch((error: Error) => error)
    if (time instanceof Error) {
      console.log(`| ${name} | ${time.message.split('\n')[0]} |`)
      continue
    }
    console.log(`| ${name} | ${stepRow(time)}`)
    if (!['layers', 'chosen', 'chosen at half'].includes(name)) continue
    const total = time.kernels.reduce((sum, [, { ms }]) => sum + ms, 0)
    for (const [kernel, { ms, calls }] of time.kernels.slice(0, 40))
      console.log(`      ${kernel.padEnd(32)} ${us(ms).padStart(7)} µs ${((100 * ms) / total).toFixed(1).padStart(5)} % in ${calls}`)
  }
}

/** Step time against one size at a time. */
async function growth(): Promise<void> {
  console.log(`\nGrowth of the step of \`fast\`, one size changed at a time\n| what ${STEP_HEAD}`)
  const device = withChoice(undefined)
  const few = <T>(all: readonly T[]): readonly T[] => (tiny ? all.slice(0, 1) : all)
  const row = async (what: string, change: (c: SceneConfig) => SceneConfig, sizes = {}): Promise<void> => {
    const time = await timeStep(device, c => change(small(c)), sizes).catch((error: Error) => error)
    console.log(`| ${what} | ${time instanceof Error ? `${time.message.split('\n')[0]} |` : stepRow(time)}`)
  }
  for (const rays of few([256, 1024, 4096, 16384])) await row(`${rays} rays`, c => ({ ...c, training: { ...c.training, rays } }))
  for (const samples of few([6, 12, 24, 48]))
    await row(`${samples} samples`, c => (c.sampling.kind === 'grid' ? { ...c, sampling: { ...c.sampling, samples } } : c))
  for (const width of few([16, 32, 64, 128]))
    await row(`${width} wide`, c => ({
      ...c,
      deformation: { ...c.deformation, width },
      slicing: { ...c.slicing, width },
      template: { ...c.template, trunkWidth: width, rgbWidth: width },
    }))
  for (const frames of few([24, 96, 384])) await row(`${frames} frames`, c => c, { frames, size: tiny ? SIZE : 64 })
  for (const size of few([64, 128, 256])) await row(`${size}² pictures`, c => c, { size: tiny ? SIZE : size })
}

/** ms of an edit's step without an encoder, by the time between two reports. */
async function timeEdit(device: Device, anchorCount: number, height: number): Promise<number> {
  const scene = new SceneManipulator(device, smallCapture(24, 64), { preset: 'fast', config: small })
  const codes = Array.from({ length: anchorCount }, (_, k) => Math.floor((24 * k) / anchorCount))
  const anchors = await anchorsFromCodes(scene, codes, { encoder: 'none', method: 'k-medoids', labels: [], sizes: [] })
  const compositor = new AnchorCompositor(scene, anchors)
  const brightness: Guidance = {
    name: 'brightness',
    featureSize: 1,
    describe: pictures => reshape(sumLast(reshape(pictures, [pictures.shape[0], pictures.length / pictures.shape[0]])), [pictures.shape[0], 1]),
    loss: pictures => mean(pictures),
  }
  const between = tiny ? 1 : 50
  let began = 0
  let ms = Number.NaN
  const run = edit(scene, compositor, brightness, editViews(scene, { count: 4, height }), {
    steps: 2 * between,
    search: false,
    reportEvery: between,
  })
  for await (const { step } of run) {
    if (step === between) began = performance.now()
    if (step === 2 * between) ms = (performance.now() - began) / between
  }
  compositor.release()
  scene.release()
  return ms
}

async function editGrowth(): Promise<void> {
  console.log('\nGrowth of the step of an edit of `fast`, without its encoder\n| anchors | picture | ms | M samples/s |\n|---|---|---|---|')
  const device = withChoice(undefined)
  const few = <T>(all: readonly T[]): readonly T[] => (tiny ? all.slice(0, 1) : all)
  const row = async (anchors: number, height: number): Promise<void> => {
    const ms = await timeEdit(device, anchors, tiny ? 16 : height).catch((error: Error) => error)
    const samples = height * height * samplesPerRay(preset('fast').sampling).edit
    console.log(
      `| ${anchors} | ${height}² | ${ms instanceof Error ? `${ms.message.split('\n')[0]} | |` : `${ms.toFixed(2)} | ${(samples / ms / 1e3).toFixed(1)} |`}`,
    )
  }
  for (const anchors of few([2, 4, 8, 16])) await row(anchors, 128)
  for (const height of few([64, 96, 192])) await row(4, height)
}

if (wanted('layers')) await compareLayers()
if (wanted('step')) await compareSteps()
if (wanted('growth')) {
  await growth()
  await editGrowth()
}
base[Symbol.dispose]()
