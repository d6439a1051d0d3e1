import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import {
  type AnchorCodes,
  AnchorCompositor,
  type Camera,
  type Capture,
  type CodeField,
  createRenderer,
  type Device,
  edit,
  editViews,
  evaluateScene,
  loadCapture,
  loadEncoder,
  orbit,
  type RenderedImage,
  SceneManipulator,
  type SheetCell,
  saveEdit,
  saveScene,
  sheet,
  type TextImageEncoder,
  textGuidance,
  train,
  writeAtomic,
} from 'faceclipnerf'
import { anchorSheet, chooseAnchors } from './anchors.ts'
import { writeAnchors } from './anchorsFile.ts'
import { reportNumbers, scoreLine } from './evaluate.ts'
import { count, type DeviceChoice, seedOption, withDevice } from './options.ts'
import { sheetScale, writeAnimation, writeImage } from './pictures.ts'
import { amount, createReporter, duration, type Reporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { openChosen, requireFolder, writeJson } from './work.ts'

interface DemoOptions extends DeviceChoice {
  readonly out: string
  readonly capture: string
  readonly steps?: number
  readonly editSteps?: number
  readonly seed: number
}

const PROMPTS = ['a surprised face', 'face with closed eyes and opened mouth']
const EMBEDDED_CAPTURE = fileURLToPath(new URL('../assets/captures/ada-mini', import.meta.url))
const ORBIT_PICTURES = 16
const ORBIT_FPS = 10

export function demoCommand(terminal: Terminal): Command {
  const command = new Command('demo')
    .description('the whole way on the embedded capture: reconstruct, find expressions, edit twice, look and measure')
    .option('-o, --out <folder>', 'where everything goes', 'out/demo')
    .addOption(new Option('--capture <folder>', 'the capture to take').default(EMBEDDED_CAPTURE, 'the embedded one'))
    .option('--steps <n>', "training steps (default: the preset's)", count)
    .option('--edit-steps <n>', 'steps of each edit', count)
    .addOption(seedOption())
  return withDevice(command).action((options: DemoOptions) => demoVerb(options, terminal))
}

/** The stages in order; each is a library call with its report. */
async function demoVerb(options: DemoOptions, terminal: Terminal): Promise<void> {
  const reporter = createReporter(terminal, options)
  const file = (name: string): string => join(options.out, name)
  const seconds: Record<string, number> = {}
  const stage = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now()
    const result = await work()
    if (terminal.signal.aborted) throw new Interrupted(`what was done is in ${options.out}; the demo starts anew each time`)
    seconds[name] = Number(((performance.now() - started) / 1000).toFixed(1))
    return result
  }

  await requireFolder(options.out)
  const capture = await stage('load', () => loadCapture(options.capture))
  using device = await openChosen(options, reporter)
  const scene = await stage('train', () => trainScene(device, capture, options, reporter, terminal.signal))
  await writeAtomic(file('face.scene'), await saveScene(scene))
  const encoder = await loadEncoder(device)
  const anchors = await stage('anchors', () => chooseAnchors(scene, encoder, {}, terminal.signal))
  reporter.note(`anchors: frames ${anchors.frames.join(', ')} (neutral first)`)
  await writeAnchors(file('face.scene'), scene, anchors)
  const about = { scene: scene.description.name }
  await writeImage(file('anchors.png'), await anchorSheet(scene, anchors), about)

  const faces: Face[] = [{ label: 'unedited', codes: scene.referenceField }]
  for (const [i, prompt] of PROMPTS.entries()) {
    const { compositor, steps } = await stage(`edit ${i + 1}`, () =>
      editFace({ scene, anchors, encoder, prompt, label: `edit ${i + 1}` }, options, reporter, terminal.signal),
    )
    await writeAtomic(file(`edit-${i + 1}.edit`), await saveEdit(compositor, { prompt, strength: 1, steps, seed: options.seed }))
    faces.push({ label: `"${prompt}"`, codes: compositor.codes })
  }

  const scores = reportNumbers(await stage('evaluate', () => evaluateScene(scene, capture, { signal: terminal.signal })))
  await stage('pictures', async () => {
    const path = orbit(scene.trainingCameras, { frames: ORBIT_PICTURES })
    const columns = await renderFaces(scene, faces, [scene.trainingCameras[0], path[0], path[ORBIT_PICTURES / 2], ...path])
    const scale = sheetScale(columns[0][0].width)
    const row = (view: number, name: string): SheetCell[] =>
      columns.map((pictures, i) => ({ ...pictures[view], label: `${faces[i].label} - ${name}` }))
    const views = [row(0, 'reference view'), row(1, 'from the right'), row(2, 'from the left')]
    await writeImage(file('before-after.png'), sheet(views, { scale }), { ...about, prompt: PROMPTS.join('; ') })
    const frames = path.map((_, view) => sheet([columns.map((pictures, i) => ({ ...pictures[3 + view], label: faces[i].label }))], { scale }))
    await writeAnimation(file('orbit.webp'), frames, ORBIT_FPS, { ...about, prompt: PROMPTS.join('; ') })
  })

  const memory = Math.round((process.resourceUsage().maxRSS * 1024) / 1e6)
  const total = Object.values(seconds).reduce((a, b) => a + b, 0)
  const numbers = { device: device.description, trainSteps: scene.step, seconds, heldOut: scores, peakMemoryMegabytes: memory }
  await writeJson(file('numbers.json'), numbers)
  reporter.note(`${scoreLine('held-out', scores.mean)}   ${duration(total)}   peak memory ${memory} MB`)
  const paths = ['before-after.png', 'orbit.webp', 'anchors.png', 'numbers.json', 'face.scene', 'edit-1.edit', 'edit-2.edit'].map(name => file(name))
  reporter.result('demo', { ...numbers, paths: paths.map(path => resolve(path)) }, paths.join('\n'))
}

