/**
 * Resize one channel by exact area averages: every output pixel is the mean of the input it covers, so coverage keeps its total.
 * `data` [height, width] -> [toHeight, toWidth]; enlarging repeats pixels, blended where they split.
 */
export function boxResize(data: ArrayLike<number>, width: number, height: number, toWidth: number, toHeight: number): Float32Array {
  const across = boxWeights(width, toWidth)
  const down = boxWeights(height, toHeight)
  const rows = new Float64Array(height * toWidth)
  for (let y = 0; y < height; y++) {
    across.forEach(({ first, weights }, x) => {
      for (let k = 0; k < weights.length; k++) rows[y * toWidth + x] += weights[k] * data[y * width + first + k]
    })
  }
  const out = new Float32Array(toHeight * toWidth)
  down.forEach(({ first, weights }, y) => {
    for (let x = 0; x < toWidth; x++) {
      let sum = 0
      for (let k = 0; k < weights.length; k++) sum += weights[k] * rows[(first + k) * toWidth + x]
      out[y * toWidth + x] = sum
    }
  })
  return out
}

/** For each of `to` output cells the input cells it overlaps, with the shares of the overlap (sum 1). */
export function boxWeights(from: number, to: number): { first: number; weights: number[] }[] {
  const step = from / to
  return Array.from({ length: to }, (_, i) => {
    const first = Math.floor((i * from) / to)
    const last = Math.min(from, Math.ceil(((i + 1) * from) / to))
    const weights: number[] = []
    for (let k = first; k < last; k++) weights.push((Math.min(k + 1, (i + 1) * step) - Math.max(k, i * step)) / step)
    return { first, weights }
  })
}
