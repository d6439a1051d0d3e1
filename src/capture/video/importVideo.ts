/** A video of a face as an import: frames, faces, masks and poses; `writeCapture` makes a capture of it (Node only). */
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type FileSource, folder } from '../../io/files.ts'
import { decodeImage, type Image } from '../../io/imageCodec.ts'
import { openFaceAnalyser } from '../face/faceAnalyser.ts'
import { FACE_API_REMEDY } from '../face/faceApi.ts'
import { MATTE_SIZE } from '../face/personMatte.ts'
import type { ImportedCapture } from '../importedCapture.ts'
import { cameraStands, roomIsPlain, viewRoom } from './cameraMotion.ts'
import { type Decoder, openDecoder } from './frames.ts'
import { foundMasks, givenMasks } from './masks.ts'
import { type PictureOptions, pictureFrames } from './pictureFrames.ts'
import { posesByColmap, posesByFace } from './poses.ts'
import { probeVideo, type VideoInfo } from './probe.ts'
import { type FrameRecord, markBlurred, selectFrames } from './selectFrames.ts'
import { shrink } from './serverFrames.ts'
import { writePicture } from './workFiles.ts'

/** What becomes of a video, where, and how long it may take. */
export interface VideoImportOptions {
  /** An empty folder for intermediate files; the pictures in it must stay until the capture is written. The caller removes it. */
  work: string
  /** Where the log goes; it stays. */
  log: string
  /** How many frames at most. Default 300. */
  frames?: number
  /** px of the longer side of the pictures that are kept, and in which poses are found. Default 1280. */
  longest?: number
  /** The person, white, as a video of the same length or a folder with one picture per frame of the video. */
  masks?: string
  /** Where poses come from. 'auto': 'face' when the camera stands still or the wall is plain, else 'colmap'. */
  poses?: 'auto' | 'colmap' | 'face'
  /** Seconds that COLMAP's mapper may take. Default 600. */
  poseLimit?: number
  /** px at the video's own size, where known; otherwise found with the poses. */
  focalLength?: number
  threads?: number
  signal?: AbortSignal
}

/** Progress of an import. */
export interface VideoStep {
  readonly stage: 'frames' | 'faces' | 'masks' | 'features' | 'matches' | 'lens' | 'poses'
  readonly step: number
  readonly steps: number
  /** Seconds to the end of the stage. */
  readonly eta: number
}

/** A frame that was kept. */
export interface KeptFrame {
  id: string
  record: FrameRecord
  /** At `MATTE_SIZE`. */
  small: Image
  /** px of the kept picture, 68 landmarks. */
  landmarks?: Float64Array
  /** Whether masks/ID.png was written, of the picture's size. */
  hasMask?: boolean
}

/** Where frames come from: a video, or pictures that stand for one. */
export interface FrameSource {
  readonly kind: 'video' | 'pictures'
  readonly info: VideoInfo
  readonly decoder: Decoder
  /** The person, white, of the frame at a place; any size of its shape. */
  readonly mask?: (index: number) => Promise<Image>
  readonly warnings: readonly string[]
  /** Of pictures: their paths. */
  readonly files?: readonly string[]
}

/** What the stages share. */
export interface VideoWork extends Pick<FrameSource, 'kind' | 'mask'> {
  info: VideoInfo
  decoder: Decoder
  /** Size of the kept pictures, px. */
  size: readonly [number, number]
  kept: KeptFrame[]
  records: FrameRecord[]
  source: FileSource
  options: VideoImportOptions
  log: Writable
  warnings: string[]
  /** Whether the camera stands still. */
  stands: boolean
}

export const imagePath = (id: string): string => `images/${id}.png`
export const maskPath = (id: string): string => `masks/${id}.png`

/** Fewer frames than this are no capture. */
const LEAST_FRAMES = 8

/**
 * Reads a video. Yields progress; returns the import. Throws, with the reason and the remedy in plain words, for what is no video, shows too little, or
 * whose poses cannot be found; the log keeps what the programs said.
 */
export async function* importVideo(path: string, options: VideoImportOptions): AsyncGenerator<VideoStep, ImportedCapture> {
  const info = await probeVideo(path)
  const decoder = await openDecoder(info)
  return yield* importFrames({ kind: 'video', info, decoder, warnings: decoder.warning ? [decoder.warning] : [] }, options)
}

/** Finds the poses of pictures that have none (`imported` of format 'images'), as `importVideo` does for frames; their order is that of their names. */
export async function* importPictures(
  imported: Pick<ImportedCapture, 'frames' | 'warnings'>,
  options: VideoImportOptions & PictureOptions,
): AsyncGenerator<VideoStep, ImportedCapture> {
  return yield* importFrames(await pictureFrames(imported, options), options)
}

