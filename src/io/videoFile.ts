/** Pictures as MP4 or WebM through WebCodecs: in browsers, and in Node where the optional @mediabunny/server brings encoders. */
import type { Image } from './imageCodec.ts'
import { DIGITAL_SOURCE_TYPE, type SyntheticMedia, syntheticMediaNote } from './syntheticMedia.ts'

export type VideoFormat = 'mp4' | 'webm'

/** What a video is like. */
export interface VideoOptions {
  readonly format: VideoFormat
  readonly fps: number
  /** px; odd sizes are widened by a repeated column or row, since codecs want even ones. */
  readonly width: number
  readonly height: number
  readonly about?: SyntheticMedia
}

/** A film in the making. After `finish` or `cancel` it takes no more pictures. */
export interface VideoWriter<Result> {
  /** Adds the next picture, RGB or RGBA. Throws for one of another size. */
  add(image: Image): Promise<void>
  /** Ends the film. */
  finish(): Promise<Result>
  /** Gives up: nothing is left. */
  cancel(): Promise<void>
}

/** What each format is encoded in, the most widely played first. */
const CODECS = { mp4: ['avc', 'hevc', 'av1', 'vp9'], webm: ['vp9', 'av1', 'vp8'] } as const

/** Tags of a film: what players show, and for programs the digital source type in the comment. */
export function videoTags(about: SyntheticMedia = {}): { title: string; description: string; comment: string } {
  const note = syntheticMediaNote(about)
  return { title: about.scene ?? 'face', description: note, comment: `${note}. ${DIGITAL_SOURCE_TYPE}` }
}

/** The codec in which each format would be encoded here at a size in px; a format that cannot be is absent. */
export async function videoCodecs({ width, height }: Pick<VideoOptions, 'width' | 'height'>): Promise<Partial<Record<VideoFormat, string>>> {
  const { getFirstEncodableVideoCodec, QUALITY_HIGH } = await import('mediabunny')
  const even = { width: width + (width % 2), height: height + (height % 2) }
  const [mp4, webm] = await Promise.all(
    (['mp4', 'webm'] as const).map(format => getFirstEncodableVideoCodec([...CODECS[format]], { ...even, quality: QUALITY_HIGH })),
  )
  return { ...(mp4 && { mp4 }), ...(webm && { webm }) }
}

/** Throws for sizes and rates that no film has. */
export function checkVideo({ fps, width, height }: VideoOptions): void {
  if (!(fps >= 1 && fps <= 240)) throw new Error(`video: fps is ${fps}; give 1 to 240`)
  for (const size of [width, height])
    if (!(Number.isInteger(size) && size >= 1 && size <= 8192))
      throw new Error(`video: size is ${width}x${height}; give whole numbers of pixels up to 8192`)
}

/**
 * Opens a film whose bytes `finish` returns. Throws when nothing here encodes the format: browsers without WebCodecs, and Node unless
 * `registerMediabunnyServer()` of @mediabunny/server was called.
 */
export async function openVideo(options: VideoOptions): Promise<VideoWriter<Uint8Array>> {
  checkVideo(options)
  const { format, fps, width, height, about } = options
  const { BufferTarget, getFirstEncodableVideoCodec, Mp4OutputFormat, Output, QUALITY_HIGH, VideoSample, VideoSampleSource, WebMOutputFormat } =
    await import('mediabunny')
  const even = { width: width + (width % 2), height: height + (height % 2) }
  const codec = await getFirstEncodableVideoCodec([...CODECS[format]], { ...even, quality: QUALITY_HIGH })
  if (!codec) throw new Error(`video: nothing here encodes ${format}; use a browser with WebCodecs, the other format, or an animated WebP`)
  const target = new BufferTarget()
  const output = new Output({ format: format === 'mp4' ? new Mp4OutputFormat({ fastStart: 'in-memory' }) : new WebMOutputFormat(), target })
  const source = new VideoSampleSource({ codec, quality: QUALITY_HIGH })
  output.addVideoTrack(source, { frameRate: fps })
  output.setMetadataTags(videoTags(about))
  await output.start()
  let count = 0
  return {
    async add(image) {
      const data = evenRgba(image, options)
      const init = { format: 'RGBA' as const, codedWidth: even.width, codedHeight: even.height, timestamp: count / fps, duration: 1 / fps }
      const sample = new VideoSample(data, init)
      try {
        await source.add(sample)
      } finally {
        sample.close()
      }
      count++
    },
    async finish() {
      if (count === 0) throw new Error('video: no pictures; add at least one')
      await output.finalize()
      if (!target.buffer) throw new Error('video: the film came out empty; try the other format')
      return new Uint8Array(target.buffer)
    },
    cancel: () => output.cancel(),
  }
}

/** RGBA bytes of a picture at the next even size, its last column and row repeated. Throws for a picture of another size than the film. */
export function evenRgba(image: Image, { width, height }: Pick<VideoOptions, 'width' | 'height'>): Uint8Array {
  const { channels, data } = image
  if (image.width !== width || image.height !== height || channels < 3)
    throw new Error(`video: a picture of ${image.width}x${image.height}x${channels} in a film of ${width}x${height}; add RGB pictures of its size`)
  const [toWidth, toHeight] = [width + (width % 2), height + (height % 2)]
  const out = new Uint8Array(4 * toWidth * toHeight).fill(255)
  for (let y = 0; y < toHeight; y++)
    for (let x = 0; x < toWidth; x++) {
      const from = channels * (Math.min(y, height - 1) * width + Math.min(x, width - 1))
      for (let c = 0; c < 3; c++) out[4 * (y * toWidth + x) + c] = data[from + c]
    }
  return out
}
