/** The part of `import` that reads a video: its options, its progress, its work folder. */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import {
  checkOutput,
  type ImportedCapture,
  importPictures,
  importVideo,
  type PictureOptions,
  type VideoImportOptions,
  type VideoStep,
} from 'faceclipnerf'
import { count, finiteNumber } from './options.ts'
import type { Reporter } from './progress.ts'
import { Interrupted, type Terminal } from './terminal.ts'

export interface VideoOptions {
  readonly output: string
  readonly frames: number
  readonly poses: 'auto' | 'colmap' | 'face'
  readonly poseLimit: number
  readonly personMasks?: string
  readonly focal?: number
  readonly threads?: number
  readonly force?: boolean
}

/** px: sharper than the pictures that are written, because poses need it. */
const POSES_AT = 1280

const SAID: Record<string, string> = {
  frames: 'choosing sharp frames',
  faces: 'finding the face',
  masks: 'masking the person',
  features: 'COLMAP: features',
  matches: 'COLMAP: matches',
  lens: 'COLMAP: focal length',
  poses: 'poses',
}

export function withVideo(command: Command): Command {
  return command
    .option('--frames <n>', 'of a video: how many of its frames, the sharpest of each stretch; of pictures without poses likewise', count, 300)
    .addOption(
      new Option('--poses <way>', 'of a video or pictures: by COLMAP from the room, or from the face where the camera stands still')
        .choices(['auto', 'colmap', 'face'])
        .default('auto'),
    )
    .option('--pose-limit <seconds>', "of a video or pictures: time for COLMAP's mapper", count, 600)
    .option('--person-masks <path>', 'of a video: the person in white, a video of the same length or a folder with a picture per frame')
    .option('--focal <px>', "of a video: focal length at the video's own size, where known", finiteNumber)
    .option('--threads <n>', 'of a video: threads of COLMAP (default: one per processor)', count)
}

interface Read {
  imported: ImportedCapture
  close(): Promise<void>
}

/** Reads a video; see `readFrames`. */
export function readVideo(path: string, options: VideoOptions, reporter: Reporter, terminal: Terminal): Promise<Read> {
  return readFrames(work => importVideo(path, work), options, reporter, terminal)
}

/** Finds the poses of pictures that have none; see `readFrames`. */
export function readPictures(
  imported: ImportedCapture,
  pictures: PictureOptions,
  options: VideoOptions,
  reporter: Reporter,
  terminal: Terminal,
): Promise<Read> {
  return readFrames(work => importPictures(imported, { ...pictures, ...work }), options, reporter, terminal)
}

/**
 * Finds frames and poses in a work folder beside the output, which `close` removes; the log stays beside the output.
 * Throws Interrupted after Ctrl-C, with nothing left but the log.
 */
async function readFrames(
  start: (options: VideoImportOptions) => AsyncGenerator<VideoStep, ImportedCapture>,
  options: VideoOptions,
  reporter: Reporter,
  { signal }: Terminal,
): Promise<Read> {
  const output = resolve(options.output)
  await checkOutput(output, options.force ?? false)
  const log = `${output}.log`
  const work = join(dirname(output), `.${basename(output)}.${randomUUID()}.work`)
  const close = (): Promise<void> => rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true }).catch((error: Error) => {
    throw new Error(`${dirname(output)}: cannot be written to (${error.message}); choose another place for the capture`)
  })
  try {
    const { frames, poses, poseLimit, personMasks, focal, threads } = options
    const steps = start({
      ...{ work, log, frames, poses, poseLimit, longest: POSES_AT, signal },
      ...(personMasks !== undefined && { masks: personMasks }),
      ...(focal !== undefined && { focalLength: focal }),
      ...(threads !== undefined && { threads }),
    })
    let next = await steps.next()
    for (; !next.done; next = await steps.next()) reporter.step(SAID[next.value.stage], next.value, [])
    reporter.note(`log: ${log}`)
    return { imported: next.value, close }
  } catch (error) {
    await close()
    if (signal.aborted) throw new Interrupted(`nothing was kept but the log ${log}`)
    throw error
  }
}
