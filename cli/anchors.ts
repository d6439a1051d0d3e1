import { resolve } from 'node:path'
import { Command } from 'commander'
import {
  type AnchorCodes,
  expressionEncoder,
  findFrame,
  type Image,
  loadEncoder,
  type RenderedImage,
  renderCodes,
  type SceneManipulator,
  selectAnchors,
  sheet,
  type TextImageEncoder,
} from 'faceclipnerf'
import { writeAnchors } from './anchorsFile.ts'
import { type DeviceChoice, encoderOption, several, withDevice } from './options.ts'
import { sheetScale, writeImage } from './pictures.ts'
import { createReporter } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { beside, openChosen, readScene, requireFile } from './work.ts'

export interface AnchorChoice {
  readonly anchors?: number
  readonly reference?: string
  readonly encoder?: string
}

/** The options of verbs that select anchors. */
export function withAnchors(command: Command): Command {
  return command
    .option('--anchors <k>', 'number of anchors (default: found by clustering)', several)
    .option('--reference <frame>', 'id of the frame whose face is the neutral one (default: of the most frequent expression)')
    .addOption(encoderOption())
}

export function anchorsCommand(terminal: Terminal): Command {
  const command = new Command('anchors')
    .description('find the expressions of a scene and show them in a contact sheet')
    .argument('<scene>', 'a .scene file')
    .option('-o, --output <file>', 'the contact sheet, .png or .webp (default: NAME.anchors.png beside the scene)')
  return withDevice(withAnchors(command)).action((path: string, options: AnchorChoice & DeviceChoice & { output?: string }) =>
    anchorsVerb(path, options, terminal),
  )
}

async function anchorsVerb(path: string, options: AnchorChoice & DeviceChoice & { output?: string }, terminal: Terminal): Promise<void> {
  const output = options.output ?? beside(path, '.anchors.png')
  await requireFile(output, ['.png', '.webp'])
  const reporter = createReporter(terminal, options)
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  const encoder = await loadEncoder(device, options.encoder, { towers: ['image'] })
  const anchors = await chooseAnchors(scene, encoder, options, terminal.signal)
  const json = await writeAnchors(path, scene, anchors)
  await writeImage(output, await anchorSheet(scene, anchors), { scene: scene.description.name })
  const { method, eps, sizes } = anchors.report
  const found = anchors.frames.map((frame, k) => `${frame} (${sizes[k]} frames)`).join(', ')
  reporter.note(`${method}${eps === undefined ? '' : ` with eps ${eps.toPrecision(3)}`}: ${anchors.frames.length} anchors, neutral first: ${found}`)
  reporter.result(
    'anchors',
    { sheet: resolve(output), path: resolve(json), frames: anchors.frames, report: anchors.report },
    `wrote ${output} and ${json}`,
  )
}

/** Selects anchors by what the options say. */
export async function chooseAnchors(
  scene: SceneManipulator,
  encoder: TextImageEncoder,
  { anchors, reference }: AnchorChoice,
  signal: AbortSignal,
): Promise<AnchorCodes> {
  return await selectAnchors(scene, expressionEncoder(encoder), {
    count: anchors,
    reference: reference === undefined ? undefined : findFrame(scene, reference).code,
    signal,
  })
}

/** The anchors' renderings, T at w_R, each with its frame and how many frames are like it. */
export async function anchorSheet(scene: SceneManipulator, anchors: AnchorCodes): Promise<Image> {
  const pictures: RenderedImage[] = []
  for await (const picture of renderCodes(scene, anchors.indices)) pictures.push(picture)
  const label = (k: number): string => `${k === 0 ? 'neutral' : `anchor ${k}`}: frame ${anchors.frames[k]}, ${anchors.report.sizes[k]} like it`
  return sheet([pictures.map((picture, k) => ({ ...picture, label: label(k) }))], { scale: sheetScale(pictures[0].width) })
}
