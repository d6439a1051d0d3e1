import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import {
  type AnchorCodes,
  AnchorCompositor,
  edit,
  type LoadedEdit,
  type LossPoint,
  loadEdit,
  loadEncoder,
  nearestPrompt,
  type SceneManipulator,
  saveEdit,
  type TextImageEncoder,
  writeAtomic,
} from 'faceclipnerf'
import { type AnchorChoice, chooseAnchors, withAnchors } from './anchors.ts'
import { readAnchors, writeAnchors } from './anchorsFile.ts'
import { count, type DeviceChoice, finiteNumber, seedOption, weight, withDevice } from './options.ts'
import { createReporter, type Reporter } from './progress.ts'
import { checkSteering, chosenRegion, expressionOption, type RegionChoice, type SteeringChoice, steer } from './steering.ts'
import { maskOption, targetOption } from './targets.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { openChosen, readBytes, readScene, requireFile } from './work.ts'

interface EditVerbOptions extends AnchorChoice, DeviceChoice, SteeringChoice, RegionChoice {
  readonly output: string
  readonly from?: string
  readonly warmStart?: readonly string[]
  readonly steps?: number
  readonly viewsPerStep?: number
  readonly patience?: number
  readonly strength: number
  readonly tv?: number | 'balanced'
  readonly seed: number
}

/** The weight of the total variation, or 'balanced'. */
const balance = (text: string): number | 'balanced' => (text === 'balanced' ? text : weight(text))

export function editCommand(terminal: Terminal): Command {
  const command = new Command('edit')
    .description('change the expression of a scene to what a sentence says, or to what example pictures show')
    .argument('<scene>', 'a .scene file')
    .argument('[text]', 'what the face should look like, e.g. "a surprised face", or sentences with weights: "a smile:1 + closed eyes:0.5"')
    .requiredOption('-o, --output <file>', 'the .edit file to write')
    .addOption(targetOption())
    .addOption(expressionOption())
    .option('--region <name>', 'only this part of the face may change: mouth, "left eye", eyes, brows, ... (an unknown name lists all)')
    .addOption(maskOption())
    .option('--from <edit>', 'an .edit file to start from: the new edit is added to it (see faceclipnerf history)')
    .option('--warm-start <edits...>', 'earlier .edit files: begins at the one whose text is nearest, without a search')
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
    .option('--augment', 'show the encoder random crops, with the background in other tints; twice its work')
    .option('--views-per-step <n>', 'views whose losses are averaged in a step', count)
    .option('--patience <rounds>', 'end when the loss has not fallen for so many rounds through all views', count)
    .option(
      '--tv <weight>',
      'weight of the smoothness of the anchor composition ratios (default: "balanced", which finds one that suits the guidance)',
      balance,
    )
    .addOption(seedOption())
  return withDevice(withAnchors(command)).action((path: string, text: string | undefined, options: EditVerbOptions) =>
    editVerb(path, text, options, terminal),
  )
}

async function editVerb(path: string, text: string | undefined, options: EditVerbOptions, terminal: Terminal): Promise<void> {
  const { output, seed, strength, steps, tv, viewsPerStep, patience } = options
  checkSteering(text, options)
  if (options.from !== undefined && (options.anchors !== undefined || options.reference !== undefined))
    throw new Error(`edit: --from ${options.from} brings its anchors; leave --anchors and --reference out`)
  await requireFile(output, ['.edit'])
  const reporter = createReporter(terminal, options)
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  const encoder = await loadEncoder(device, options.encoder, { renderResize: options.coded ? 'coded' : 'clip' })
  const earlier = options.from === undefined ? undefined : await readEdit(scene, options.from)
  const { guidance, cameras, prompt, kind } = await steer(scene, encoder, text, options)
  const anchors = earlier
    ? await anchorsOfEdit(scene, encoder, earlier, terminal.signal)
    : await anchorsFor(scene, path, encoder, options, reporter, terminal.signal)
  reporter.note(`anchors: ${anchors.frames.join(', ')} (neutral first)`)
  const region = await chosenRegion(scene, anchors, options)
  const compositor = new AnchorCompositor(scene, anchors, { seed, region, base: earlier?.field, baseStrength: earlier?.description.strength })
  const warm = await warmStart(scene, encoder, compositor, text ?? prompt, options, reporter)
  let done = 0
  const curve: LossPoint[] = []
  const how = {
    steps,
    tvWeight: tv,
    viewsPerStep,
    patience,
    seed,
    search: !warm,
    rates: warm ? compositor.refiningRates : undefined,
    signal: terminal.signal,
  }
  for await (const report of edit(scene, compositor, guidance, cameras, how)) {
    reporter.step(report.stage === 'search' ? 'search' : 'edit', report, [
      `loss ${report.loss.toFixed(4)}`,
      `${kind} ${report.guidance.toFixed(4)}`,
      `TV ${report.tv.toPrecision(2)}`,
    ])
    if (report.stage !== 'descent') continue
    done = report.step
    curve.push({ step: report.step, loss: report.loss })
  }
  if (terminal.signal.aborted) throw new Interrupted(`${output} was not written; edits take seconds, run it again`)
  await writeAtomic(
    output,
    await saveEdit(compositor, { prompt, ...(kind !== 'text' && { guidedBy: kind }), strength, steps: done, seed, curve }, earlier?.history),
  )
  const after = earlier ? `, after ${earlier.history.length} earlier` : ''
  reporter.result('edit', { path: resolve(output), prompt, steps: done }, `wrote ${output} ("${prompt}", ${done} steps${after})`)
}

async function readEdit(scene: SceneManipulator, path: string): Promise<LoadedEdit> {
  return await loadEdit(scene, await readBytes(path, 'make an edit with faceclipnerf edit'), path)
}

/** Takes the weights of the earlier edit whose words are nearest; false when none was named. Throws for an edit that is one code. */
async function warmStart(
  scene: SceneManipulator,
  encoder: TextImageEncoder,
  compositor: AnchorCompositor,
  text: string,
  { warmStart: paths = [] }: EditVerbOptions,
  reporter: Reporter,
): Promise<boolean> {
  if (paths.length === 0) return false
  const reference = scene.referenceCode
  const edits: LoadedEdit[] = []
  for (const path of paths) edits.push(await readEdit(scene, path))
  await scene.setReference(reference)
  const prompts = edits.map(({ description }) => description.prompt)
  const { index, similarity } = await nearestPrompt(encoder, text, prompts)
  const { field } = edits[index]
  if (!(field instanceof AnchorCompositor)) throw new Error(`edit: ${paths[index]} is one code for the whole face; start from an edit by anchors`)
  compositor.startFrom(field)
  reporter.note(`starts from ${paths[index]} ("${prompts[index]}", similarity ${similarity.toFixed(2)})`)
  return true
}

/** The anchors of an earlier edit, whose w_R the new one shares; found beside it where that is one code. */
async function anchorsOfEdit(scene: SceneManipulator, encoder: TextImageEncoder, { field }: LoadedEdit, signal: AbortSignal): Promise<AnchorCodes> {
  if (field instanceof AnchorCompositor) return field.anchors
  const reference = scene.description.frames.find(({ code, split }) => code === scene.referenceCode && split === 'train')?.id
  return await chooseAnchors(scene, encoder, { reference }, signal)
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
