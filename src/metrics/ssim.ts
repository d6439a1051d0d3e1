/** How SSIM averages around a pixel. `radius` pixels on each side are left out of the mean: their windows leave the image. */
interface Window {
  weights: number[]
  radius: number
  /** Factor on (co)variances: n / (n - 1) for the sample covariance, 1 for the population's. */
  covariance: number
}

/**
 * gaussian: 11 × 11, σ 1.5, population covariance, as in Wang et al. 2004 (IEEE TIP 13.4, Eq. 13), whose two constants are used below.
 * uniform: 7 × 7, sample covariance: scikit-image's default.
 */
const WINDOWS: Record<'gaussian' | 'uniform', Window> = {
  gaussian: { weights: gaussianWeights(5, 1.5), radius: 5, covariance: 1 },
  uniform: { weights: new Array(7).fill(1 / 7), radius: 3, covariance: 49 / 48 },
}

const C1 = 0.01 ** 2
const C2 = 0.03 ** 2

/** Sizes and choices of an SSIM; the images are rows of interleaved channels in 0..1. */
export interface SsimOptions {
  width: number
  height: number
  /** Default 3. */
  channels?: number
  /** Default gaussian, the usual one in the NeRF literature. */
  window?: 'gaussian' | 'uniform'
  /** [H, W] weights of the pixels in the mean, 0..1 (the person); default all alike. */
  mask?: ArrayLike<number>
}

/**
 * Structural similarity of two images: mean over channels and over the pixels whose window lies inside; 1 for equal images.
 * Throws when the sizes disagree, the image is smaller than the window, or the mask is 0 everywhere.
 */
export function ssim(a: ArrayLike<number>, b: ArrayLike<number>, options: SsimOptions): number {
  const { width, height, channels = 3, window = 'gaussian', mask } = options
  const { radius } = WINDOWS[window]
  if (mask && mask.length !== width * height)
    throw new Error(`ssim: a mask of ${mask.length} pixels for an image of ${width}x${height}; pass one value per pixel`)
  const map = ssimMap(a, b, options)
  let sum = 0
  let total = 0
  for (let y = radius; y < height - radius; y++) {
    for (let i = y * width + radius; i < (y + 1) * width - radius; i++) {
      const weight = mask ? mask[i] : 1
      for (let c = 0; c < channels; c++) sum += weight * map[i * channels + c]
      total += weight * channels
    }
  }
  if (!(total > 0)) throw new Error('ssim: the mask is 0 wherever the window fits; leave it out or pass one that covers some pixels')
  return sum / total
}

/** `ssim` of the brightness of two RGB images, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). */
export function ssimLuma(a: ArrayLike<number>, b: ArrayLike<number>, options: Omit<SsimOptions, 'channels'>): number {
  checkSizes(a, b, { ...options, channels: 3 })
  return ssim(luma(a), luma(b), { ...options, channels: 1 })
}

/** SSIM of every pixel and channel, [H, W, C]; windows that leave the image see it mirrored. Errors as `ssim`. */
export function ssimMap(a: ArrayLike<number>, b: ArrayLike<number>, options: SsimOptions): Float64Array {
  checkSizes(a, b, options)
  const { width, height, channels = 3, window = 'gaussian' } = options
  const { weights, covariance } = WINDOWS[window]
  const average = (value: (i: number) => number): Float64Array =>
    filter(
      Float64Array.from(a, (_, i) => value(i)),
      width,
      height,
      channels,
      weights,
    )
  const meanA = average(i => a[i])
  const meanB = average(i => b[i])
  const meanAA = average(i => a[i] * a[i])
  const meanBB = average(i => b[i] * b[i])
  const meanAB = average(i => a[i] * b[i])
  return meanA.map((ma, i) => {
    const mb = meanB[i]
    const varA = covariance * (meanAA[i] - ma * ma)
    const varB = covariance * (meanBB[i] - mb * mb)
    const both = covariance * (meanAB[i] - ma * mb)
    return ((2 * ma * mb + C1) * (2 * both + C2)) / ((ma * ma + mb * mb + C1) * (varA + varB + C2))
  })
}

/** The same weights along rows, then along columns. */
function filter(data: Float64Array, width: number, height: number, channels: number, weights: number[]): Float64Array {
  const radius = (weights.length - 1) / 2
  const across = new Float64Array(data.length)
  const out = new Float64Array(data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < weights.length; k++) {
        const from = (y * width + mirror(x + k - radius, width)) * channels
        for (let c = 0; c < channels; c++) across[(y * width + x) * channels + c] += weights[k] * data[from + c]
      }
    }
  }
  const row = width * channels
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < weights.length; k++) {
      const from = mirror(y + k - radius, height) * row
      for (let i = 0; i < row; i++) out[y * row + i] += weights[k] * across[from + i]
    }
  }
  return out
}

/** Reflection at the outer pixel edges: -1 is 0, size is size - 1. */
function mirror(index: number, size: number): number {
  if (index < 0) return -1 - index
  return index < size ? index : 2 * size - 1 - index
}

function gaussianWeights(radius: number, sigma: number): number[] {
  const values = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)))
  const total = values.reduce((sum, value) => sum + value, 0)
  return values.map(value => value / total)
}

function luma(rgb: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: rgb.length / 3 }, (_, i) => 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2])
}

function checkSizes(a: ArrayLike<number>, b: ArrayLike<number>, { width, height, channels = 3, window = 'gaussian' }: SsimOptions): void {
  const count = width * height * channels
  if (a.length !== count || b.length !== count) {
    throw new Error(
      `ssim: ${width}x${height}x${channels} is ${count} values, the images have ${a.length} and ${b.length}; compare images of one size`,
    )
  }
  const side = WINDOWS[window].weights.length
  if (Math.min(width, height) < side)
    throw new Error(`ssim: an image of ${width}x${height} is smaller than the ${side}x${side} window; compare larger images`)
}
