/** Pictures one after the other, as what the path's ending says: an animated WebP, a film, or a folder of PNGs. Whole or not at all. */
import { extname } from 'node:path'
import {
  encodePng,
  encodeWebpAnimation,
  ffmpegEncoder,
  type Image,
  openFfmpegVideo,
  openVideo,
  type SyntheticMedia,
  syntheticMediaFields,
  tagImage,
  type VideoFormat,
  type VideoOptions,
  type VideoWriter,
  writeAtomic,
  writeFolder,
} from 'faceclipnerf'

export interface Film {
  readonly pictures: AsyncIterable<Image>
  readonly count: number
  readonly fps: number
  /** px */
  readonly width: number
  readonly height: number
  readonly about: SyntheticMedia
}

/** Where films go; a name without an ending is a folder. */
export const FILM_EXTENSIONS = ['.webp', '.mp4', '.webm', ''] as const
/** The file that says of a folder that it holds a sequence, which may be replaced by another. */
const SEQUENCE_FILE = 'sequence.json'

/** Writes a film. Returns where it is: where nothing encodes videos that is a folder of PNGs beside the path, and `note` is told so. */
export async function writeFilm(output: string, film: Film, signal: AbortSignal, note: (text: string) => void): Promise<string> {
  const extension = extname(output).toLowerCase()
  if (extension === '.webp') {
    const frames: Image[] = []
    for await (const picture of film.pictures) frames.push(picture)
    await writeAtomic(output, tagImage(await encodeWebpAnimation(frames, film.fps), film.about))
    return output
  }
  if (extension === '') return await writeSequence(output, film, signal)
  const format: VideoFormat = extension === '.webm' ? 'webm' : 'mp4'
  const options: VideoOptions = { format, ...film }
  if (await ffmpegEncoder(format)) {
    await encoded(await openFfmpegVideo(output, options), film)
    return output
  }
  if (await registerServer()) {
    await writeAtomic(output, await encoded(await openVideo(options), film))
    return output
  }
  const folder = output.slice(0, -extension.length)
  note(
    `${output}: nothing here encodes ${format}, so the pictures go to the folder ${folder} as PNGs; install ffmpeg, or the package @mediabunny/server`,
  )
  return await writeSequence(folder, film, signal)
}

async function encoded<Result>(video: VideoWriter<Result>, { pictures }: Film): Promise<Result> {
  try {
    for await (const picture of pictures) await video.add(picture)
    return await video.finish()
  } catch (error) {
    await video.cancel()
    throw error
  }
}

/** Encoders of the optional package, where it is installed. */
async function registerServer(): Promise<boolean> {
  const name = '@mediabunny/server'
  const server = await (import(name) as Promise<{ registerMediabunnyServer(): void }>).catch(() => undefined)
  server?.registerMediabunnyServer()
  return server !== undefined
}

async function writeSequence(folder: string, { pictures, count, fps, width, height, about }: Film, signal: AbortSignal): Promise<string> {
  async function* files() {
    let step = 0
    for await (const picture of pictures) {
      const path = `${String(step).padStart(5, '0')}.png`
      step++
      yield { path, bytes: tagImage(await encodePng(picture), about), step, steps: count }
    }
    const said = { fps, width, height, pictures: count, ...syntheticMediaFields(about) }
    yield { path: SEQUENCE_FILE, bytes: new TextEncoder().encode(`${JSON.stringify(said, null, 2)}\n`), step: count, steps: count }
  }
  for await (const _ of writeFolder(folder, files(), { mark: SEQUENCE_FILE, overwrite: true, signal }));
  return folder
}
