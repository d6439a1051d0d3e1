/**
 * Matrix products and dense layers of every precision and tile on the GPU of this machine: `npm run bench:gemm -- [tiles] [layers] [paper] [vit] [--quick] [--runs 7]`.
 * FACECLIPNERF_DEVICE picks the adapter. Errors are Frobenius norms relative to float64 (of sampled elements) or to the device's own f32; a variant whose error is beyond its bound
 * makes exit code 1; variants that the adapter cannot run are named and passed over. One bundled file runs on a bare machine:
 *
 *     npx esbuild bench/gemm.ts --bundle --platform=node --format=esm --target=node20 --external:sharp --external:webgpu \
 *       --external:@huggingface/tokenizers --outfile=gemm.mjs
 *
 * - tiles: products [rows, 256, 256] forward, dx and dW, and 4096³, by each tile
 * - layers: dense layers of `paper`, forward and gradients, by the tiles that are chosen
 * - paper: a training step of `paper`, and where its time goes
 * - vit: CLIP ViT-B/32's image tower with made-up weights, forward and with the pixels' gradient
 */
import { parseArgs } from 'node:util'
import { parseClipConfig } from '../src/clip/clipConfig.ts'
import { ClipWeights } from '../src/clip/clipWeights.ts'
import { loadVisionTransformer } from '../src/clip/visionTransformer.ts'
import { rayBatches } from '../src/nerf/rayBatches.ts'
import { SceneManipulator } from '../src/nerf/sceneManipulator.ts'
import { recordStep, train } from '../src/nerf/train.ts'
import { openDevice } from '../src/node.ts'
import { type Device, tensor } from '../src/tensor/device.ts'
import type { Precision } from '../src/tensor/gpuTraits.ts'
import { grad } from '../src/tensor/grad.ts'
import type { MatrixTile } from '../src/tensor/matrixUnit.ts'
import { dense } from '../src/tensor/ops/dense.ts'
import type { Tile } from '../src/tensor/ops/gemm.ts'
import { LARGE_TILES } from '../src/tensor/ops/gemmLarge.ts'
import { sum } from '../src/tensor/ops/reduce.ts'
import { compile, type Plan } from '../src/tensor/plan.ts'
import type { Tensor } from '../src/tensor/tensor.ts'
import { smallCapture } from '../test/nerf/smallScene.ts'
import { randomValues } from '../test/tensor/opCase.ts'
import { frobenius, type ProductAttrs, product } from '../test/tensor/ops/gemmCase.ts'
import { madeUpVision } from './madeUpTower.ts'
import { median } from './measure.ts'

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, runs: { type: 'string', default: '7' } },
  allowPositionals: true,
})
const { quick } = values
const runs = Number(values.runs)
const wanted = (part: string): boolean => positionals.length === 0 || positionals.includes(part)
const ROWS = quick ? 300 : 98_304
const PRECISIONS: readonly Precision[] = ['f32', 'half']
/** Largest relative error of a product or gradient. */
const BOUND: Record<Precision, number> = { f32: 2e-6, half: 1e-3 }
const SAMPLES = 2048

const matrix = (rows: number, columns: number, depth: number, down: number, across: number): MatrixTile => ({
  ...{ rows, columns, depth, down, across },
  cost: 1,
})
const CANDIDATES: readonly MatrixTile[] = quick
  ? [matrix(64, 64, 32, 2, 2)]
  : [
      matrix(128, 128, 32, 2, 4),
      matrix(128, 128, 32, 2, 2),
      matrix(128, 128, 16, 2, 4),
      matrix(128, 64, 32, 4, 2),
      matrix(128, 64, 32, 2, 2),
      matrix(64, 128, 32, 2, 4),
      matrix(64, 64, 32, 2, 2),
    ]

let failures = 0
const open = (precision: Precision): Promise<Device> => openDevice({ kind: process.env.FACECLIPNERF_DEVICE ? undefined : 'gpu', precision })
const us = (ms: number): string => (ms * 1e3).toFixed(1).padStart(9)
const rate = (flops: number, ms: number): string => `${(flops / ms / 1e9).toFixed(2).padStart(7)} TFLOP/s`

