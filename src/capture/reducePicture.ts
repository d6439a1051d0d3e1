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
  const across = boxWeights(width, toWidth)
  const down = boxWeights(height, toHeight)
  const rows = new Map<number, Float32Array>()
  const out = new Uint8Array(toWidth * toHeight * 3)
  const sum = new Float32Array(toWidth * 3)
  for (let y = 0; y < toHeight; y++) {
    const { first, weights } = down[y]
    sum.fill(0)
    for (let k = 0; k < weights.length; k++) {
      const row = rows.get(first + k) ?? reduceRow(data, (first + k) * width * 3, across)
      rows.set(first + k, row)
      const weight = weights[k]
      for (let i = 0; i < sum.length; i++) sum[i] += weight * row[i]
    }
    for (const at of rows.keys()) if (at < first + weights.length - 1) rows.delete(at)
    for (let i = 0; i < sum.length; i++) out[y * sum.length + i] = ENCODED[Math.round(Math.min(1, sum[i]) * STEPS)]
  }
  return { width: toWidth, height: toHeight, channels: 3, data: out }
}

/** One row of RGB bytes from `start`, averaged across: [toWidth, 3] linear. */
function reduceRow(data: Uint8Array, start: number, across: ReturnType<typeof boxWeights>): Float32Array {
  const row = new Float32Array(across.length * 3)
  for (let x = 0; x < across.length; x++) {
    const { first, weights } = across[x]
    let [r, g, b] = [0, 0, 0]
    for (let k = 0, at = start + 3 * first; k < weights.length; k++, at += 3) {
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
