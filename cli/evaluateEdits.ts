/** faceclipnerf evaluate SCENE --edits …: a report with pictures on edits of a scene. */
import { basename, join, resolve } from 'node:path'
import {
  type Capture,
  type EditResult,
  editReport,
  evaluateEdits,
  evaluateScene,
  evaluationViews,
  FACE_JUDGE_REMEDY,
  type FileSource,
  folder,
  loadCapture,
  loadGroundTruth,
  makeReport,
  reportJson,
  type TrueEdit,
  writeAtomic,
} from 'faceclipnerf'
import { type InstrumentChoice, openInstruments } from './instruments.ts'
import type { DeviceChoice } from './options.ts'
import { createReporter } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { beside, openChosen, readBytes, readScene, requireFolder, writeJson } from './work.ts'

export interface EvaluateEditsOptions extends DeviceChoice, InstrumentChoice {
  readonly output?: string
  readonly downscale?: number
  readonly views: number
}

/** Measures the edit files and writes the report's folder. */
export async function evaluateEditsVerb(
  path: string,
  edits: readonly string[],
  capturePath: string | undefined,
  options: EvaluateEditsOptions,
  terminal: Terminal,
): Promise<void> {
  const output = options.output ?? beside(path, '.report')
  const reporter = createReporter(terminal, options)
  const files = await Promise.all(
    edits.map(async file => ({ name: basename(file), bytes: await readBytes(file, 'make an edit with faceclipnerf edit') })),
  )
  await requireFolder(output)
  using device = await openChosen(options, reporter)
  const scene = await readScene(device, path)
  const source = capturePath === undefined ? undefined : await folder(capturePath)
  const capture = source && (await captureOf(source, scene.trainingCameras[0].imageSize[0], options.downscale))
  const truth = source && capture && (await source.exists('edits/edits.json')) ? await loadGroundTruth(source, capture) : undefined
  const instruments = await openInstruments(device, options)
  const measured = instruments.of(scene)
  const { reader } = measured
  const results: EditResult[] = []
  for await (const { result, ...progress } of evaluateEdits(scene, files, measured, { views: options.views, truth, signal: terminal.signal })) {
    results.push(result)
    reporter.step('evaluate', progress, [`"${result.prompt}"`])
  }
  reader[Symbol.dispose]()
  const heldOut = capture?.frames.some(frame => frame.split === 'val') ? await evaluateScene(scene, capture, { signal: terminal.signal }) : undefined
  const report = makeReport({
    scene,
    edits: results,
    networks: { encoder: instruments.encoder.name, judge: instruments.judge?.name, lpips: instruments.lpips?.name },
    judge: instruments.judge,
    judgeRemedy: options.judge ? FACE_JUDGE_REMEDY : 'leave out --no-judge',
    hasTruth: truth !== undefined,
    heldOut,
  })
  const names = evaluationViews(scene, options.views, truth).shown.map(view => view.name)
  const [html, json] = [join(output, 'index.html'), join(output, 'report.json')]
  await writeJson(json, reportJson(report))
  await writeAtomic(html, new TextEncoder().encode(await editReport(report, truth, names)))
  for (const { metric, why } of report.missing) reporter.note(`not measured: ${metric}: ${why}`)
  for (const result of results) reporter.result('edit', { name: result.name, prompt: result.prompt, measures: result.measures }, line(result, truth))
  reporter.result('report', { path: resolve(html), json: resolve(json) }, `wrote ${html} and ${json}`)
}

/** The capture at the scene's picture size, unless told otherwise. */
async function captureOf(source: FileSource, width: number, downscale: number | undefined): Promise<Capture> {
  const first = await loadCapture(source, { downscale })
  const largest = first.frames[0].camera.imageSize[0]
  if (downscale !== undefined || largest === width) return first
  const factor = first.downscale * (largest / width)
  const there = Number.isInteger(factor) && (await source.list(`rgb/${factor}x`)).length > 0
  return there ? await loadCapture(source, { downscale: factor }) : first
}

function line({ prompt, measures }: EditResult, truth: readonly TrueEdit[] | undefined): string {
  const { clip, judge } = measures
  const face = measures.truth?.psnr.face
  const parts = [`"${prompt}"`]
  if (clip) parts.push(`CLIP ${clip.directional.toFixed(3)}`)
  if (judge?.faceSimilarity !== undefined) parts.push(`identity ${judge.faceSimilarity.toFixed(3)}`)
  if (face) parts.push(`face ${face.edited.toFixed(2)} dB, ${(face.edited - face.unedited).toFixed(2)} over no edit`)
  else if (truth) parts.push('no true edit of this sentence')
  return parts.join('   ')
}