function judged(precision: Precision, error: number): string {
  const good = error <= BOUND[precision]
  if (!good) failures++
  return `error ${error.toExponential(1)}${good ? '' : ' WRONG'}`
}

/** An idle GPU lowers its clock, to a quarter on some: work for half a second brings it back. */
const WARM_UP_MS = quick ? 0 : 500
async function warmUp(device: Device, plan: Plan): Promise<void> {
  const began = performance.now()
  do {
    plan.run()
    await device.sync()
  } while (performance.now() - began < WARM_UP_MS)
}

/** Median milliseconds of a run: the kernels' own clocks where there are such, else a wall clock over several. */
async function timeOf(device: Device, plan: Plan): Promise<{ ms: number; kernels: Map<string, number> }> {
  await warmUp(device, plan)
  const totals: number[] = []
  const kernels = new Map<string, number[]>()
  for (let i = 0; i < runs; i++) {
    const began = performance.now()
    const times = await plan.profile()
    if (times.size === 0) await device.sync()
    totals.push(times.size === 0 ? performance.now() - began : [...times.values()].reduce((s, { ms }) => s + ms, 0))
    for (const [label, { ms }] of times) kernels.set(label, [...(kernels.get(label) ?? []), ms])
  }
  return { ms: median(totals), kernels: new Map([...kernels].map(([label, ms]) => [label, median(ms)])) }
}

/** Median milliseconds per run of many in a row, as a training loop has them. */
async function paceOf(device: Device, plan: Plan, repeats = quick ? 1 : 20): Promise<number> {
  await warmUp(device, plan)
  const ms: number[] = []
  for (let i = 0; i < runs; i++) {
    const began = performance.now()
    for (let j = 0; j < repeats; j++) plan.run()
    await device.sync()
    ms.push((performance.now() - began) / repeats)
  }
  return median(ms)
}

const showKernels = (kernels: Map<string, number>, most = 12): void => {
  for (const [label, ms] of [...kernels].sort(([, a], [, b]) => b - a).slice(0, most)) console.log(`        ${label.padEnd(36)} ${us(ms)} us`)
}

const started = performance.now()
const devices = new Map<Precision, Device>()
for (const precision of PRECISIONS) {
  const device = await open(precision)
  if (precision !== 'f32' && !device.description.includes(precision)) {
    console.log(`passed over: precision ${precision}; ${device.description} has no matrix units for f16 (16 x 16 x 16)`)
    device[Symbol.dispose]()
  } else devices.set(precision, device)
}
const plain = devices.get('f32')
if (!plain) throw new Error('bench:gemm: no device')
console.log(`${plain.description}, Node ${process.version}; median of ${runs}`)
if (wanted('tiles')) await tiles()
if (wanted('layers')) await layers()
if (wanted('paper')) await eachDevice(paper)
if (wanted('vit')) await vit()
for (const device of devices.values()) device[Symbol.dispose]()
console.log(`${failures === 0 ? 'every variant within its bound' : `${failures} WRONG`}; ${((performance.now() - started) / 1e3).toFixed(0)} s`)
process.exitCode = failures === 0 ? 0 : 1

async function eachDevice(work: (precision: Precision, device: Device) => Promise<void>): Promise<void> {
  for (const [precision, device] of devices) {
    await work(precision, device).catch((error: Error) => {
      failures++
      console.log(`  ${precision}: FAILED: ${error.message}`)
    })
  }
}

