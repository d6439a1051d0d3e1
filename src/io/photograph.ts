/** Decoding pictures that people bring: any bit depth and colour space, as 8-bit sRGB. `decodeImage` is for the files we wrote. */
import { decodeImage, type Image } from './imageCodec.ts'
import { imageHeader } from './imageSize.ts'

export interface Photograph extends Image {
  /** EXIF orientation 1..8; the pixels are as stored, `upright` turns them. */
  orientation: number
}

/** Most pixels of a picture: three times a phone's 50 megapixels. A file of a few bytes can claim any size. */
const MOST_PIXELS = 2 ** 27

/**
 * Decode a picture as it is stored, not turned by EXIF: 16 bits reduced to 8, CMYK and embedded colour profiles (Display P3, Adobe RGB) converted to sRGB,
 * grey and palettes kept or widened. In a browser colours stay as stored. Throws, naming the file and what to do, when it is empty, cut, damaged, too large
 * or of a kind that cannot be read.
 */
export async function decodePhotograph(bytes: Uint8Array, name: string): Promise<Photograph> {
  if (bytes.length === 0) throw new Error(`${name}: the picture is empty (0 bytes); copy it again, or take it out of the capture`)
  const header = imageHeader(bytes)
  if (header && header.width * header.height > MOST_PIXELS)
    throw new Error(`${name}: the picture says it is ${header.width}x${header.height}, more than ${MOST_PIXELS} pixels; make it smaller`)
  if (isLfsPointer(bytes)) throw new Error(`${name}: only a pointer of Git LFS, not the picture; fetch the pictures with git lfs pull`)
  if (isHeic(bytes))
    throw new Error(`${name}: HEIC pictures cannot be read here; convert them to JPEG (phone setting "most compatible", or heif-convert)`)
  if (typeof createImageBitmap === 'function') return { ...(await decodeImage(bytes, name)), orientation: header?.orientation ?? 1 }
  const { default: sharp } = await import('sharp')
  try {
    const limits = { failOn: 'error', limitInputPixels: MOST_PIXELS } as const
    const { icc, orientation = 1 } = await sharp(bytes, limits).metadata()
    // pixels that are sRGB already stay exactly as they are
    const input = sharp(bytes, { ...limits, ignoreIcc: icc === undefined || isSrgbProfile(icc) })
    const { data, info } = await input.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
    const { width, height, channels } = info
    return { width, height, channels, data: new Uint8Array(data.buffer, data.byteOffset, data.length), orientation }
  } catch (error) {
    const text = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ')
    throw new Error(`${name}: cannot decode the picture of ${bytes.length} bytes (${text}); copy it again or export it as PNG or JPEG`)
  }
}

/** The picture turned upright by its EXIF orientation (1..8 as in the EXIF standard: mirrored ones too). */
export function upright({ width, height, channels, data, orientation }: Photograph): Image {
  if (orientation <= 1 || orientation > 8) return { width, height, channels, data }
  const swap = orientation >= 5
  const [toWidth, toHeight] = swap ? [height, width] : [width, height]
  // where the upright pixel (x, y) is stored
  const sources: Record<number, (x: number, y: number) => [number, number]> = {
    2: (x, y) => [width - 1 - x, y],
    3: (x, y) => [width - 1 - x, height - 1 - y],
    4: (x, y) => [x, height - 1 - y],
    5: (x, y) => [y, x],
    6: (x, y) => [y, height - 1 - x],
    7: (x, y) => [width - 1 - y, height - 1 - x],
    8: (x, y) => [width - 1 - y, x],
  }
  const out = new Uint8Array(data.length)
  for (let y = 0, to = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++) {
      const [fromX, fromY] = sources[orientation](x, y)
      const from = (fromY * width + fromX) * channels
      for (let c = 0; c < channels; c++) out[to++] = data[from + c]
    }
  }
  return { width: toWidth, height: toHeight, channels, data: out }
}

/** Its description says so, in ASCII (version 2) or UTF-16 (version 4). */
function isSrgbProfile(icc: Uint8Array): boolean {
  const text = new TextDecoder('latin1').decode(icc).replaceAll('\0', '')
  return text.includes('sRGB')
}

/** An ISO media file whose brand is HEVC: the first, or one behind the general 'mif1'. AVIF has brands of its own. */
function isHeic(bytes: Uint8Array): boolean {
  const text = new TextDecoder('latin1').decode(bytes.subarray(4, 64))
  if (/^ftyp(hei[cmsx]|hev[cmsx])/.test(text)) return true
  return /^ftyp(mif1|msf1)/.test(text) && /hei[cmsx]|hev[cmsx]/.test(text) && !/avif|avis/.test(text)
}

/** What a clone without Git LFS has in place of its large files. */
function isLfsPointer(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(0, 40)).startsWith('version https://git-lfs.github.com/')
}
