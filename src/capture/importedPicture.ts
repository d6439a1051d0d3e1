/** One imported picture: decoded, turned if need be, alpha composited. */
import type { Image } from '../io/imageCodec.ts'
import { decodePhotograph, upright } from '../io/photograph.ts'
import type { ImportedImage } from './importedCapture.ts'

/** How errors name a picture. */
export const pictureName = (image: ImportedImage): string => (image.kind === 'file' ? image.source.describe(image.path) : image.name)

export interface DecodedPicture {
  /** RGB, sRGB bytes. */
  image: Image
  /** Where the picture had one that is not opaque throughout: its alpha, one channel. */
  alpha?: Image
}

/**
 * Decodes a picture to RGB over `background` (sRGB bytes). Pixels stay as stored, because structure from motion saw them so; only where the camera's `size`
 * fits the picture as EXIF turns it, and not as stored, is it turned. Without a size it is turned upright.
 */
export async function decodeImported(
  image: ImportedImage,
  { size, background }: { size?: readonly [number, number]; background: readonly [number, number, number] },
): Promise<DecodedPicture & { turned: boolean }> {
  if (image.kind === 'pixels') return { ...overBackground(await image.decode(), background), turned: false }
  const stored = await decodePhotograph(await image.source.read(image.path), image.source.describe(image.path))
  const turned = stored.orientation > 1 && (size === undefined || (!sameShape(stored, size) && sameShape(upright(stored), size)))
  return { ...overBackground(turned ? upright(stored) : stored, background), turned }
}

/** Coverage of the person: the first channel of a mask, or its alpha, one byte per pixel; `invert` for masks that show the background. */
export async function decodeMask(mask: ImportedImage, invert: boolean, isTurned: boolean): Promise<Image> {
  const image = mask.kind === 'pixels' ? await mask.decode() : await decodeMaskFile(mask, isTurned)
  const { width, height, channels } = image
  const channel = maskInAlpha(image) ? channels - 1 : 0
  const data = Uint8Array.from({ length: width * height }, (_, i) => image.data[i * channels + channel])
  return { width, height, channels: 1, data: invert ? data.map(value => 255 - value) : data }
}

/** A mask in the colour is the rule; but what is one colour throughout, or the person cut out in colours, has it in its alpha. */
function maskInAlpha({ channels, data }: Image): boolean {
  if (channels % 2 === 1) return false
  let [hasAlpha, isPlain, isColoured] = [false, true, false]
  for (let at = 0; at < data.length; at += channels) {
    if (data[at + channels - 1] !== data[channels - 1]) hasAlpha = true
    if (data[at] !== data[0]) isPlain = false
    if (channels === 4 && data[at + 3] > 0 && (data[at] !== data[at + 1] || data[at] !== data[at + 2])) isColoured = true
  }
  return hasAlpha && (isPlain || isColoured)
}

/** A mask that carries an EXIF orientation itself is turned with its picture. */
async function decodeMaskFile(mask: ImportedImage & { kind: 'file' }, isTurned: boolean): Promise<Image> {
  const stored = await decodePhotograph(await mask.source.read(mask.path), pictureName(mask))
  return isTurned ? upright(stored) : stored
}

/** Whether width : height is that of the size, to one pixel. */
export function sameShape({ width, height }: { width: number; height: number }, [toWidth, toHeight]: readonly [number, number]): boolean {
  const ratio = width / toWidth
  return Math.abs(height - toHeight * ratio) <= Math.max(1, ratio)
}

function overBackground({ width, height, channels, data }: Image, background: readonly [number, number, number]): DecodedPicture {
  if (channels === 3) return { image: { width, height, channels, data } }
  const count = width * height
  const [hasAlpha, isGrey] = [channels % 2 === 0, channels < 3]
  const rgb = new Uint8Array(count * 3)
  const alpha = new Uint8Array(count)
  let isOpaque = true
  for (let i = 0; i < count; i++) {
    const a = hasAlpha ? data[i * channels + channels - 1] : 255
    alpha[i] = a
    if (a !== 255) isOpaque = false
    for (let c = 0; c < 3; c++) {
      const value = data[i * channels + (isGrey ? 0 : c)]
      // straight alpha over sRGB values, as every renderer of such data sets and their readers do it
      rgb[3 * i + c] = Math.round((value * a + background[c] * (255 - a)) / 255)
    }
  }
  return { image: { width, height, channels: 3, data: rgb }, ...(isOpaque ? {} : { alpha: { width, height, channels: 1, data: alpha } }) }
}
