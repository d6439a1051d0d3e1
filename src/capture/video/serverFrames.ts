/** Decoding inside this process through the optional package @mediabunny/server, where there is no ffmpeg. */
import { ALL_FORMATS, FilePathSource, Input, type VideoSample, VideoSampleSink } from 'mediabunny'
import type { Image } from '../../io/imageCodec.ts'
import { boxResize } from '../boxFilter.ts'
import { type Decoder, type FrameOptions, shrunkSize, type VideoFrame } from './frames.ts'
import type { VideoInfo } from './probe.ts'

/** What the optional package exports, so that its types need not be there to compile. */
interface Server {
  registerMediabunnyServer(): void
}

/** The decoder, or undefined when the package is not installed. */
export async function serverDecoder(): Promise<Decoder | undefined> {
  const name = '@mediabunny/server'
  const server = await (import(name) as Promise<Server>).catch(() => undefined)
  if (!server) return undefined
  server.registerMediabunnyServer()
  return { name, frames: serverFrames }
}

async function* serverFrames(info: VideoInfo, { longest, grey, signal }: FrameOptions): AsyncGenerator<VideoFrame> {
  using input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(info.path) })
  const track = await input.getPrimaryVideoTrack()
  if (!track || !(await track.canDecode())) {
    throw new Error(`${info.path}: @mediabunny/server does not decode ${info.codec ?? 'this codec'}; install ffmpeg, or export the video as H.264`)
  }
  let index = 0
  try {
    for await (const sample of new VideoSampleSink(track).samples()) {
      signal?.throwIfAborted()
      try {
        const image = upright(await toRgb(sample, info), info.rotation)
        yield { index, time: sample.timestamp, image: grey ? luma(shrink(image, longest)) : shrink(image, longest) }
      } finally {
        sample.close()
      }
      index++
    }
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Error(
      `${info.path}: decoding stopped after ${index} of ${info.timestamps.length} frames (${error instanceof Error ? error.message : error}); copy or export the video again`,
    )
  }
  if (index < 0.98 * info.timestamps.length) {
    throw new Error(`${info.path}: only ${index} of ${info.timestamps.length} frames decode; the file was cut short: copy it from the phone again`)
  }
}

/** 8-bit RGB of a decoded sample by the file's own matrix and range: the package's own conversion does not look at them. */
async function toRgb(sample: VideoSample, { matrix, fullRange, path }: VideoInfo): Promise<Image> {
  const { codedWidth: width, codedHeight: height, format } = sample
  if (format !== 'I420' && format !== 'NV12') {
    throw new Error(`${path}: pictures come as ${format ?? 'an unknown format'}, which needs ffmpeg; install it, or export the video as 8-bit H.264`)
  }
  const bytes = new Uint8Array(sample.allocationSize())
  const planes = await sample.copyTo(bytes)
  const [kr, kb] = /601|470|smpte170/.test(matrix) ? [0.299, 0.114] : [0.2126, 0.0722]
  const [black, white, chroma] = fullRange ? [0, 255, 255] : [16, 219, 224]
  const data = new Uint8Array(width * height * 3)
  const step = format === 'NV12' ? 2 : 1
  const [y0, u0] = planes
  const v0 = format === 'NV12' ? { offset: u0.offset + 1, stride: u0.stride } : planes[2]
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const half = (x >> 1) * step
      const luminance = (bytes[y0.offset + y * y0.stride + x] - black) / white
      const cb = (bytes[u0.offset + (y >> 1) * u0.stride + half] - 128) / chroma
      const cr = (bytes[v0.offset + (y >> 1) * v0.stride + half] - 128) / chroma
      const red = luminance + 2 * (1 - kr) * cr
      const blue = luminance + 2 * (1 - kb) * cb
      const green = (luminance - kr * red - kb * blue) / (1 - kr - kb)
      data[at] = toByte(red)
      data[at + 1] = toByte(green)
      data[at + 2] = toByte(blue)
    }
  }
  return { width, height, channels: 3, data }
}

function toByte(value: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, value)))
}

/** The picture turned clockwise by a multiple of 90 degrees. */
export function upright({ width, height, channels, data }: Image, degrees: number): Image {
  const turns = ((Math.round(degrees / 90) % 4) + 4) % 4
  if (turns === 0) return { width, height, channels, data }
  const [toWidth, toHeight] = turns === 2 ? [width, height] : [height, width]
  const out = new Uint8Array(data.length)
  for (let y = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++) {
      const [u, v] = turns === 1 ? [y, height - 1 - x] : turns === 2 ? [width - 1 - x, height - 1 - y] : [width - 1 - y, x]
      for (let c = 0; c < channels; c++) out[(y * toWidth + x) * channels + c] = data[(v * width + u) * channels + c]
    }
  }
  return { width: toWidth, height: toHeight, channels, data: out }
}

/** The picture with its longer side at most `longest` px, by exact area averages. */
export function shrink(image: Image, longest: number): Image {
  const { width, height, channels, data } = image
  const [toWidth, toHeight] = shrunkSize(width, height, longest)
  if (toWidth === width && toHeight === height) return image
  const out = new Uint8Array(toWidth * toHeight * channels)
  for (let c = 0; c < channels; c++) {
    const channel = Uint8Array.from({ length: width * height }, (_, i) => data[i * channels + c])
    const small = boxResize(channel, width, height, toWidth, toHeight)
    for (let i = 0; i < small.length; i++) out[i * channels + c] = Math.round(small[i])
  }
  return { width: toWidth, height: toHeight, channels, data: out }
}

function luma({ width, height, data }: Image): Image {
  const grey = new Uint8Array(width * height)
  for (let i = 0; i < grey.length; i++) grey[i] = Math.round(0.2126 * data[3 * i] + 0.7152 * data[3 * i + 1] + 0.0722 * data[3 * i + 2])
  return { width, height, channels: 1, data: grey }
}