async function tiles(): Promise<void> {
  const size = quick ? 100 : 256
  const cube = quick ? 130 : 4096
  const slices = Math.max(1, Math.round(ROWS / 1536))
  const shapes: readonly (ProductAttrs & { name: string })[] = [
    { name: 'forward', m: ROWS, n: size, k: size },
    { name: 'dx', m: ROWS, n: size, k: size, transposeB: true },
    { name: 'dW', m: size, n: size, k: ROWS, transposeA: true, slices },
    { name: 'cube', m: cube, n: cube, k: cube, slices: 1 },
  ]
  for (const { name, ...attrs } of shapes) {
    const { m, n, k } = attrs
    console.log(`\n${name}: [${m}, ${k}] x [${k}, ${n}]`)
    const [a, b] = [randomValues(m * k, 1), randomValues(k * n, 2)]
    const { places, expected } = sampled(a, b, attrs)
    await eachDevice(async (precision, device) => {
      const choices: Tile[] =
        precision === 'f32' ? [...LARGE_TILES.map(tile => ({ kind: 'large', tile }) as const)] : CANDIDATES.map(tile => ({ kind: 'matrix', tile }))
      const [ta, tb] = [tensor(device, a, [a.length]), tensor(device, b, [b.length])]
      for (const choice of choices) await tileRow(precision, device, { ...attrs, tile: choice }, ta, tb, places, expected)
      for (const x of [ta, tb]) if (x.source.kind === 'storage') device.release(x.source.region.memory)
    })
  }
}

async function tileRow(
  precision: Precision,
  device: Device,
  attrs: ProductAttrs,
  a: Tensor,
  b: Tensor,
  places: number[],
  expected: Float64Array,
): Promise<void> {
  const { m, n, k, tile } = attrs
  const size = tile && tile.kind !== 'small' ? tile.tile : undefined
  const extra = tile?.kind === 'matrix' ? ` x ${tile.tile.depth}, ${tile.tile.down} x ${tile.tile.across} subgroups` : ''
  const what = `  ${precision.padEnd(6)}${`${size?.rows} x ${size?.columns}${extra}`.padEnd(44)}`
  try {
    const y = product(a, b, attrs)
    using plan = compile(device, { outputs: [y] })
    const { ms } = await timeOf(device, plan)
    const all = await plan.read(y)
    console.log(
      `${what} ${us(ms)} us ${rate(2 * m * n * k, ms)}  ${judged(
        precision,
        frobenius(
          places.map(p => all[p]),
          expected,
        ),
      )}`,
    )
  } catch (error) {
    console.log(`${what} passed over: ${String(error instanceof Error ? error.message : error).slice(0, 200)}`)
    await device.sync().catch(() => undefined)
  }
}

/** Elements of the product in float64. */
function sampled(a: Float32Array, b: Float32Array, { m, n, k, transposeA, transposeB }: ProductAttrs): { places: number[]; expected: Float64Array } {
  const at = randomValues(SAMPLES, 3, [0, 1])
  const places = Array.from(at, v => Math.floor(v * m * n))
  const expected = Float64Array.from(places, p => {
    const [r, c] = [Math.floor(p / n), p % n]
    let s = 0
    for (let e = 0; e < k; e++) s += a[transposeA ? e * m + r : r * k + e] * b[transposeB ? c * k + e : e * n + c]
    return s
  })
  return { places, expected }
}

/**
 * The wide layers of `paper`: T's, F's with its skip, the colour head's, H's with its skip. With softplus in place of relu: a rounding that turns a relu on or off is no
 * error of a kernel, and would count as one.
 */
