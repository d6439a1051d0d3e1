/** Smaller pictures by exact area averages in linear light: light adds up, sRGB values do not. */
import type { Image } from '../io/imageCodec.ts'
import { boxWeights } from './boxFilter.ts'

/** Linear light 0..1 of each 8-bit sRGB value (IEC 61966-2-1). */
export const LINEAR = Float32Array.from({ length: 256 }, (_, i) => {
  const s = i / 255
  return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4
})

/** 8-bit sRGB of linear light in 2¹⁶ steps: within 0.03 levels of exact even where the curve is steepest. */
const STEPS = 65535
const ENCODED = Uint8Array.from({ length: STEPS + 1 }, (_, i) => {
  const l = i / STEPS
  return Math.round(255 * (l <= 0.0031308 ? 12.92 * l : 1.055 * l ** (1 / 2.4) - 0.055))
})

/** Nearest 8-bit sRGB value of linear light 0..1. */
export const encodeSrgb = (linear: number): number => ENCODED[Math.round(Math.min(1, Math.max(0, linear)) * STEPS)]

/** Resizes an RGB picture: every output pixel is the mean light of the area it covers; a picture of that size already is returned as it is. */
export function reducePicture(image: Image, toWidth: number, toHeight: number): Image {
  const { width, height, data } = image
  if (width === toWidth && height === toHeight) return image
  const across = flatWeights(width, toWidth)
  const down = boxWeights(height, toHeight)
  const rows = new Map<number, Float32Array>()
  const out = new Uint8Array(toWidth * toHeight * 3)
  const sum = new Float32Array(toWidth * 3)
  for (let y = 0; y < toHeight; y++) {
    const { first, weights } = down[y]
    sum.fill(0)
    for (let k = 0; k < weights.length; k++) {
      // a row that two output rows share is averaged once
      const row = rows.get(first + k) ?? reduceRow(data, (first + k) * width * 3, across)
      if (k === weights.length - 1) rows.clear()
      rows.set(first + k, row)
      const weight = weights[k]
      for (let i = 0; i < sum.length; i++) sum[i] += weight * row[i]
    }
    for (let i = 0, to = y * sum.length; i < sum.length; i++) out[to + i] = ENCODED[(Math.min(1, sum[i]) * STEPS + 0.5) | 0]
  }
  return { width: toWidth, height: toHeight, channels: 3, data: out }
}

/** Overlaps as plain arrays: cell x covers the inputs first[x].. with weights[start[x]..start[x + 1]]. */
interface FlatWeights {
  readonly first: Int32Array
  readonly start: Int32Array
  readonly weights: Float32Array
}

function flatWeights(from: number, to: number): FlatWeights {
  const cells = boxWeights(from, to)
  const start = new Int32Array(to + 1)
  cells.forEach(({ weights }, x) => {
    start[x + 1] = start[x] + weights.length
  })
  return { first: Int32Array.from(cells, cell => cell.first), start, weights: Float32Array.from(cells.flatMap(cell => cell.weights)) }
}

/** One row of RGB bytes from `begin`, averaged across: [toWidth, 3] linear. */
function reduceRow(data: Uint8Array, begin: number, { first, start, weights }: FlatWeights): Float32Array {
  const row = new Float32Array(first.length * 3)
  for (let x = 0; x < first.length; x++) {
    let r = 0
    let g = 0
    let b = 0
    for (let k = start[x], at = begin + 3 * first[x]; k < start[x + 1]; k++, at += 3) {
      const weight = weights[k]
      r += weight * LINEAR[data[at]]
      g += weight * LINEAR[data[at + 1]]
      b += weight * LINEAR[data[at + 2]]
    }
    row[3 * x] = r
    row[3 * x + 1] = g
    row[3 * x + 2] = b
  }
  return row
}
