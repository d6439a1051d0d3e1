/** How sharp a picture is: variance of its Laplacian, which motion and defocus lower alike. */
import type { Image } from '../../io/imageCodec.ts'

/** px of the longer side at which sharpness is judged: blur finer than this is lost in a capture's pictures, and sensor noise averages out. */
const JUDGED_AT = 480

/** Variance of the 4-neighbour Laplacian of the picture's luma (0..255²) after whole-number shrinking. Comparable between pictures of one video only. */
export function sharpness(image: Image): number {
  const { width, height, data } = shrunkLuma(image)
  let sum = 0
  let squares = 0
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x
      const laplacian = data[at - 1] + data[at + 1] + data[at - width] + data[at + width] - 4 * data[at]
      sum += laplacian
      squares += laplacian * laplacian
    }
  }
  const count = Math.max(1, (width - 2) * (height - 2))
  return squares / count - (sum / count) ** 2
}

/** Mean of the luma, 0..1: jumps between frames are the exposure's. */
export function brightness({ channels, data }: Image): number {
  let sum = 0
  const step = channels * 7 // every seventh pixel says the same
  for (let at = 0; at < data.length; at += step) sum += channels < 3 ? data[at] : 0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2]
  return sum / Math.ceil(data.length / step) / 255
}

/** Luma [height, width], block means of whole pixels. */
export function shrunkLuma(image: Image, longest = JUDGED_AT): { width: number; height: number; data: Float32Array } {
  const factor = Math.max(1, Math.floor(Math.max(image.width, image.height) / longest))
  const [width, height] = [Math.floor(image.width / factor), Math.floor(image.height / factor)]
  const out = new Float32Array(width * height)
  const { channels, data } = image
  const share = 1 / (factor * factor)
  for (let y = 0; y < height * factor; y++) {
    const row = Math.floor(y / factor) * width
    for (let x = 0; x < width * factor; x++) {
      const at = (y * image.width + x) * channels
      const value = channels < 3 ? data[at] : 0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2]
      out[row + Math.floor(x / factor)] += value * share
    }
  }
  return { width, height, data: out }
}
