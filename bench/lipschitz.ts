/**
 * How much does the Lipschitz term (Eq. 10) smooth the way between expressions, and what does it cost?
 * `npm run bench:lipschitz -- captures/ada [--weights none,0,1e-4,1e-3,H1e-3] [--seeds 0,1] [--noise deviation on the codes] [--frames 000000,000033,…] [--steps n] [--preset fast] [--out sheet.png]`
 *
 * Trains one scene per weight of the log product, all else alike; `none` leaves the Lipschitz layers out, `H` before a weight bounds the layers of H too, `H3e-3/1e-3` with a weight of its own before F's. Then 21 codes in a straight line between the codes
 * of every two of the frames (one for each expression) are rendered from the first frame's camera, T at its code. A step's image change is the root mean
 * square difference of neighbours; an even way has steps of 1/20 of its ends' difference, and no way can have a smaller largest one. A jump is an expression
 * that switches on all at once, which edits can neither blend nor find by gradients. Prints a Markdown table of means over the pairs and the seeds, and a sheet of every
 * fifth code of the first pair: choose the weight whose largest step falls by 30 % or more against weight 0 at 0.3 dB of held-out PSNR or less.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  constantCode,
  createRenderer,
  encodePng,
  evaluateScene,
  findFrame,
  openDevice,
  preset,
  type SceneConfig,
  SceneManipulator,
  type SheetCell,
  sheet,
  train,
} from '../src/node.ts'
import { Storage } from '../src/tensor/device.ts'
import { captureAt } from './captureAt.ts'

const CODES = 21

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string', default: 'none,0,1e-5,1e-4,1e-3,3e-3' },
    frames: { type: 'string' },
    steps: { type: 'string' },
    preset: { type: 'string' },
    resolution: { type: 'string' },
    seeds: { type: 'string', default: '0' },
    noise: { type: 'string' },
    out: { type: 'string', default: 'lipschitz.png' },
  },
})
const [capturePath] = positionals
if (!capturePath) throw new Error('bench:lipschitz: give a capture folder')
const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))
using device = await openDevice()
const capture = await captureAt(capturePath, number(values.resolution))
const name = (values.preset ?? (device.kind === 'gpu' ? 'fast' : 'tiny')) as keyof typeof import('../src/node.ts').PRESETS
const steps = number(values.steps) ?? preset(name).training.steps
const ids = capture.frames.filter(f => f.split === 'train').map(f => f.id)
// Unless told, the first frame and those at a quarter, half and three quarters of the recording.
const frames = values.frames?.split(',') ?? [0, 0.25, 0.5, 0.75].map(s => ids[Math.floor(s * ids.length)])
console.log(
  `${device.description}; ${name}, ${steps} steps, ${capture.name} at ${capture.downscale}x; codes of frames ${frames.join(', ')}, every pair\n`,
)
console.log('| weight | held-out PSNR | person | largest step | even step | largest ÷ even | against weight 0 |\n|---|---|---|---|---|---|---|')

interface Walk {
  readonly largest: number
  readonly even: number
}

interface Row extends Walk {
  readonly psnr: number
  readonly psnrPerson: number
}

const cells: SheetCell[][] = []
let unweighted: Row | undefined
for (const weight of values.weights.split(',')) {
  const rows: Row[] = []
  for (const seed of values.seeds.split(',').map(Number)) {
    const scene = new SceneManipulator(device, capture, { preset: name, config: c => weighted(c, weight), seed })
    for await (const _ of train(scene, capture));
    const { psnr, psnrPerson = Number.NaN } = await evaluateScene(scene, capture)
    rows.push({ psnr, psnrPerson, ...(await walks(scene, weight)) })
  }
  const mean = (of: keyof Row): number => rows.reduce((sum, row) => sum + row[of] / rows.length, 0)
  const row: Row = { psnr: mean('psnr'), psnrPerson: mean('psnrPerson'), largest: mean('largest'), even: mean('even') }
  if (weight === '0') unweighted = row
  const against = unweighted ? `${(100 * (row.largest / unweighted.largest - 1)).toFixed(0)} %, ${(row.psnr - unweighted.psnr).toFixed(2)} dB` : '-'
  const columns = [row.psnr.toFixed(2), row.psnrPerson.toFixed(2), row.largest.toFixed(4), row.even.toFixed(4), (row.largest / row.even).toFixed(2)]
  console.log(`| ${[weight, ...columns, against].join(' | ')} |`)
}
await writeFile(values.out, await encodePng(sheet(cells)))
console.log(`\nwrote ${values.out}`)

function weighted(config: SceneConfig, token: string): SceneConfig {
  const [ofBoth, ofF = ofBoth] = token.replace('none', '0').replace('H', '').split('/').map(Number)
  if (!(ofBoth >= 0 && ofF >= 0))
    throw new Error(`bench:lipschitz: weight "${token}"; give none, a number of 0 or more, H and a number, or H and two numbers (H3e-3/1e-3)`)
  const template = token === 'none' ? { ...config.template, lipschitz: 'none' as const } : config.template
  const slicing = token.startsWith('H') ? { ...config.slicing, lipschitz: config.template.lipschitz, lipschitzWeight: ofBoth } : config.slicing
  const codeNoise = number(values.noise) ?? config.training.codeNoise
  return { ...config, template, slicing, training: { ...config.training, steps, codeNoise, lipschitzWeight: ofF } }
}

/** Every pair of the frames, walked; means over the pairs. The first pair's pictures join the sheet. */
async function walks(scene: SceneManipulator, weight: string): Promise<Walk> {
  const { code, camera } = findFrame(scene, frames[0])
  await scene.setReference(code)
  const codes = await Promise.all(frames.map(id => scene.readCode(findFrame(scene, id).code)))
  const between = new Storage(device, scene.config.codeSize)
  using renderer = createRenderer(scene, constantCode(between.tensor([between.length])))
  const found: Walk[] = []
  for (const [i, a] of codes.entries()) {
    for (const b of codes.slice(i + 1)) {
      const pictures: SheetCell[] = []
      for (let k = 0; k < CODES; k++) {
        const s = k / (CODES - 1)
        between.write(a.map((value, c) => (1 - s) * value + s * b[c]))
        pictures.push({ ...(await renderer.render(camera)), label: `weight ${weight}, ${k}/${CODES - 1}` })
      }
      const changes = pictures.slice(1).map(({ rgb }, k) => rootMeanSquare(pictures[k].rgb, rgb))
      found.push({ largest: Math.max(...changes), even: rootMeanSquare(pictures[0].rgb, pictures[CODES - 1].rgb) / (CODES - 1) })
      if (found.length === 1) cells.push(pictures.filter((_, k) => k % 5 === 0))
    }
  }
  between.release()
  const mean = (of: keyof Walk): number => found.reduce((sum, walk) => sum + walk[of] / found.length, 0)
  return { largest: mean('largest'), even: mean('even') }
}

function rootMeanSquare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2
  return Math.sqrt(sum / a.length)
}
