/** Pictures of a video, one at a time, upright and with their instants: through `ffmpeg`, or the optional package @mediabunny/server. */
import type { Image } from '../../io/imageCodec.ts'
import { ffmpegFrames, findFfmpeg } from './ffmpeg.ts'
import type { VideoInfo } from './probe.ts'
import { serverDecoder } from './serverFrames.ts'

export interface VideoFrame {
  /** Place in the video, from 0. */
  index: number
  /** Seconds, on the video's own clock. */
  time: number
  /** 8-bit sRGB, or one grey channel where that was asked for. Its memory is the caller's. */
  image: Image
}

export interface FrameOptions {
  /** px of the longer side; larger pictures are shrunk to it by area, smaller ones stay. */
  longest: number
  /** One channel, the luma. */
  grey?: boolean
  signal?: AbortSignal
}

/** What will decode, and what was said about it. */
export interface Decoder {
  /** For the log and the report: 'ffmpeg 5.1.9', … */
  name: string
  frames(info: VideoInfo, options: FrameOptions): AsyncGenerator<VideoFrame>
  /** Set when colours are changed on the way, as a sentence. */
  warning?: string
}

/**
 * Chooses a decoder for the video: `ffmpeg` on PATH knows every format and runs beside this process; else the optional @mediabunny/server.
 * Throws, with the remedies, when there is neither, or when the video is HDR and nothing here can turn it into ordinary colours.
 */
export async function openDecoder(info: VideoInfo): Promise<Decoder> {
  const ffmpeg = await findFfmpeg()
  if (ffmpeg) {
    if (info.hdr && !ffmpeg.tonemaps) {
      throw new Error(
        `${info.path}: HDR video (${info.hdr}), and this ffmpeg has no zscale to convert it; install a full ffmpeg, or record with HDR switched off`,
      )
    }
    const warning = info.hdr ? `the video is HDR (${info.hdr}); its colours were tone-mapped, which an ordinary recording does not need` : undefined
    return { name: `ffmpeg ${ffmpeg.version}`, frames: (video, options) => ffmpegFrames(ffmpeg, video, options), ...(warning && { warning }) }
  }
  const server = await serverDecoder()
  if (server) {
    if (info.hdr) {
      throw new Error(`${info.path}: HDR video (${info.hdr}) needs ffmpeg to convert it; apt-get install ffmpeg, or record with HDR switched off`)
    }
    return server
  }
  throw new Error(
    `${info.path}: nothing here decodes video; install ffmpeg (Debian, Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg) or npm install @mediabunny/server, or export the video as a folder of images`,
  )
}

/** Size of the shrunk picture: the longer side at most `longest`, the shape kept. */
export function shrunkSize(width: number, height: number, longest: number): [number, number] {
  const factor = Math.min(1, longest / Math.max(width, height))
  return [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))]
}
