/**
 * Pictures of a scene, unedited and edited, exact and baked: `npm run bench:render -- face.scene [--edit s.edit] [--capture ../shared/captures/ada
 * --resolution 128] [--sizes 128,512,1024] [--precision half] [--samples 26,28] [--runs 5] [--pictures folder] [--quick]`; FACECLIPNERF_DEVICE picks the device. Without a scene file,
 * `--capture` is trained first (`--preset fast`, `--steps` of its own; `--out` keeps the scene).
 *
 * Per size: milliseconds and pictures per second, read back and left on the device; dB against the exact picture with 160 samples a ray. The rows
 * "as before" take the samples and the chunks that pictures had when 512² took 383 ms on an H200. Without an edit file, an untrained compositor of four
 * of the scene's codes stands for one: it costs as much. With a capture, its held-out views tell how many dB a baked view loses against the truth.
 *
 * For a machine without this tree: npx esbuild bench/render.ts --bundle --platform=node --format=esm --target=node20 --external:sharp --external:webgpu \
 *   --external:@huggingface/tokenizers --outfile=render.mjs
 */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { PictureRenderer } from '../src/nerf/pictureRenderer.ts'
import { lastLevel, renderRays, samplesPerRay } from '../src/nerf/rayLevels.ts'
import { intoSpace } from '../src/nerf/space.ts'
import {
  AnchorCompositor,
  type BakedView,
  bake,
  blend,
  type Camera,
  type Capture,
  type CodeField,
  createRenderer,
  type Device,
  encodePng,
  frameCode,
  loadEdit,
  loadScene,
  openDevice,
  type PresetName,
  psnr,
  type RenderedImage,
  SceneManipulator,
  type SheetCell,
  saveScene,
  scaleCamera,
  sheet,
  train,
  writeAtomic,
} from '../src/node.ts'
import { tensor } from '../src/tensor/device.ts'
import { CAMERA_NUMBERS, cameraNumbers, cameraRays } from '../src/tensor/ops/cameraRays.ts'
import { evaluate } from '../src/tensor/plan.ts'
import { captureAt } from './captureAt.ts'
import { median } from './measure.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    edit: { type: 'string' },
    capture: { type: 'string' },
    resolution: { type: 'string' },
    preset: { type: 'string', default: 'fast' },
    steps: { type: 'string' },
    out: { type: 'string' },
    sizes: { type: 'string', default: '128,512,1024' },
    runs: { type: 'string', default: '5' },
    pictures: { type: 'string' },
    cells: { type: 'string' },
    precision: { type: 'string', default: 'f32' },
    samples: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const sizes = values.sizes.split(',').map(Number)
const runs = values.quick ? 1 : Number(values.runs)
if (!sizes.every(size => Number.isInteger(size) && size > 0) || !(Number.isInteger(runs) && runs > 0))
  throw new Error(`bench:render: --sizes ${values.sizes} --runs ${values.runs}; give whole numbers above 0`)
const [path] = positionals
if (!path && !values.capture) throw new Error('bench:render: give a scene file, or --capture to train one from')

/** Samples a ray of what pictures are held against. */
const CONVERGED = 160
/** Sizes above this are held against a picture of this size only: converged pictures take long. */
const MOST_COMPARED = 512
/** Chunks of the renderer as it was. */
const OLD_CHUNK = { rays: 4096, activations: 2 ** 24 }

const { precision } = values
if (precision !== 'f32' && precision !== 'half') throw new Error(`bench:render: --precision ${precision}; choose f32 or half`)
using device = await openDevice({ precision })
console.log(`${device.description}, Node ${process.version}`)
const capture = values.capture ? await captureAt(values.capture, values.resolution === undefined ? undefined : Number(values.resolution)) : undefined
const scene = path ? await loadScene(device, new Uint8Array(await readFile(path)), path) : await trained(device)
const { config, description } = scene
console.log(`scene ${description.name}, preset ${description.preset}, ${scene.step} steps; ${samplesPerRay(config.sampling).picture} samples a ray`)
const faces = { unedited: scene.referenceField, edited: await editedCodes() } as const
if (values.pictures) await mkdir(values.pictures, { recursive: true })

await reportSamples()
for (const [face, codes] of Object.entries(faces)) await timePictures(face, codes)
if (capture) await compareWithTruth(capture)
console.log(`\nmemory at most ${mebibytes(device.memory.peak)}`)

