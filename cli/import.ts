import { basename, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import {
  type CaptureFileOptions,
  DATASET_FORMATS,
  type DatasetFormat,
  isVideoFile,
  type OpenedDataset,
  openDataset,
  writeCapture,
} from 'faceclipnerf'
import { requireConsent } from './consent.ts'
import { wholeNumber } from './options.ts'
import { createReporter, duration, type Reporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'
import { readPictures, readVideo, type VideoOptions, withVideo } from './video.ts'

interface ImportOptions extends VideoOptions {
  readonly format?: DatasetFormat
  readonly size: number
  readonly holdout: number
  readonly static?: boolean
  readonly background: readonly [number, number, number]
  readonly masks: 'person' | 'background' | 'none'
  readonly yes?: boolean
  readonly json?: boolean
}

export function importCommand(terminal: Terminal): Command {
  const command = new Command('import')
    .description(
      'make a capture of a video, of pictures, or of pictures with poses: nerfstudio, instant-ngp, COLMAP, Blender, LLFF, Nerfies, or a zip of one of these',
    )
    .argument('<source>', 'a video (mp4, mov, webm), a folder, a .zip, or a transforms.json')
    .requiredOption('-o, --output <folder>', 'the .capture folder to write')
    .addOption(new Option('--format <name>', 'what the source is (default: found by its content)').choices(DATASET_FORMATS))
    .option('--size <px>', 'longest edge of the largest pictures; larger ones are reduced, 0 keeps every size', wholeNumber, 640)
    .option('--holdout <n>', 'every n-th frame is for validation where the source has none; 0: none', wholeNumber, 20)
    .option('--static', 'nothing moves: one latent code, a plain NeRF')
    .addOption(
      new Option('--background <colour>', 'what shows through transparent pictures: white, black or #rrggbb')
        .argParser(colour)
        .default(WHITE, 'white'),
    )
    .addOption(new Option('--masks <white>', 'what is white in the masks').choices(['person', 'background', 'none']).default('person'))
    .option('--force', 'replace a capture that is there already')
    .option('--yes', 'agree to the notice about pictures of faces without being asked')
    .option('--json', 'print one JSON object per line instead of text')
  return withVideo(command).action((source: string, options: ImportOptions) => importVerb(source, options, terminal))
}

const WHITE: readonly [number, number, number] = [255, 255, 255]

function colour(text: string): readonly [number, number, number] {
  if (text === 'white') return WHITE
  if (text === 'black') return [0, 0, 0]
  const match = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(text)
  if (!match) throw new InvalidArgumentError('Give white, black or a colour such as #a0b0c0.')
  return [Number.parseInt(match[1], 16), Number.parseInt(match[2], 16), Number.parseInt(match[3], 16)]
}

/** A data set with its poses; pictures without poses are treated as the frames of a video are. */
async function readData(path: string, options: ImportOptions, reporter: Reporter, terminal: Terminal): Promise<OpenedDataset> {
  const { format, background, masks } = options
  const opened = await openDataset(path, { format })
  if (opened.imported.frames.some(frame => frame.camera)) return opened
  try {
    reporter.note(`${path}: ${opened.imported.frames.length} pictures without poses; they are found from the pictures, as those of a video are`)
    const pictures = { where: path, background, masksShow: masks }
    return await readPictures(opened.imported, pictures, options, reporter, terminal)
  } finally {
    await opened.close()
  }
}

async function importVerb(path: string, options: ImportOptions, terminal: Terminal): Promise<void> {
  const { output, format, size, background, masks } = options
  const reporter = createReporter(terminal, options)
  await requireConsent(terminal, reporter, options.yes ?? false)
  const isVideo = format === undefined && (await isVideoFile(path))
  const { imported, close } = isVideo ? await readVideo(path, options, reporter, terminal) : await readData(path, options, reporter, terminal)
  const name = basename(resolve(output)).replace(/\.capture$/, '')
  const start = performance.now()
  const write: CaptureFileOptions = {
    size,
    holdOut: options.holdout,
    background,
    // what found the poses has masks of the person, whatever the source's show
    masks: isVideo || imported.about !== undefined ? (masks === 'none' ? masks : 'person') : masks,
    signal: terminal.signal,
    ...(options.static && { isStatic: true }),
  }
  try {
    reporter.note(`${imported.format}: ${imported.frames.length} pictures`)
    let [bytes, last] = [0, 0]
    for await (const report of writeCapture(imported, output, { ...write, name, overwrite: options.force })) {
      const seconds = (performance.now() - start) / 1000
      bytes = report.bytes
      const { step, steps } = report
      if (step === last) continue
      last = step
      reporter.step('import', { step, steps, eta: (seconds / step) * (steps - step) }, [`${(bytes / 1e6).toFixed(1)} MB`])
    }
    for (const warning of imported.warnings) reporter.note(`warning: ${warning}`)
    const seconds = (performance.now() - start) / 1000
    const { frames, warnings } = imported
    reporter.result(
      'capture',
      { path: resolve(output), format: imported.format, frames: frames.length, warnings, bytes, seconds },
      `wrote ${output} (${frames.length} frames, ${(bytes / 1e6).toFixed(1)} MB, ${duration(seconds)}); next: faceclipnerf train ${output} -o ${name}.scene`,
    )
  } catch (error) {
    if (terminal.signal.aborted) throw new Interrupted('nothing was kept')
    throw error
  } finally {
    await close()
  }
}
