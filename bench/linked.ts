/**
 * Linked local attributes: can an edit show what no frame shows, e.g. closed eyes from one expression with the open mouth of another?
 * `npm run bench:linked -- face.scene captures/ada [--prompts a,b] [--steps n] [--text] [--out sheet.png]`
 *
 * For every true edit of the capture that local mixing can reach: anchors with the frame of the true edits' head pose as neutral, guidance by its pictures
 * from half of the cameras (with --text: by its sentence and the embedded encoder), then PSNR within the face on the other cameras, for the unedited face,
 * the best single code (FreeCode, Eq. 12) and the compositor (PAC, Eq. 13). Both get the same steps, views and loss; the single code starts from each anchor
 * in turn at each of three learning rates, and the run that scores best on the cameras it is judged by counts, an advantage the compositor does not get.
 * Prints a Markdown table and writes a sheet: truth, unedited, FreeCode, PAC. The table's last columns tell what holds the compositor back: where a region
 * comes as near to the truth as the best whole anchor there, the edit did its part, and the rest is the scene's. Bundles into one file for a machine without the repository: `npx esbuild
 * bench/linked.ts --bundle --platform=node --format=esm --target=node20 --external:sharp --external:webgpu --external:@huggingface/tokenizers`, then
 * --encoder names the folder assets/encoder.
 */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { FreeCode } from '../src/edit/freeCode.ts'
import { pictureGuidance } from '../src/edit/pictureGuidance.ts'
import { type EditScore, loadGroundTruth, scoreView, type TrueEdit, type TrueView } from '../src/eval/groundTruth.ts'
import {
  type AnchorCodes,
  AnchorCompositor,
  type CodeField,
  edit,
  editViews,
  expressionEncoder,
  findFrame,
  loadCapture,
  loadEncoder,
  loadScene,
  openDevice,
  type SheetCell,
  selectAnchors,
  textGuidance,
} from '../src/node.ts'
import { cellOf, chosenEdits, halves, type Judged, judge, regionText, writeSheet } from './judge.ts'

/** Learning rates of the single code at its first step; each falls to a tenth. */
const RATES = [2e-1, 6e-2, 2e-2]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prompts: { type: 'string' },
    steps: { type: 'string', default: '200' },
    text: { type: 'boolean', default: false },
    reference: { type: 'string', default: '000000' },
    downscale: { type: 'string' },
    encoder: { type: 'string' },
    seed: { type: 'string', default: '0' },
    out: { type: 'string', default: 'linked.png' },
  },
})
const [scenePath, capturePath] = positionals
if (!scenePath || !capturePath) throw new Error('bench:linked: give a .scene file and its capture folder')
const [steps, seed] = [Number(values.steps), Number(values.seed)]

using device = await openDevice()
const scene = await loadScene(device, await readFile(scenePath), scenePath)
const capture = await loadCapture(capturePath, { downscale: values.downscale === undefined ? undefined : Number(values.downscale) })
const truth = await loadGroundTruth(capturePath, capture)
const encoder = await loadEncoder(device, values.encoder)
const anchors = await selectAnchors(scene, expressionEncoder(encoder), { reference: findFrame(scene, values.reference).code })
console.log(`${device.description}; ${scene.description.preset} at ${scene.step} steps; anchors ${anchors.frames.join(', ')} (neutral first)`)

interface Result extends Judged {
  readonly how: string
}

const rows: string[] = []
const cells: SheetCell[][] = []
for (const goal of chosenEdits(truth, values.prompts)) {
  const [shown, judged] = halves(goal)
  const { guidance, cameras } = await guide(goal, shown)
  const unedited = await result(scene.referenceField, judged, '')

  let free: Result | undefined
  for (const [k, frame] of anchors.frames.entries()) {
    for (const rate of RATES) {
      const codes = new FreeCode(scene, startOf(anchors, k))
      for await (const _ of edit(scene, codes, guidance, cameras, { steps, seed, rates: [rate, rate / 10], reportEvery: steps }));
      const found = await result(codes.codes, judged, `from ${frame} at ${rate}`)
      codes.release()
      if (!free || found.scores.face > free.scores.face) free = found
    }
  }

  const compositor = new AnchorCompositor(scene, anchors, { seed })
  const began = performance.now()
  let left = Number.NaN
  for await (const step of edit(scene, compositor, guidance, cameras, { steps, seed, reportEvery: steps })) left = step.guidance
  const seconds = (performance.now() - began) / 1000
  const pac = await result(compositor.codes, judged, `guidance ${left.toFixed(3)}, ${seconds.toFixed(1)} s`)
  compositor.release()
  if (!free) throw new Error('bench:linked: no anchors to start from')

  const anchored: EditScore[] = []
  for (const k of anchors.indices.keys()) {
    const codes = new FreeCode(scene, startOf(anchors, k))
    anchored.push((await result(codes.codes, judged, '')).scores)
    codes.release()
  }

  const gain = pac.scores.face - unedited.scores.face
  const lead = pac.scores.face - free.scores.face
  const best = (part: keyof EditScore): number => Math.max(...anchored.map(scores => scores[part]))
  const columns = [
    goal.text,
    ...[unedited, free, pac].map(({ scores }) => scores.face.toFixed(2)),
    gain.toFixed(1),
    lead.toFixed(1),
    ...[unedited, free, pac].map(({ scores }) => regionText(scores)),
    regionText({ face: best('face'), eyes: best('eyes'), brows: best('brows'), mouth: best('mouth') }),
    free.how,
    pac.how,
  ]
  rows.push(`| ${columns.join(' | ')} |`)
  console.log(rows[rows.length - 1])
  for (const [v, view] of judged.entries()) {
    const cell = ({ pictures }: Result, label: string): SheetCell =>
      cellOf(view, pictures[v], `${label} ${scoreView(pictures[v], view).face.toFixed(1)} dB`)
    cells.push([cellOf(view, view.image, `${goal.text}, ${view.name}`), cell(unedited, 'unedited'), cell(free, 'FreeCode'), cell(pac, 'PAC')])
  }
}

const neutral = truth.find(e => e.id === 'neutral')
const ceiling = neutral && (await result(scene.referenceField, neutral.views, ''))
console.log(`\n${values.text ? 'Guidance by the sentence' : 'Guidance by pictures'}, ${steps} steps. PSNR in the face, dB.\n`)
const HEADINGS = ['edit', 'unedited', 'FreeCode', 'PAC', 'PAC gains', 'PAC over FreeCode']
const REGIONS = ['unedited', 'FreeCode', 'PAC', 'best anchor of each'].map(what => `eyes / brows / mouth, ${what}`)
const headings = [...HEADINGS, ...REGIONS, 'best FreeCode', 'PAC']
console.log(`| ${headings.join(' | ')} |\n|${headings.map(() => '---').join('|')}|`)
for (const row of rows) console.log(row)
if (ceiling) console.log(`\nThe unedited face against its own true pictures: ${ceiling.scores.face.toFixed(2)} dB.`)
await writeSheet(values.out, cells, scene)

async function guide(goal: TrueEdit, shown: readonly TrueView[]) {
  if (values.text) return { guidance: await textGuidance(encoder, goal.text), cameras: editViews(scene) }
  const guidance = pictureGuidance(scene, [...shown])
  return { guidance, cameras: guidance.cameras }
}

function startOf({ codes }: AnchorCodes, k: number): Float32Array {
  const { codeSize } = scene.config
  return codes.slice(k * codeSize, (k + 1) * codeSize)
}

async function result(codes: CodeField, judged: readonly TrueView[], how: string): Promise<Result> {
  return { ...(await judge({ scene, codes }, judged)), how }
}
