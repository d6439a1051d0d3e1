/**
 * How much does the Lipschitz term (Eq. 10) smooth the way between expressions, and what does it cost?
 * `npm run bench:lipschitz -- captures/ada [--weights 0,1e-5,1e-4,1e-3] [--between 000000,000060] [--steps n] [--preset fast] [--out sheet.png]`
 *
 * Trains one scene per weight of the log product, all else alike. Then 21 codes in a straight line between the codes of two frames are rendered from the
 * first frame's camera, T at the first one's code: a step's image change is the root mean square difference of neighbours. An even way has steps of 1/20
 * of its ends' difference; a jump is an expression that switches on all at once, which edits can neither blend nor find by gradients. Prints a Markdown
 * table, and a sheet of every fifth code: choose the weight whose largest step falls by 30 % or more against weight 0 at 0.3 dB of held-out PSNR or less.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  blend,
  createRenderer,
  encodePng,
  evaluateScene,
  findFrame,
  frameCode,
  loadCapture,
  openDevice,
  preset,
  type SceneConfig,
  SceneManipulator,
  type SheetCell,
  sheet,
  train,
} from '../src/node.ts'

const CODES = 21

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string', default: '0,1e-5,1e-4,1e-3,1e-2' },
    between: { type: 'string' },
    steps: { type: 'string' },
    preset: { type: 'string' },
    downscale: { type: 'string' },
    seed: { type: 'string', default: '0' },
    out: { type: 'string', default: 'lipschitz.png' },
  },
})
const [capturePath] = positionals
if (!capturePath) throw new Error('bench:lipschitz: give a capture folder')
const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))
using device = await openDevice()
const capture = await loadCapture(capturePath, { downscale: number(values.downscale) })
const name = (values.preset ?? (device.kind === 'gpu' ? 'fast' : 'tiny')) as keyof typeof import('../src/node.ts').PRESETS
const steps = number(values.steps) ?? preset(name).training.steps
const ids = capture.frames.filter(f => f.split === 'train').map(f => f.id)
const [from, to] = values.between?.split(',') ?? [ids[0], ids[Math.floor(0.27 * ids.length)]]
console.log(`${device.description}; ${name}, ${steps} steps, ${capture.name} at ${capture.downscale}x; codes from frame ${from} to ${to}\n`)
console.log('| weight | held-out PSNR | person | largest step | even step | against weight 0 |\n|---|---|---|---|---|---|')

const cells: SheetCell[][] = []
let unweighted: { largest: number; psnr: number } | undefined
for (const weight of values.weights.split(',').map(Number)) {
  const config = (c: SceneConfig): SceneConfig => ({ ...c, training: { ...c.training, steps, lipschitzWeight: weight } })
  const scene = new SceneManipulator(device, capture, { preset: name, config, seed: Number(values.seed) })
  for await (const _ of train(scene, capture));
  const { psnr, psnrPerson } = await evaluateScene(scene, capture)
  const { largest, even, row } = await walk(scene, weight)
  unweighted ??= { largest, psnr }
  const against = `${(100 * (largest / unweighted.largest - 1)).toFixed(0)} %, ${(psnr - unweighted.psnr).toFixed(2)} dB`
  console.log(`| ${weight} | ${psnr.toFixed(2)} | ${psnrPerson?.toFixed(2) ?? '-'} | ${largest.toFixed(4)} | ${even.toFixed(4)} | ${against} |`)
  cells.push(row)
}
await writeFile(values.out, await encodePng(sheet(cells)))
console.log(`\nwrote ${values.out}`)

/** Renders the codes between the two frames: the largest change of one step, what it would be if all were alike, and every fifth picture. */
async function walk(scene: SceneManipulator, weight: number): Promise<{ largest: number; even: number; row: SheetCell[] }> {
  const frame = findFrame(scene, from)
  await scene.setReference(frame.code)
  const [a, b] = [await frameCode(scene, from), await frameCode(scene, to)]
  const row: SheetCell[] = []
  const changes: number[] = []
  let first: Float32Array | undefined
  let before: Float32Array | undefined
  for (let k = 0; k < CODES; k++) {
    using renderer = createRenderer(scene, blend(a, b, k / (CODES - 1)))
    const picture = await renderer.render(frame.camera)
    if (before) changes.push(rootMeanSquare(before, picture.rgb))
    before = picture.rgb
    first ??= picture.rgb
    if (k % 5 === 0) row.push({ ...picture, label: `weight ${weight}, ${k}/${CODES - 1}` })
  }
  return { largest: Math.max(...changes), even: first && before ? rootMeanSquare(first, before) / (CODES - 1) : 0, row }
}

function rootMeanSquare(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / a.length)
}
