import { encodeWebp, type Image } from './imageCodec.ts'
import { put24, riffChunk, webpChunks, webpHeaderChunk } from './webpChunks.ts'

/** Chunks of a still WebP that hold its picture; the others (VP8X, EXIF, ICCP) belong to the file. */
const PICTURE_CHUNKS = ['ALPH', 'VP8 ', 'VP8L']

/**
 * Encode frames of one size as an animated WebP that loops forever (RFC 9649: VP8X, ANIM, one ANMF per frame).
 * Each frame is a whole still image, so browsers and Node write the same kind of file. `fps` is rounded to whole milliseconds per frame.
 * Throws without frames, for a size that changes, or an fps outside 0.1..1000.
 */
export async function encodeWebpAnimation(frames: Image[], fps: number, quality: number | 'lossless' = 85): Promise<Uint8Array> {
  if (frames.length === 0) throw new Error('encodeWebpAnimation: no frames; pass at least one')
  if (!(fps >= 0.1 && fps <= 1000)) throw new Error(`encodeWebpAnimation: fps is ${fps}; pass 0.1 to 1000`)
  const { width, height } = frames[0]
  const odd = frames.findIndex(frame => frame.width !== width || frame.height !== height)
  if (odd >= 0) {
    const size = `${frames[odd].width}x${frames[odd].height}`
    throw new Error(`encodeWebpAnimation: frame ${odd} is ${size}, frame 0 is ${width}x${height}; render all frames at one size`)
  }
  const stills = await Promise.all(frames.map(frame => encodeWebp(frame, quality)))
  const pictures = stills.map(pictureChunks)
  const hasAlpha = frames.some(frame => frame.channels % 2 === 0)
  const animation = new Uint8Array(6) // transparent background; loop count 0 is forever
  const flags = 0x02 | (hasAlpha ? 0x10 : 0) // animation, alpha
  const parts = [webpHeaderChunk({ width, height, flags }), riffChunk('ANIM', [animation])]
  for (const picture of pictures) {
    const frame = new Uint8Array(16)
    put24(frame, 6, width - 1)
    put24(frame, 9, height - 1)
    put24(frame, 12, Math.round(1000 / fps))
    frame[15] = 0x02 // replace the canvas, do not blend
    parts.push(riffChunk('ANMF', [frame, ...picture]))
  }
  return riffChunk('RIFF', [new TextEncoder().encode('WEBP'), ...parts])
}

/** The picture chunks of a still WebP, with their headers and padding. */
function pictureChunks(webp: Uint8Array): Uint8Array[] {
  return webpChunks(webp).flatMap(({ type, bytes }) => (PICTURE_CHUNKS.includes(type) ? [bytes] : []))
}
