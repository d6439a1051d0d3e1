import { isCompletePng, isPng, type PngSource } from './png.ts'

export { encodePng } from './png.ts'

/** An 8-bit image: rows from the top, channels interleaved (1 grey, 2 grey + alpha, 3 RGB, 4 RGBA), values as stored in the file. */
export interface Image {
  width: number
  height: number
  channels: number
  data: Uint8Array
}

/**
 * Decode a PNG, JPEG or WebP as it is stored: no rotation by EXIF, no colour conversion, 16 bits reduced to 8.
 * `name` is what errors call the file. Browsers decode through a canvas, which knows only RGBA: an opaque image comes back as RGB there,
 * also when the file is grey, and colours under partial transparency are rounded. Throws when the file is cut, damaged or not an image.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<Image> {
  if (bytes.length === 0) throw new Error(`${name}: the image is empty (0 bytes); copy or export it again`)
  if (isPng(bytes) && !isCompletePng(bytes)) {
    throw new Error(`${name}: the PNG is truncated after ${bytes.length} bytes; copy or export it again`)
  }
  try {
    return hasCanvas() ? await decodeOnCanvas(bytes) : await decodeWithSharp(bytes)
  } catch (error) {
    throw new Error(`${name}: cannot decode the image of ${bytes.length} bytes (${reason(error)}); copy it again or export it as PNG`)
  }
}

/** Encode one WebP image; `quality` 1..100 is lossy, 'lossless' exact. Takes grey, RGB or RGBA. */
export async function encodeWebp(image: Image, quality: number | 'lossless' = 90): Promise<Uint8Array> {
  if (image.data.length !== image.width * image.height * image.channels) {
    throw new Error(`encodeWebp: ${image.width}x${image.height}x${image.channels} does not hold ${image.data.length} values; pass a whole image`)
  }
  if (!hasCanvas()) {
    const { default: sharp } = await import('sharp')
    const { width, height, channels } = image
    const pixels = sharp(image.data, { raw: { width, height, channels: channels as 1 | 2 | 3 | 4 } })
    const options = quality === 'lossless' ? { lossless: true } : { quality }
    return new Uint8Array(await pixels.toColourspace('srgb').webp(options).toBuffer())
  }
  const canvas = new OffscreenCanvas(image.width, image.height)
  contextOf(canvas).putImageData(new ImageData(toRgba(image), image.width, image.height), 0, 0)
  // A canvas encodes losslessly at quality 1.
  const blob = await canvas.convertToBlob({ type: 'image/webp', quality: quality === 'lossless' ? 1 : quality / 100 })
  if (blob.type !== 'image/webp') throw new Error('encodeWebp: this browser cannot write WebP; use encodePng, or Chrome or Firefox')
  return new Uint8Array(await blob.arrayBuffer())
}

/** RGBA bytes of an image with any channel count. */
function toRgba({ width, height, channels, data }: PngSource): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = data[i * channels + (channels < 3 ? 0 : c)]
    out[4 * i + 3] = channels % 2 === 0 ? data[i * channels + channels - 1] : 255
  }
  return out
}

function hasCanvas(): boolean {
  return typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function'
}

async function decodeWithSharp(bytes: Uint8Array): Promise<Image> {
  const { default: sharp } = await import('sharp')
  const input = sharp(bytes, { failOn: 'warning', ignoreIcc: true })
  const { space, hasAlpha } = await input.metadata()
  const isGrey = space === 'b-w' || space === 'grey16'
  // Without this a grey image would be widened to three channels; with it sharp would drop the alpha of grey + alpha.
  const kept = isGrey && !hasAlpha ? input.toColourspace('b-w') : input
  const { data, info } = await kept.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  if (isGrey && channels === 4) return { width, height, channels: 2, data: pickChannels(data, 4, [0, 3]) }
  return { width, height, channels, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }
}

async function decodeOnCanvas(bytes: Uint8Array): Promise<Image> {
  const options: ImageBitmapOptions = { imageOrientation: 'none', colorSpaceConversion: 'none', premultiplyAlpha: 'none' }
  const bitmap = await createImageBitmap(new Blob([Uint8Array.from(bytes)]), options)
  const { width, height } = bitmap
  const context = contextOf(new OffscreenCanvas(width, height))
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  const rgba = context.getImageData(0, 0, width, height).data
  for (let i = 3; i < rgba.length; i += 4) {
    if (rgba[i] !== 255) return { width, height, channels: 4, data: new Uint8Array(rgba.buffer) }
  }
  return { width, height, channels: 3, data: pickChannels(rgba, 4, [0, 1, 2]) }
}

function pickChannels(data: ArrayLike<number>, channels: number, picked: number[]): Uint8Array {
  const out = new Uint8Array((data.length / channels) * picked.length)
  for (let from = 0, to = 0; from < data.length; from += channels) for (const c of picked) out[to++] = data[from + c]
  return out
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('no 2D canvas context in this browser; free some tabs and try again')
  return context
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
