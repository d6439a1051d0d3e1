import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { AnchorCompositor, edit, editViews, loadEncoder, saveEdit, textGuidance, writeAtomic } from 'faceclipnerf'
import { type AnchorChoice, chooseAnchors, withAnchors } from './anchors.ts'
import { readAnchors, writeAnchors } from './anchorsFile.ts'
import { count, type DeviceChoice, finiteNumber, seedOption, weight, withDevice } from './options.ts'
import { createReporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { openChosen, readScene } from './work.ts'

interface EditVerbOptions extends AnchorChoice, DeviceChoice {
  readonly output: string
  readonly steps?: number
  readonly strength: number
  readonly guidance: 'directional' | 'absolute' | 'both'
  readonly tv?: number
  readonly seed: number
}

export function editCommand(terminal: Terminal): Command {
  const command = new Command('edit')
    .description('change the expression of a scene to what a sentence says')
    .argument('<scene>', 'a .scene file')
    .argument('<text>', 'what the face should look like, e.g. "a surprised face"')
    .requiredOption('-o, --output <file>', 'the .edit file to write')
    .option('--steps <n>', 'steps of the edit', count)
    .option('--strength <s>', 'strength at which the edit is shown unless told otherwise: 0 is the unedited face', finiteNumber, 1)
    .addOption(
      new Option('--guidance <kind>', 'compare the change of the picture with the change of the words, or the picture with the words')
        .choices(['directional', 'absolute', 'both'])
        .default('both'),
    )
    .option('--tv <weight>', 'weight of the smoothness of the anchor composition ratios', weight)
    .addOption(seedOption())
  return withDevice(withAnchors(command)).action((path: string, text: string, options: EditVerbOptions) => editVerb(path, text, options, terminal))
}

async function editVerb(path: string, text: string, options: EditVerbOptions, terminal: Terminal): Promise<void> {
  const { output, seed, strength, steps, tv } = options
  const reporter = createReporter(terminal, options)
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  const encoder = await loadEncoder(device, options.encoder)
  const guidance = await textGuidance(encoder, text, { kind: options.guidance })
  const chosenHere = options.anchors !== undefined || options.reference !== undefined || options.encoder !== undefined
  const known = chosenHere ? undefined : await readAnchors(path, scene)
  const anchors = known ?? (await chooseAnchors(scene, encoder, options, terminal.signal))
  if (!known && !chosenHere) reporter.note(`wrote ${await writeAnchors(path, scene, anchors)}`)
  reporter.note(`anchors: ${anchors.frames.join(', ')} (neutral first)`)
  const compositor = new AnchorCompositor(scene, anchors, { seed })
  let done = 0
  for await (const report of edit(scene, compositor, guidance, editViews(scene), { steps, tvWeight: tv, seed, signal: terminal.signal })) {
    reporter.step(report.stage === 'search' ? 'search' : 'edit', report, [
      `loss ${report.loss.toFixed(4)}`,
      `text ${report.guidance.toFixed(4)}`,
      `TV ${report.tv.toPrecision(2)}`,
    ])
    if (report.stage === 'descent') done = report.step
  }
  if (terminal.signal.aborted) throw new Interrupted(`${output} was not written; edits take seconds, run it again`)
  await writeAtomic(output, await saveEdit(compositor, { prompt: text, strength, steps: done, seed }))
  reporter.result('edit', { path: resolve(output), prompt: text, steps: done }, `wrote ${output} ("${text}", ${done} steps)`)
}
