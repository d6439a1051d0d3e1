import { resolve } from 'node:path'
import { Command } from 'commander'
import { evaluateScene, loadCapture, type SceneReport, type SheetCell, sheet, type ViewScore } from 'faceclipnerf'
import { type EvaluateEditsOptions, evaluateEditsVerb } from './evaluateEdits.ts'
import { withInstruments } from './instruments.ts'
import { count, withDevice } from './options.ts'
import { sheetScale, writeImage } from './pictures.ts'
import { createReporter } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { beside, openChosen, readScene, requireFile, writeJson } from './work.ts'

interface EvaluateOptions extends EvaluateEditsOptions {
  readonly edits?: readonly string[]
  readonly capture?: string
}

export function evaluateCommand(terminal: Terminal): Command {
  const command = new Command('evaluate')
    .description('PSNR and SSIM on the held-out views of a capture; with --edits a report with pictures on edits')
    .argument('<scene>', 'a .scene file')
    .argument('[capture]', 'the capture it was trained on')
    .option('--edits <files...>', 'measure these .edit files instead, beside the unedited face')
    .option('--capture <folder>', 'the capture again, for --edits: where it has true edits, they are compared with')
    .option(
      '-o, --output <path>',
      'the numbers as .json, with a sheet of pictures beside it (default: NAME.evaluation.json beside the scene); with --edits a folder for the report (default: NAME.report)',
    )
    .option('--downscale <n>', "use the pictures in rgb/{n}x (default: the largest there are, with --edits those of the scene's size)", count)
    .option('--views <n>', 'novel views that networks judge, with --edits', count, 16)
  return withDevice(withInstruments(command)).action(async (path: string, argument: string | undefined, options: EvaluateOptions) => {
    const { edits, capture = argument } = options
    if (edits) return await evaluateEditsVerb(path, edits, capture, options, terminal)
    if (capture === undefined) throw new Error('evaluate: neither a capture nor --edits; give the capture to measure the scene, or edits to measure')
    await evaluateVerb(path, capture, options, terminal)
  })
}

async function evaluateVerb(path: string, capturePath: string, options: EvaluateOptions, terminal: Terminal): Promise<void> {
  const output = options.output ?? beside(path, '.evaluation.json')
  await requireFile(output, ['.json'])
  const reporter = createReporter(terminal, options)
  const capture = await loadCapture(capturePath, { downscale: options.downscale })
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  const report = await evaluateScene(scene, capture, { signal: terminal.signal })
  const numbers = reportNumbers(report)
  for (const view of numbers.views) reporter.result('view', view, scoreLine(view.id, view))
  await writeJson(output, numbers)
  const picture = beside(output, '.png')
  await writeImage(picture, evaluationSheet(report), { scene: scene.description.name })
  reporter.result(
    'evaluation',
    { ...numbers.mean, path: resolve(output), sheet: resolve(picture) },
    `${scoreLine('mean', numbers.mean)}\nwrote ${output} and ${picture}`,
  )
}

type Score = Pick<ViewScore, 'psnr' | 'psnrPerson' | 'ssim' | 'ssimPerson'>

/** The report without its pictures. */
export function reportNumbers({ views, psnr, psnrPerson, ssim, ssimPerson }: SceneReport): { mean: Score; views: (Score & { id: string })[] } {
  return {
    mean: { psnr, psnrPerson, ssim, ssimPerson },
    views: views.map(view => ({ id: view.id, psnr: view.psnr, psnrPerson: view.psnrPerson, ssim: view.ssim, ssimPerson: view.ssimPerson })),
  }
}

export function scoreLine(name: string, { psnr, psnrPerson, ssim, ssimPerson }: Score): string {
  const person =
    psnrPerson === undefined ? '' : `   person ${psnrPerson.toFixed(2)} dB${ssimPerson === undefined ? '' : ` SSIM ${ssimPerson.toFixed(4)}`}`
  return `${name.padEnd(12)} ${psnr.toFixed(2)} dB SSIM ${ssim.toFixed(4)}${person}`
}

/** One row per view: the picture, the rendering, their difference three times over. */
function evaluationSheet({ views }: SceneReport): ReturnType<typeof sheet> {
  const rows = views.map(({ id, psnr, rendered, observed }): SheetCell[] => {
    const { width, height } = rendered
    const difference = Float32Array.from(observed, (value, i) => 3 * Math.abs(value - rendered.rgb[i]))
    return [
      { width, height, rgb: observed, label: `${id} captured` },
      { width, height, rgb: rendered.rgb, label: `rendered, ${psnr.toFixed(2)} dB` },
      { width, height, rgb: difference, label: '3 x difference' },
    ]
  })
  return sheet(rows, { scale: sheetScale(views[0].rendered.width) })
}