async function trained(device: Device): Promise<SceneManipulator> {
  if (!capture) throw new Error('bench:render: --capture')
  const steps = values.steps === undefined ? undefined : Number(values.steps)
  const made = new SceneManipulator(device, capture, {
    preset: values.preset as PresetName,
    config: base => ({ ...base, training: { ...base.training, steps: steps ?? base.training.steps } }),
  })
  for await (const { step, psnr, eta } of train(made, capture, { reportEvery: 500 }))
    console.log(`step ${step}: ${psnr.toFixed(2)} dB, ${eta.toFixed(0)} s to go`)
  if (values.out) await writeAtomic(values.out, await saveScene(made))
  return made
}

async function editedCodes(): Promise<CodeField> {
  if (values.edit) {
    const { field, description } = await loadEdit(scene, new Uint8Array(await readFile(values.edit)), values.edit)
    return blend(scene.referenceField, field.codes, description.strength)
  }
  const { codeCount, config } = scene.description
  const indices = [0, 1, 2, 3].map(k => Math.floor((k * codeCount) / 4))
  const codes = new Float32Array(indices.length * config.codeSize)
  for (const [k, index] of indices.entries()) codes.set(await scene.readCode(index), k * config.codeSize)
  const report = { encoder: 'none', method: 'k-medoids' as const, labels: [], sizes: [] }
  return new AnchorCompositor(scene, { codes, indices, frames: indices.map(String), report }, { neutral: 0.4 }).codes
}

/** How much there would be to skip: samples behind what is opaque, and in cells that hold nothing. */
async function reportSamples(): Promise<void> {
  if (config.sampling.kind !== 'grid') return
  const camera = cameraOf(64)
  const rays = 64 * 64
  const M = samplesPerRay(config.sampling).picture
  const leaf = tensor(device, cameraNumbers(camera), [CAMERA_NUMBERS])
  const level = lastLevel(renderRays(scene, { ...cameraRays(leaf, rays), warp: faces.unedited, codes: faces.unedited, samples: M }))
  const [weights] = await evaluate(device, [level.weights])
  const counts = [1e-2, 1e-3].map(least => {
    let needed = 0
    for (let r = 0; r < rays; r++) {
      let light = 1
      for (let m = 0; m < M && light >= least; m++, needed++) light -= weights[r * M + m]
    }
    return `${(needed / rays).toFixed(1)} until ${least} of the light is left`
  })
  const small = weights.reduce((n, w) => n + (w < 1e-3 ? 1 : 0), 0) / rays
  console.log(`samples a ray: ${M}; ${counts.join(', ')}; ${small.toFixed(1)} of them weigh less than 0.001`)
}

function cameraOf(size: number): Camera {
  const [camera] = scene.trainingCameras
  return scaleCamera(camera, size / camera.imageSize[0])
}

interface Timing {
  readonly drawn: number
  readonly read: number
}

/** Medians, milliseconds: pictures left on the device, one wait for several; and read back. */
async function timed(renderer: PictureRenderer | BakedView, camera: Camera): Promise<Timing> {
  await renderer.render(camera) // compiles
  renderer.draw(camera)
  await device.sync()
  const drawn: number[] = []
  const read: number[] = []
  const repeats = values.quick || device.kind === 'cpu' ? 1 : 5
  for (let run = 0; run < runs; run++) {
    let began = performance.now()
    for (let i = 0; i < repeats; i++) renderer.draw(camera)
    await device.sync()
    drawn.push((performance.now() - began) / repeats)
    began = performance.now()
    await renderer.render(camera)
    read.push(performance.now() - began)
  }
  return { drawn: median(drawn), read: median(read) }
}