interface Face {
  readonly label: string
  readonly codes: CodeField
}

async function trainScene(
  device: Device,
  capture: Capture,
  { steps, seed }: DemoOptions,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<SceneManipulator> {
  const scene = new SceneManipulator(device, capture, {
    preset: 'tiny',
    seed,
    config: c => (steps === undefined ? c : { ...c, training: { ...c.training, steps } }),
  })
  for await (const report of train(scene, capture, { signal })) {
    reporter.step('train', report, [
      `loss ${report.loss.toPrecision(3)}`,
      `PSNR ${report.psnr.toFixed(2)} dB`,
      `${amount(report.raysPerSecond)} rays/s`,
    ])
  }
  return scene
}

interface EditTask {
  readonly scene: SceneManipulator
  readonly anchors: AnchorCodes
  readonly encoder: TextImageEncoder
  readonly prompt: string
  readonly label: string
}

async function editFace(
  { scene, anchors, encoder, prompt, label }: EditTask,
  { editSteps, seed }: DemoOptions,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<{ compositor: AnchorCompositor; steps: number }> {
  const compositor = new AnchorCompositor(scene, anchors, { seed })
  let done = 0
  const guidance = await textGuidance(encoder, prompt)
  for await (const report of edit(scene, compositor, guidance, editViews(scene), { steps: editSteps, seed, signal })) {
    reporter.step(report.stage === 'search' ? `${label}, search` : label, report, [`"${prompt}"`, `loss ${report.loss.toFixed(4)}`])
    if (report.stage === 'descent') done = report.step
  }
  return { compositor, steps: done }
}

/** Every face from every camera: [face][view]. */
async function renderFaces(scene: SceneManipulator, faces: readonly Face[], cameras: readonly Camera[]): Promise<RenderedImage[][]> {
  const columns: RenderedImage[][] = []
  for (const { codes } of faces) {
    using renderer = createRenderer(scene, codes)
    const pictures: RenderedImage[] = []
    for (const camera of cameras) pictures.push(await renderer.render(camera))
    columns.push(pictures)
  }
  return columns
}
