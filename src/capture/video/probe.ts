/** What a video file says of itself, read without decoding a picture: size, rotation, colour, and the instant of every frame. */
import { access, constants, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input, type InputVideoTrack } from 'mediabunny'

export interface VideoInfo {
  path: string
  /** 'avc', 'hevc', 'vp9', 'av1', …; undefined when the container names one that is not known here. */
  codec: string | undefined
  /** px of the upright picture, after the rotation that the file asks for and with square pixels. */
  width: number
  height: number
  /** Degrees clockwise by which decoded pictures are turned to be upright. */
  rotation: number
  /** Instants of the frames in seconds, ascending; the first need not be 0, and their distances may vary. */
  timestamps: Float64Array
  /** Transfer function of HDR video ('pq', 'hlg'); undefined for ordinary video. */
  hdr: string | undefined
  /** Y'CbCr matrix and range as tagged; BT.709 where the file does not say (phones and cameras), limited range. */
  matrix: string
  fullRange: boolean
}

/** Endings of videos, and of sound files that people take for them: what follows is the video reader's to say. */
const ENDINGS = /\.(mp4|m4v|mov|qt|webm|mkv|avi|mpe?g|m2?ts|mts|3gp|wmv|flv|ogv|mp3|m4a|wav|aac)$/i

/** Whether a path is to be read as a video: by its ending, or by its content where the ending says nothing. */
export async function isVideoFile(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined)
  if (facts?.isDirectory()) return false
  if (ENDINGS.test(path)) return true
  if (!facts || facts.size === 0 || /\.(zip|json|txt|npy)$/i.test(path)) return false
  using input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) })
  return await input.canRead().catch(() => false)
}

/** Reads a video's headers. Throws, naming the file and the remedy, for what is not a video, has no pictures, or is cut short before its index. */
export async function probeVideo(path: string): Promise<VideoInfo> {
  const name = basename(path)
  const { stat } = await import('node:fs/promises')
  const facts = await stat(path).catch((error: unknown) => {
    throw new Error(
      `${path}: ${isCode(error, 'ENOENT') ? 'no such file; check the path' : `cannot be read (${reason(error)}); check its permissions`}`,
    )
  })
  if (facts.isDirectory()) throw new Error(`${path}: a folder, not a video; pass the video file`)
  if (facts.size === 0) throw new Error(`${path}: the file is empty (0 bytes); copy it from the phone again`)
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw new Error(`${path}: cannot be read (${reason(error)}); check its permissions`)
  })
  using input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) })
  // It throws for files shorter than any header.
  if (!(await input.canRead().catch(() => false)))
    throw new Error(`${path}: not a video this version reads (mp4, mov, webm, mkv), or its beginning is damaged; copy or export it again as mp4`)
  try {
    const track = await input.getPrimaryVideoTrack()
    if (!track && (await input.getTracks()).length === 0) throw new Error('it lists no tracks')
    if (!track) throw new Error(`${path}: has sound but no pictures; pass a video with a picture track`)
    return await readTrack(path, track)
  } catch (error) {
    const message = reason(error)
    if (message.startsWith(path)) throw error
    throw new Error(`${path}: the video's index cannot be read (${message}); the file is probably cut short: copy ${name} from the phone again`)
  }
}

async function readTrack(path: string, track: InputVideoTrack): Promise<VideoInfo> {
  const timestamps: number[] = []
  for await (const packet of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true })) timestamps.push(packet.timestamp)
  if (timestamps.length === 0) throw new Error(`${path}: the video holds no frames; record or export it again`)
  const color = await track.getColorSpace()
  const transfer = String(color.transfer ?? '')
  return {
    path,
    codec: (await track.getCodec()) ?? undefined,
    width: await track.getDisplayWidth(),
    height: await track.getDisplayHeight(),
    rotation: await track.getRotation(),
    timestamps: Float64Array.from(timestamps).sort(),
    hdr: (await track.hasHighDynamicRange()) ? transfer || 'hdr' : undefined,
    matrix: String(color.matrix ?? 'bt709'),
    fullRange: color.fullRange ?? false,
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