async function layers(): Promise<void> {
  const sizes = quick
    ? [[100, 68]]
    : [
        [128, 128],
        [163, 128],
        [256, 256],
        [319, 256],
        [63, 256],
        [283, 128],
        [111, 64],
        [256, 1],
        [128, 3],
      ]
  for (const [nIn, nOut] of sizes) {
    console.log(`\ndense + softplus, ${ROWS} x ${nIn} -> ${nOut}`)
    let expected: Float32Array[] | undefined
    await eachDevice(async (precision, device) => {
      const leaf = (shape: readonly number[], seed: number): Tensor =>
        tensor(
          device,
          randomValues(
            shape.reduce((a, b) => a * b),
            seed,
          ),
          shape,
        )
      const [x, w, b] = [leaf([ROWS, nIn], 1), leaf([nIn, nOut], 2), leaf([nOut], 3)]
      // gradients of a mean over samples whose weights span twenty powers of two
      const seed = randomValues(ROWS * nOut, 4).map((v, i) => (v / ROWS) * 2 ** -(Math.floor(i / nOut / 100) % 20))
      const dy = tensor(device, seed, [ROWS, nOut])
      const y = dense(x, w, b, 'softplus')
      const outputs = [y, ...grad(y, [x, w, b], dy)]
      using forward = compile(device, { outputs: [y] })
      using both = compile(device, { outputs })
      const [f, g] = [await timeOf(device, forward), await timeOf(device, both)]
      const results: Float32Array[] = []
      for (const output of outputs) results.push(await both.read(output))
      expected ??= results
      const flops = 2 * ROWS * nIn * nOut
      const errors = results.map((v, i) => judged(precision, frobenius(v, expected?.[i] ?? v)))
      console.log(
        `  ${precision.padEnd(6)} forward ${us(f.ms)} us ${rate(flops, f.ms)}; with gradients ${us(g.ms)} us ${rate(3 * flops, g.ms)}; y, dx, dW, db: ${errors.join(', ')}`,
      )
      showKernels(g.kernels)
      for (const t of [x, w, b, dy]) if (t.source.kind === 'storage') device.release(t.source.region.memory)
    })
  }
}

async function paper(precision: Precision, device: Device): Promise<void> {
  const capture = smallCapture(8, quick ? 24 : 128)
  const scene = new SceneManipulator(device, capture, {
    preset: 'paper',
    config: c => (quick ? { ...c, training: { ...c.training, rays: 4, backgroundPoints: 16 } } : c),
  })
  const losses: number[] = []
  for await (const step of train(scene, capture, { until: 3, reportEvery: 1 })) losses.push(step.loss)
  using graph = recordStep(scene, false)
  graph.writeBatch(rayBatches(capture, scene.description.space, { ...scene.config.training, seed: 0 }).draw(0), 0, 0)
  const pace = await paceOf(device, graph.plan)
  const { ms, kernels } = await timeOf(device, graph.plan)
  console.log(
    `\npaper at ${precision}: ${pace.toFixed(2)} ms a step (kernels ${ms.toFixed(2)} ms); losses of the first steps ${losses.map(l => l.toPrecision(6)).join(', ')}`,
  )
  showKernels(kernels, 25)
}

async function vit(): Promise<void> {
  const config = parseClipConfig('{"model_type":"clip","text_config":{},"vision_config":{}}', 'bench:gemm')
  let expected: Float32Array[] | undefined
  await eachDevice(async (precision, device) => {
    const weights = new ClipWeights(device, { name: 'made up', entries: madeUpVision(quick ? 1 : 12) })
    const vision = await loadVisionTransformer(weights, quick ? { ...config, vision: { ...config.vision, layers: 1 } } : config)
    const pixels = tensor(device, randomValues(224 * 224 * 3, 9), [1, 224, 224, 3])
    const features = vision.features(pixels)
    const [gradient] = grad(sum(features), [pixels])
    using forward = compile(device, { outputs: [features] })
    using both = compile(device, { outputs: [features, gradient] })
    const [f, b] = [await paceOf(device, forward), await paceOf(device, both)]
    const single: number[] = []
    for (let i = 0; i < runs; i++) {
      const began = performance.now()
      both.run()
      await device.sync()
      single.push(performance.now() - began)
    }
    const { ms, kernels } = await timeOf(device, both)
    const results = [await both.read(features), await both.read(gradient)]
    expected ??= results
    const errors = results.map((v, i) => frobenius(v, expected?.[i] ?? v).toExponential(1))
    console.log(
      `\nViT-B/32 at ${precision}: forward ${f.toFixed(2)} ms, with the pixels' gradient ${b.toFixed(2)} ms in a row, ${median(single).toFixed(2)} ms alone (kernels ${ms.toFixed(2)} ms); ${both.nodes.length} operations; features and gradient differ from f32 by ${errors.join(' and ')}`,
    )
    showKernels(kernels, 25)
    weights.release()
  })
}
