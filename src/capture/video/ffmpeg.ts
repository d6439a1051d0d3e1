/** Decoding through an `ffmpeg` program: raw pictures come through one pipe, their instants through another, so a video streams in any format. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import type { FrameOptions, VideoFrame } from './frames.ts'
import { shrunkSize } from './frames.ts'
import type { VideoInfo } from './probe.ts'

export interface Ffmpeg {
  version: string
  /** Whether it can turn HDR into ordinary colours. */
  tonemaps: boolean
  /** The option that keeps every frame at its own instant; its name changed with 5.1. */
  passthrough: readonly string[]
}

/** Lines of ffmpeg's complaints that an error repeats. */
const LAST_WORDS = 3
/** A video whose frames do not all decode is cut or damaged; one in fifty may be lost at an edit's border. */
const LEAST_DECODED = 0.98

/** The `ffmpeg` on PATH, or undefined. */
export async function findFfmpeg(): Promise<Ffmpeg | undefined> {
  const run = promisify(execFile)
  const head = await run('ffmpeg', ['-version']).catch(() => undefined)
  if (!head) return undefined
  const version = /version n?(\S+)/.exec(head.stdout)?.[1] ?? 'unknown'
  const [major, minor] = version.split('.').map(part => Number.parseInt(part, 10))
  const modern = !(major < 5 || (major === 5 && minor < 1)) // a build from git has no number and is newer
  const filters = await run('ffmpeg', ['-hide_banner', '-filters']).catch(() => ({ stdout: '' }))
  return {
    version: version.replace(/-.*/, ''),
    tonemaps: / zscale /.test(filters.stdout) && / tonemap /.test(filters.stdout),
    passthrough: modern ? ['-fps_mode', 'passthrough'] : ['-vsync', 'passthrough'],
  }
}

/** The frames of a video in order. Throws when it cannot be decoded, or ends before its index says. */
export async function* ffmpegFrames(ffmpeg: Ffmpeg, info: VideoInfo, { longest, grey, signal }: FrameOptions): AsyncGenerator<VideoFrame> {
  const [width, height] = shrunkSize(info.width, info.height, longest)
  const channels = grey ? 1 : 3
  const bytes = width * height * channels
  const child = spawn('ffmpeg', [
    ...['-nostdin', '-hide_banner', '-loglevel', 'info', '-nostats', '-i', info.path, '-map', '0:v:0', ...ffmpeg.passthrough],
    ...['-vf', filters(info, [width, height]), '-pix_fmt', grey ? 'gray' : 'rgb24', '-f', 'rawvideo', 'pipe:1'],
  ])
  child.on('error', () => undefined) // a program that vanished shows as an early end
  const ended = new Promise<number | null>(done => child.on('close', done))
  const times = readTimes(child)
  const stop = (): void => void child.kill('SIGKILL')
  signal?.addEventListener('abort', stop, { once: true })
  let index = 0
  try {
    signal?.throwIfAborted()
    let picture = new Uint8Array(bytes)
    let filled = 0
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) {
        const part = Math.min(bytes - filled, chunk.length - at)
        picture.set(chunk.subarray(at, at + part), filled)
        filled += part
        at += part
        if (filled < bytes) continue
        const time = await times.of(index)
        signal?.throwIfAborted() // frames that wait in the pipe are not wanted either
        yield { index, time, image: { width, height, channels, data: picture } }
        index++
        picture = new Uint8Array(bytes)
        filled = 0
      }
    }
    signal?.throwIfAborted()
    const code = await ended
    if (index < LEAST_DECODED * info.timestamps.length || index === 0) {
      const words = times.complaints.slice(-LAST_WORDS).join('; ')
      throw new Error(
        `${info.path}: only ${index} of ${info.timestamps.length} frames decode${words ? ` (${words})` : code ? ` (ffmpeg ended with code ${code})` : ''}; ` +
          'the file is damaged or was cut short: copy it from the phone again, or export it anew',
      )
    }
  } catch (error) {
    signal?.throwIfAborted() // a decoder that was killed complains of much else
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    stop()
    await ended
  }
}

/** Upright (ffmpeg turns by itself), shrunk by area, RGB by the matrix and range that the file says, each frame announced with its instant. */
function filters(info: VideoInfo, [width, height]: [number, number]): string {
  const tonemap = info.hdr
    ? ['zscale=t=linear:npl=100', 'format=gbrpf32le', 'zscale=p=bt709', 'tonemap=hable:desat=0', 'zscale=t=bt709:m=bt709:r=tv', 'format=yuv420p']
    : []
  const matrix = info.hdr || !/601|470|smpte170|240|2020/.test(info.matrix) ? 'bt709' : info.matrix.includes('2020') ? 'bt2020' : 'bt601'
  const range = info.fullRange && !info.hdr ? 'pc' : 'tv'
  const scale = `scale=${width}:${height}:flags=area+accurate_rnd+full_chroma_int:in_color_matrix=${matrix}:in_range=${range}`
  return [...tonemap, scale, 'showinfo=checksum=0'].join(',')
}

/** The instants that the filter `showinfo` prints, awaited by frame, and what else ffmpeg said. */
function readTimes(child: ChildProcess): { of(index: number): Promise<number>; complaints: string[] } {
  const known: number[] = []
  const complaints: string[] = []
  let wake = (): void => undefined
  let rest = ''
  let closed = false
  child.stderr?.on('data', (data: Buffer) => {
    const lines = (rest + data.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const time = /showinfo.* pts_time:\s*(-?[\d.]+)/.exec(line)
      if (time) known.push(Number(time[1]))
      else if (/error|invalid|corrupt|truncat|missing|moov|partial/i.test(line)) complaints.push(line.replace(/^\[[^\]]*\]\s*/, '').trim())
    }
    wake()
  })
  child.on('close', () => {
    closed = true
    wake()
  })
  return {
    complaints,
    async of(index) {
      while (known.length <= index && !closed) {
        await new Promise<void>(done => {
          wake = done
        })
      }
      if (known.length > index) return known[index]
      throw new Error(`ffmpeg did not tell the instant of frame ${index}; install a version from 4.2 to 8`)
    },
  }
}
