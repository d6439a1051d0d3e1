/** Numbers as colours: the picture itself, depth from near (light) to far (dark), and each anchor's share of a pixel. */
import { type HostPixels, type RenderedImage, toImage } from 'faceclipnerf'
import { ANCHOR_COLORS } from '../protocol/anchorColors.ts'

/** A rendered picture as it is. */
export function colorPixels(image: RenderedImage): HostPixels {
  const { width, height, data } = toImage(image)
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255)
  for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i)
  return { width, height, data: rgba }
}

/** `left` up to `split` (0..1 of the width), `right` from there. */
export function sideBySide(left: HostPixels, right: HostPixels, split: number): HostPixels {
  const { width, height } = right
  const data = right.data.slice()
  const columns = Math.round(split * width)
  for (let y = 0; y < height; y++) data.set(left.data.subarray(4 * y * width, 4 * (y * width + columns)), 4 * y * width)
  return { width, height, data }
}

/** Pictures of one size in rows of `columns`; what is left of the last row is black. */
export function inRows(pictures: readonly HostPixels[], columns: number): HostPixels {
  const [{ width, height }] = pictures
  const rows = Math.ceil(pictures.length / columns)
  const data = new Uint8ClampedArray(4 * width * columns * height * rows)
  for (const [k, picture] of pictures.entries()) {
    for (let y = 0; y < height; y++) {
      const line = (Math.floor(k / columns) * height + y) * columns + (k % columns)
      data.set(picture.data.subarray(4 * y * width, 4 * (y + 1) * width), 4 * line * width)
    }
  }
  return { width: width * columns, height: height * rows, data }
}

/** Near to far, sRGB 0..255: pale yellow, orange, magenta, violet, black: darker throughout, so that it also reads without colours. */
const RAMP: readonly (readonly [number, number, number])[] = [
  [252, 253, 191],
  [254, 176, 120],
  [241, 96, 93],
  [183, 55, 121],
  [114, 31, 129],
  [44, 17, 95],
  [0, 0, 4],
]

/** Share of pixels left out at either end of the scale, so that a few stray rays do not flatten it. */
const TAIL = 0.02
/** Rays that hardly meet anything have no depth to show. */
const LEAST_ACCUMULATION = 0.1

export function depthPixels({ width, height, depth, accumulation }: RenderedImage): HostPixels {
  // By its inverse: a face spans little of the depth to the wall behind it.
  const inverse = depth.map(d => 1 / Math.max(d, 1e-6))
  const seen = inverse.filter((_, i) => accumulation[i] >= LEAST_ACCUMULATION).sort()
  const at = (share: number): number => seen[Math.min(seen.length - 1, Math.floor(share * seen.length))] ?? 0
  const [near, far] = [at(1 - TAIL), at(TAIL)]
  const data = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < depth.length; i++) {
    const t = accumulation[i] < LEAST_ACCUMULATION ? 1 : Math.min(1, Math.max(0, (near - inverse[i]) / (near - far || 1)))
    const place = t * (RAMP.length - 1)
    const k = Math.min(RAMP.length - 2, Math.floor(place))
    for (let c = 0; c < 3; c++) data[4 * i + c] = RAMP[k][c] + (place - k) * (RAMP[k + 1][c] - RAMP[k][c])
    data[4 * i + 3] = 255
  }
  return { width, height, data }
}

/** How strongly ratios colour the picture below them. */
const TINT = 0.75

/** Anchor composition ratios over the grey picture: all anchors in their colours, or one from none (grey) to all (its colour). */
export function ratioPixels({ width, height, rgb, channels, channelCount }: RenderedImage, anchor?: number): HostPixels {
  const data = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < width * height; i++) {
    const grey = 255 * (0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2])
    let share = 0
    const mixed = [0, 0, 0]
    for (let k = 0; k < channelCount; k++) {
      if (anchor !== undefined && k !== anchor) continue
      const ratio = channels[i * channelCount + k]
      const color = ANCHOR_COLORS[k % ANCHOR_COLORS.length]
      share += ratio
      for (let c = 0; c < 3; c++) mixed[c] += ratio * color[c]
    }
    const light = 0.35 + (0.65 * grey) / 255
    for (let c = 0; c < 3; c++) data[4 * i + c] = (1 - TINT * share) * grey + TINT * mixed[c] * light
    data[4 * i + 3] = 255
  }
  return { width, height, data }
}
