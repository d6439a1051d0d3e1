/**
 * Mean squared difference of two images of equal size, values 0..1, channels interleaved.
 * `mask` [H, W] weighs the pixels (coverage 0..1): weighted mean over pixels, plain mean over channels.
 * Throws when sizes disagree, when the images are empty, or when the mask is zero everywhere.
 */
export function meanSquaredError(a: ArrayLike<number>, b: ArrayLike<number>, { mask }: { mask?: ArrayLike<number> } = {}): number {
  if (a.length !== b.length || a.length === 0)
    throw new Error(`mean squared error: images have ${a.length} and ${b.length} values; compare images of one size`)
  const channels = mask === undefined ? 1 : a.length / mask.length
  if (!Number.isInteger(channels)) {
    throw new Error(`mean squared error: a mask of ${mask?.length} pixels does not fit an image of ${a.length} values; pass one value per pixel`)
  }
  let sum = 0
  let total = 0
  for (let i = 0; i < a.length; i++) {
    const weight = mask === undefined ? 1 : mask[Math.floor(i / channels)]
    sum += weight * (a[i] - b[i]) ** 2
    total += weight
  }
  if (!(total > 0)) throw new Error('mean squared error: the mask is 0 everywhere; leave it out or pass one that covers some pixels')
  return sum / total
}

/** Peak signal-to-noise ratio in dB for a peak of 1: 10 log10(1 / mse), Infinity for equal images. Options and errors as `meanSquaredError`. */
export function psnr(a: ArrayLike<number>, b: ArrayLike<number>, options: { mask?: ArrayLike<number> } = {}): number {
  return -10 * Math.log10(meanSquaredError(a, b, options))
}
