import { resolve } from 'node:path'
import { Command } from 'commander'
import { evaluateScene, loadCapture, type SceneReport, type SheetCell, sheet, type ViewScore } from 'faceclipnerf'
import { count, type DeviceChoice, withDevice } from './options.ts'
import { sheetScale, writeImage } from './pictures.ts'
import { createReporter } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { beside, openChosen, readScene, writeJson } from './work.ts'

interface EvaluateOptions extends DeviceChoice {
  readonly output?: string
  readonly downscale?: number
}

export function evaluateCommand(terminal: Terminal): Command {
  const command = new Command('evaluate')
    .description('PSNR and SSIM on the held-out views of a capture')
    .argument('<scene>', 'a .scene file')
    .argument('<capture>', 'the capture it was trained on')
    .option('-o, --output <file>', 'the numbers as .json; a sheet of pictures goes beside it (default: NAME.evaluation.json beside the scene)')
    .option('--downscale <n>', 'use the pictures in rgb/{n}x (default: the largest there are)', count)
  return withDevice(command).action((path: string, capture: string, options: EvaluateOptions) => evaluateVerb(path, capture, options, terminal))
}

async function evaluateVerb(path: string, capturePath: string, options: EvaluateOptions, terminal: Terminal): Promise<void> {
  const output = options.output ?? beside(path, '.evaluation.json')
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
