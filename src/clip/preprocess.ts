/** The models' preprocessing of still images, to the grey level: what CLIPImageProcessor and SiglipImageProcessor of transformers give through Pillow. Pure numbers. */
import type { Preprocessing } from './preprocessing.ts'

/** 8-bit sRGB, row-major [height, width, 3]. */
export interface StillImage {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/** Size of the whole image before the crop: its shortest edge becomes `shortestEdge`, the other is rounded down; or the square itself. */
export function resizedSize(
  height: number,
  width: number,
  { shortestEdge, crop }: Pick<Preprocessing, 'shortestEdge' | 'crop'>,
): { height: number; width: number } {
  if (shortestEdge === undefined) return { height: crop, width: crop }
  return height <= width
    ? { height: shortestEdge, width: Math.floor((shortestEdge * width) / height) }
    : { height: Math.floor((shortestEdge * height) / width), width: shortestEdge }
}

/** First row or column of a centred crop. */
export function cropStart(size: number, crop: number): number {
  return Math.floor((size - crop) / 2)
}

/**
 * Antialiased resize, rounded to 8 bits as Pillow does, and centre crop: -> sRGB 0..1 [crop, crop, 3], what `encodeImage`
 * takes. `encodeImage` alone does the same without rounding. Throws when the data is not width x height x 3 bytes.
 */
export function preprocessImage({ width, height, data }: StillImage, preprocessing: Preprocessing): Float32Array {
  if (data.length !== width * height * 3)
    throw new Error(`preprocessImage: ${data.length} bytes for ${width} x ${height} pixels of 3 channels; drop the alpha channel first`)
  const { crop, filter } = preprocessing
  const size = resizedSize(height, width, preprocessing)
  // columns first, as Pillow; both passes round to 8 bits
  const narrow = resizeRows(transpose(data, height, width), width, size.width, height, filter) // [width', height, 3]
  const small = resizeRows(transpose(narrow, size.width, height), height, size.height, size.width, filter) // [height', width', 3]
  const top = cropStart(size.height, crop)
  const left = cropStart(size.width, crop)
  const out = new Float32Array(crop * crop * 3)
  for (let y = 0; y < crop; y++) {
    const from = ((top + y) * size.width + left) * 3
    for (let i = 0; i < crop * 3; i++) out[y * crop * 3 + i] = small[from + i] / 255
  }
  return out
}

/** (x − mean)/std per channel of sRGB 0..1 [..., 3]. `encodeImage` does this itself. */
export function normalisePixels(pixels: Float32Array, { mean, std }: Preprocessing): Float32Array {
  return pixels.map((value, i) => (value - mean[i % 3]) / std[i % 3])
}

const KERNELS = {
  /** Keys' cubic with a = −1/2, as Pillow. */
  bicubic: {
    support: 2,
    at: (x: number): number => {
      const t = Math.abs(x)
      if (t >= 2) return 0
      return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : ((-0.5 * t + 2.5) * t - 4) * t + 2
    },
  },
  bilinear: { support: 1, at: (x: number): number => Math.max(0, 1 - Math.abs(x)) },
}

/** Resizes the first axis of [from, columns, 3] to `to`: weights over the source rows within the (stretched) kernel's support. */
function resizeRows(data: Uint8Array, from: number, to: number, columns: number, filter: keyof typeof KERNELS): Uint8Array {
  if (from === to) return data
  const { support, at } = KERNELS[filter]
  const ratio = from / to
  const stretch = Math.max(ratio, 1)
  const row = columns * 3
  const out = new Uint8Array(to * row)
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * ratio
    const begin = Math.max(0, Math.trunc(centre - support * stretch + 0.5))
    const end = Math.min(from, Math.trunc(centre + support * stretch + 0.5))
    const weights = Array.from({ length: end - begin }, (_, j) => at((begin + j - centre + 0.5) / stretch))
    const total = weights.reduce((a, b) => a + b, 0)
    for (let c = 0; c < row; c++) {
      let sum = 0
      for (const [j, w] of weights.entries()) sum += w * data[(begin + j) * row + c]
      out[i * row + c] = Math.min(255, Math.max(0, Math.floor(sum / total + 0.5)))
    }
  }
  return out
}

/** [rows, columns, 3] -> [columns, rows, 3]. */
function transpose(data: Uint8Array, rows: number, columns: number): Uint8Array {
  const out = new Uint8Array(data.length)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out.set(data.subarray((r * columns + c) * 3, (r * columns + c + 1) * 3), (c * rows + r) * 3)
  }
  return out
}