async function* importFrames(frames: FrameSource, options: VideoImportOptions): AsyncGenerator<VideoStep, ImportedCapture> {
  const { info, decoder, kind, mask, warnings, files } = frames
  const { path } = info
  const log = createWriteStream(options.log)
  log.on('error', () => undefined) // said by the first write that matters, below
  try {
    log.write(
      `${path}: ${info.width}x${info.height}, ${info.timestamps.length} frames, ${info.codec ?? (files ? 'pictures' : 'unknown codec')}, decoded by ${decoder.name}\n`,
    )
    await Promise.all(['images', 'masks'].map(name => mkdir(join(options.work, name), { recursive: true })))
    const work: VideoWork = {
      ...{ kind, info, decoder },
      ...(mask && !options.masks && { mask }),
      size: [0, 0],
      kept: [],
      records: [],
      source: await folder(options.work),
      options,
      log,
      warnings: [...warnings],
      stands: false,
    }
    yield* keepFrames(work)
    const hasMasks = options.masks !== undefined || work.mask !== undefined
    if (hasMasks) yield* givenMasks(work)
    const analyser = yield* findFaces(work)
    const room = viewRoom(work.kept.map(frame => frame.small))
    work.stands = cameraStands(room)
    log.write(`room: change ${room.change.toFixed(2)}, texture ${room.texture.toFixed(2)} (bytes)\n`)
    if (!hasMasks) yield* foundMasks(work)
    const method = choosePoses(work, roomIsPlain(room))
    const posed = yield* method === 'face' ? posesByFace(work) : posesByColmap(work)
    return {
      ...posed,
      name: basename(path),
      format: kind === 'video' ? 'video' : 'images',
      warnings: work.warnings,
      about: {
        video: {
          file: basename(path),
          codec: info.codec,
          size: [info.width, info.height],
          rotation: info.rotation,
          frames: info.timestamps.length,
          decoder: decoder.name,
          faces: analyser,
          masks: hasMasks ? 'given' : 'found',
          ...(files && { pictures: files }),
          room,
          records: work.records.map(({ index, time, sharpness, brightness, dropped }) => [
            index,
            Number(time.toFixed(4)),
            Number(sharpness.toPrecision(4)),
            Number(brightness.toFixed(4)),
            dropped ?? null,
          ]),
        },
        ...posed.about,
      },
    }
  } finally {
    log.end()
    await finished(log).catch(() => undefined)
  }
}

/** Decodes once and keeps the sharpest frame of each stretch. */
async function* keepFrames(work: VideoWork): AsyncGenerator<VideoStep> {
  const { info, decoder, options, kept, records } = work
  const { timestamps } = info
  const steps = Math.min(options.frames ?? 300, timestamps.length)
  const began = performance.now()
  const all = decoder.frames(info, { longest: options.longest ?? 1280, signal: options.signal })
  for await (const { record, image } of selectFrames(all, { count: steps, from: timestamps[0], to: timestamps[timestamps.length - 1] }, records)) {
    const id = String(record.index).padStart(6, '0')
    work.size = [image.width, image.height]
    await writePicture(join(options.work, imagePath(id)), image)
    kept.push({ id, record, small: shrink(image, MATTE_SIZE) })
    yield stepOf('frames', Math.min(steps, kept.length), steps, began)
  }
  const blurred = markBlurred(records)
  for (const record of blurred) {
    const at = kept.findIndex(frame => frame.record === record)
    await rm(join(options.work, imagePath(kept[at].id)))
    kept.splice(at, 1)
  }
  if (kept.length < LEAST_FRAMES) {
    const good = work.kind === 'video' ? '20 to 60 seconds of video are good' : '50 or more from different directions are good'
    throw new Error(`${info.path}: ${kept.length} usable frames of ${timestamps.length}; a capture needs at least ${LEAST_FRAMES}, and ${good}`)
  }
  if (blurred.length > 0.1 * (kept.length + blurred.length)) {
    work.warnings.push(
      `${blurred.length} of ${kept.length + blurred.length} stretches of the ${work.kind} are blurred throughout; film slower, or in more light`,
    )
  }
}

/** Looks for the face in every kept frame. Returns the analyser's name, if there is one. */
async function* findFaces(work: VideoWork): AsyncGenerator<VideoStep, string | undefined> {
  const { kept, source, options, warnings } = work
  const analyser = await openFaceAnalyser()
  if (!analyser) {
    warnings.push(`faces were not looked for: the optional face analyser is not installed (${FACE_API_REMEDY})`)
    return undefined
  }
  const began = performance.now()
  for (const [i, frame] of kept.entries()) {
    options.signal?.throwIfAborted()
    const name = imagePath(frame.id)
    frame.landmarks = (await analyser.analyse(await decodeImage(await source.read(name), name)))?.landmarks
    yield stepOf('faces', i + 1, kept.length, began)
    await new Promise(resolve => setImmediate(resolve)) // the networks hold the thread; Ctrl-C needs its turn
  }
  const seen = kept.filter(frame => frame.landmarks).length
  if (seen < 0.7 * kept.length)
    warnings.push(`a face was found in ${seen} of ${kept.length} frames only; keep the face in the picture, in even light`)
  return analyser.name
}

function choosePoses(work: VideoWork, isPlain: boolean): 'colmap' | 'face' {
  const { options, warnings, stands } = work
  const wanted = options.poses ?? 'auto'
  if (wanted !== 'auto') return wanted
  if (!stands && !isPlain) return 'colmap'
  warnings.push(
    stands
      ? 'the camera stands still, so poses come from the face (--poses face) and the room is cut away; the result is softer than with a moving camera'
      : 'the wall is plain, so poses come from the face (--poses face) and the room is cut away; film before shelves or pictures for sharper results',
  )
  return 'face'
}

export function stepOf<S extends VideoStep['stage']>(
  stage: S,
  step: number,
  steps: number,
  began: number,
): { stage: S; step: number; steps: number; eta: number } {
  return { stage, step, steps, eta: ((performance.now() - began) / 1000 / Math.max(1, step)) * (steps - step) }
}

export function threadsOf({ threads }: VideoImportOptions): number {
  return threads ?? availableParallelism()
}
