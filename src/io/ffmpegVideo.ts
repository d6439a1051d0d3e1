/** Pictures as MP4 or WebM through the `ffmpeg` on PATH (Node only): raw frames go down its pipe, the file takes its name when it is whole. */
import type { ChildProcess } from 'node:child_process'
import { checkVideo, evenRgba, type VideoOptions, type VideoWriter, videoTags } from './videoFile.ts'

/** Encoders to look for, the best first, with what makes them look good. */
const ENCODERS = {
  mp4: [
    ['libx264', '-crf', '17', '-preset', 'medium'],
    ['libopenh264', '-b:v', '8M'],
    ['mpeg4', '-q:v', '2'],
  ],
  webm: [
    ['libvpx-vp9', '-crf', '24', '-b:v', '0', '-row-mt', '1'],
    ['libvpx', '-crf', '8', '-b:v', '8M'],
  ],
} as const
/** Lines of ffmpeg's complaints that an error repeats. */
const LAST_WORDS = 3

/** The encoder that the `ffmpeg` on PATH has for a format, with its options; undefined without ffmpeg, or without any of them. */
export async function ffmpegEncoder(format: VideoOptions['format']): Promise<readonly string[] | undefined> {
  const { execFile } = await import('node:child_process')
  const { promisify } = await import('node:util')
  const listed = await promisify(execFile)('ffmpeg', ['-hide_banner', '-encoders'], { maxBuffer: 2 ** 24 }).catch(() => undefined)
  return listed && ENCODERS[format].find(([name]) => listed.stdout.includes(` ${name} `))
}

/**
 * Opens a film at `path`. Throws when ffmpeg is not there or does not encode the format. `finish` returns once the file has its name; after an error or
 * `cancel` there is none, and an old file is as it was.
 */
export async function openFfmpegVideo(path: string, options: VideoOptions): Promise<VideoWriter<string>> {
  checkVideo(options)
  const { format, fps, width, height, about } = options
  const encoder = await ffmpegEncoder(format)
  if (!encoder) throw new Error(`${path}: no ffmpeg on PATH encodes ${format}; install ffmpeg, or write a folder of PNGs or an animated .webp`)
  const { spawn } = await import('node:child_process')
  const fs = await import('node:fs/promises')
  const { basename, dirname, join } = await import('node:path')
  await fs.mkdir(dirname(path), { recursive: true })
  const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`)
  const tags = Object.entries(videoTags(about)).flatMap(([name, value]) => ['-metadata', `${name}=${value}`])
  const size = `${width + (width % 2)}x${height + (height % 2)}`
  const child = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-loglevel', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgba', '-s', size, '-r', String(fps), '-i', 'pipe:0', '-y'],
      ...['-vf', 'scale=out_color_matrix=bt709:out_range=tv', '-pix_fmt', 'yuv420p', '-colorspace', 'bt709', '-color_primaries', 'bt709'],
      ...['-color_trc', 'iec61966-2-1', '-color_range', 'tv', '-c:v', ...encoder, ...tags],
      ...(format === 'mp4' ? ['-movflags', '+faststart'] : []),
      ...['-f', format, temporary],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  )
  const ending = watch(child)
  const remove = (): Promise<void> => fs.rm(temporary, { force: true })
  const failed = async (): Promise<Error> => {
    await remove()
    return new Error(
      `${path}: ffmpeg could not write it (${ending.lastWords() || 'it ended early'}); nothing was kept; free disk space or choose another path`,
    )
  }
  let count = 0
  return {
    async add(image) {
      const bytes = evenRgba(image, options)
      const isSent = await new Promise<boolean>(done => child.stdin?.write(bytes, error => done(!error)))
      if (!isSent) {
        await ending.code
        throw await failed()
      }
      count++
    },
    async finish() {
      child.stdin?.end()
      const code = await ending.code
      if (count === 0) {
        await remove()
        throw new Error(`${path}: no pictures; add at least one`)
      }
      if (code !== 0) throw await failed()
      await fs.rename(temporary, path)
      return path
    },
    async cancel() {
      child.kill('SIGKILL')
      await ending.code
      await remove()
    },
  }
}

function watch(child: ChildProcess): { code: Promise<number | null>; lastWords(): string } {
  let words = ''
  child.stderr?.on('data', (data: Buffer) => {
    words = (words + data.toString()).slice(-2000)
  })
  child.stdin?.on('error', () => undefined) // a pipe that breaks shows in the write and in the exit code
  const code = new Promise<number | null>(done => {
    child.on('close', done)
    child.on('error', () => done(null))
  })
  return { code, lastWords: () => words.trim().split('\n').slice(-LAST_WORDS).join('; ') }
}