async function timePictures(face: string, codes: CodeField): Promise<void> {
  const samples = samplesPerRay(config.sampling)
  const before = 2 * samples.training
  const oldRays = Math.max(1, Math.min(OLD_CHUNK.rays, Math.floor(OLD_CHUNK.activations / (before * config.template.trunkWidth))))
  console.log(`\n## ${face}\n| picture | ${sizes.map(s => `${s}² ms on the device (pictures/s), read back | dB`).join(' | ')} |`)
  using converged = createRenderer(scene, codes, { samples: CONVERGED })
  const truths = new Map<number, RenderedImage>()
  for (const size of sizes) if (size <= MOST_COMPARED) truths.set(size, await converged.render(cameraOf(size)))
  const shown: SheetCell[] = [...truths.values()].slice(-1).map(picture => ({ ...picture, label: `${CONVERGED} samples` }))
  const row = async (what: string, renderer: PictureRenderer | BakedView): Promise<void> => {
    const cells: string[] = []
    for (const size of sizes) {
      const { drawn, read } = await timed(renderer, cameraOf(size))
      const truth = truths.get(size)
      const picture = await renderer.render(cameraOf(size))
      cells.push(`${drawn.toFixed(2)} (${(1000 / drawn).toFixed(1)}), ${read.toFixed(2)} | ${truth ? psnr(picture.rgb, truth.rgb).toFixed(2) : ''}`)
      if (size === [...truths.keys()].pop()) shown.push({ ...picture, label: what })
    }
    console.log(`| ${what} | ${cells.join(' | ')} |`)
  }
  const counts = new Set([samples.picture, samples.training, ...(values.samples?.split(',').map(Number) ?? [])])
  for (const [what, options] of [
    [`exact as before, ${before} samples in chunks of ${oldRays} rays`, { samples: before, rays: oldRays }],
    ...[...counts].map(count => [`exact, ${count} samples`, { samples: count }] as const),
  ] as const) {
    using renderer = createRenderer(scene, codes, options)
    await row(what, renderer)
    if (what.startsWith(`exact, ${samples.picture} `)) await profile(renderer)
  }
  if (config.template.directionBands === 0) await timeBaked(codes, row)
  if (values.pictures) {
    await writeAtomic(join(values.pictures, `${face}.png`), await encodePng(sheet([shown])))
  }
}

async function timeBaked(codes: CodeField, row: (what: string, view: BakedView) => Promise<void>): Promise<void> {
  const wanted = values.cells?.split(',').map(Number) ?? [undefined]
  for (const resolution of wanted) {
    const ms: number[] = []
    for (let run = 0; run <= runs; run++) {
      const began = performance.now()
      using _ = await bake(scene, codes, { resolution })
      await device.sync()
      ms.push(performance.now() - began)
    }
    using view = await bake(scene, codes, { resolution })
    await row(`baked, ${view.resolution} cells`, view)
    console.log(
      `  baked in ${median(ms.slice(1)).toFixed(0)} ms (${ms[0].toFixed(0)} with its kernels compiled): ${view.bricks} bricks, ${mebibytes(view.bytes)}`,
    )
    await profile(view)
  }
}

/** Where one run of the plan of the last size goes. */
async function profile({ plan }: PictureRenderer | BakedView): Promise<void> {
  const times = [...((await plan?.profile()) ?? [])].sort(([, a], [, b]) => b.ms - a.ms)
  const total = times.reduce((sum, [, { ms }]) => sum + ms, 0)
  for (const [kernel, { ms, calls }] of times.slice(0, 12))
    console.log(`      ${kernel.padEnd(32)} ${ms.toFixed(3).padStart(9)} ms ${((100 * ms) / total).toFixed(1).padStart(5)} % in ${calls} calls`)
}

/** Held-out views with the codes of their instants, whole pictures: what baking costs against the truth. */
async function compareWithTruth(capture: Capture): Promise<void> {
  if (config.template.directionBands > 0) return
  const views = capture.frames.filter(frame => frame.split === 'val').slice(0, values.quick ? 1 : 8)
  const sums = { exact: 0, baked: 0, between: 0 }
  for (const { id, camera, image } of views) {
    const code = await frameCode(scene, id)
    using exact = createRenderer(scene, code, { warp: code })
    using baked = await bake(scene, code, { warp: code })
    const [a, b] = [await exact.render(intoSpace(camera, description.space)), await baked.render(intoSpace(camera, description.space))]
    sums.exact += psnr(a.rgb, image) / views.length
    sums.baked += psnr(b.rgb, image) / views.length
    sums.between += psnr(b.rgb, a.rgb) / views.length
  }
  console.log(
    `\n${views.length} held-out views, dB: exact ${sums.exact.toFixed(2)}, baked ${sums.baked.toFixed(2)}; baked against exact ${sums.between.toFixed(2)}`,
  )
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
