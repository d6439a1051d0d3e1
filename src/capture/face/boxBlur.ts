/** Mean over a square window of `2 · radius + 1` px, clipped at the borders; values [height · width]. Running sums: the radius costs nothing. */
export function boxBlur(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const rows = blurLines(values, width, height, radius, 1, width)
  return blurLines(rows, height, width, radius, width, 1)
}

/** Blurs `lines` lines of `length` values that lie `step` apart; lines begin `stride` apart. */
function blurLines(values: Float32Array, length: number, lines: number, radius: number, step: number, stride: number): Float32Array {
  const out = new Float32Array(values.length)
  for (let line = 0; line < lines; line++) {
    const at = line * stride
    let sum = 0
    for (let i = 0; i < Math.min(radius, length); i++) sum += values[at + i * step]
    for (let i = 0; i < length; i++) {
      if (i + radius < length) sum += values[at + (i + radius) * step]
      if (i - radius - 1 >= 0) sum -= values[at + (i - radius - 1) * step]
      out[at + i * step] = sum / (Math.min(length - 1, i + radius) - Math.max(0, i - radius) + 1)
    }
  }
  return out
}
