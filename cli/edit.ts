import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import {
  type AnchorCodes,
  AnchorCompositor,
  type Camera,
  edit,
  editViews,
  type Guidance,
  type LossPoint,
  loadEncoder,
  type SceneManipulator,
  saveEdit,
  type TextImageEncoder,
  textGuidance,
  writeAtomic,
} from 'faceclipnerf'
import { type AnchorChoice, chooseAnchors, withAnchors } from './anchors.ts'
import { readAnchors, writeAnchors } from './anchorsFile.ts'
import { count, type DeviceChoice, finiteNumber, seedOption, weight, withDevice } from './options.ts'
import { createReporter, type Reporter } from './progress.ts'
import { readTargets, type Target, targetName, targetOption } from './targets.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { openChosen, readScene } from './work.ts'

interface EditVerbOptions extends AnchorChoice, DeviceChoice {
  readonly output: string
  readonly target?: readonly Target[]
  readonly steps?: number
  readonly strength: number
  readonly guidance: 'directional' | 'absolute' | 'both'
  readonly templates: 'face' | 'imagenet'
  readonly coded?: boolean
  readonly tv?: number
  readonly seed: number
}

export function editCommand(terminal: Terminal): Command {
  const command = new Command('edit')
    .description('change the expression of a scene to what a sentence says, or to what example pictures show')
    .argument('<scene>', 'a .scene file')
    .argument('[text]', 'what the face should look like, e.g. "a surprised face"; leave it out with --target')
    .requiredOption('-o, --output <file>', 'the .edit file to write')
    .addOption(targetOption())
    .option('--steps <n>', 'steps of the edit', count)
    .option('--strength <s>', 'strength at which the edit is shown unless told otherwise: 0 is the unedited face', finiteNumber, 1)
    .addOption(
      new Option('--guidance <kind>', 'compare the change of the picture with the change of the words, or the picture with the words')
        .choices(['directional', 'absolute', 'both'])
        .default('both'),
    )
    .addOption(
      new Option('--templates <set>', "sentences around the text: seven about faces, or CLIP's 80 of ImageNet, as the authors' code")
        .choices(['face', 'imagenet'])
        .default('face'),
    )
    .option('--coded', "compare pictures and words as the authors' code: nothing brought to unit norm but the picture's part, bilinear resize")
    .option('--tv <weight>', 'weight of the smoothness of the anchor composition ratios', weight)
    .addOption(seedOption())
  return withDevice(withAnchors(command)).action((path: string, text: string | undefined, options: EditVerbOptions) =>
    editVerb(path, text, options, terminal),
  )
}

async function editVerb(path: string, text: string | undefined, options: EditVerbOptions, terminal: Terminal): Promise<void> {
  const { output, seed, strength, steps, tv, target } = options
  if ((text === undefined) === (target === undefined))
    throw new Error(
      `edit: ${target ? 'both a sentence and --target' : 'neither a sentence nor --target'}; say what the face should look like in one way`,
    )
  const reporter = createReporter(terminal, options)
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  const encoder = await loadEncoder(device, options.encoder, { renderResize: options.coded ? 'coded' : 'clip' })
  const { guidance, cameras, prompt } = target ? await byPictures(scene, target) : await byText(scene, encoder, text ?? '', options)
  const anchors = await anchorsFor(scene, path, encoder, options, reporter, terminal.signal)
  reporter.note(`anchors: ${anchors.frames.join(', ')} (neutral first)`)
  const compositor = new AnchorCompositor(scene, anchors, { seed })
  let done = 0
  const curve: LossPoint[] = []
  for await (const report of edit(scene, compositor, guidance, cameras, { steps, tvWeight: tv, seed, signal: terminal.signal })) {
    reporter.step(report.stage === 'search' ? 'search' : 'edit', report, [
      `loss ${report.loss.toFixed(4)}`,
      `${target ? 'pictures' : 'text'} ${report.guidance.toFixed(4)}`,
      `TV ${report.tv.toPrecision(2)}`,
    ])
    if (report.stage !== 'descent') continue
    done = report.step
    curve.push({ step: report.step, loss: report.loss })
  }
  if (terminal.signal.aborted) throw new Interrupted(`${output} was not written; edits take seconds, run it again`)
  await writeAtomic(output, await saveEdit(compositor, { prompt, strength, steps: done, seed, curve }))
  reporter.result('edit', { path: resolve(output), prompt, steps: done }, `wrote ${output} ("${prompt}", ${done} steps)`)
}

interface Steering {
  readonly guidance: Guidance
  /** Space units. */
  readonly cameras: readonly Camera[]
  /** What the edit file calls it. */
  readonly prompt: string
}

async function byText(scene: SceneManipulator, encoder: TextImageEncoder, text: string, options: EditVerbOptions): Promise<Steering> {
  const { guidance: kind, templates, coded } = options
  return { guidance: await textGuidance(encoder, text, { kind, templates, coded }), cameras: editViews(scene), prompt: text }
}

async function byPictures(scene: SceneManipulator, targets: readonly Target[]): Promise<Steering> {
  const guidance = await readTargets(scene, targets)
  return { guidance, cameras: guidance.cameras, prompt: targetName(targets) }
}

/** The anchors beside the scene, unless the options ask for others; those found for the first time are written there. */
async function anchorsFor(
  scene: SceneManipulator,
  path: string,
  encoder: TextImageEncoder,
  options: EditVerbOptions,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<AnchorCodes> {
  const chosenHere = options.anchors !== undefined || options.reference !== undefined || options.encoder !== undefined
  const known = chosenHere ? undefined : await readAnchors(path, scene)
  const anchors = known ?? (await chooseAnchors(scene, encoder, options, signal))
  if (!known && !chosenHere) reporter.note(`wrote ${await writeAnchors(path, scene, anchors)}`)
  return anchors
}
