let halfTable: Float32Array | undefined

/** Widen IEEE 754 binary16 bit patterns to f32, exactly (a float16 is always a float32). */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  halfTable ??= buildHalfTable()
  const table = halfTable
  const out = new Float32Array(bits.length)
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]]
  return out
}

/** Largest finite binary16 value. */
const MOST_HALF = 65504

/**
 * The nearest IEEE 754 binary16 bit patterns, ties to even. What is beyond ±65504 becomes ±65504: a density that large is opaque either way, and an infinity
 * would spoil every sum it enters. NaN stays NaN.
 */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const out = new Uint16Array(values.length)
  for (let i = 0; i < out.length; i++) {
    const sign = (words[i] >>> 16) & 0x8000
    const size = Math.abs(values[i])
    if (Number.isNaN(size)) out[i] = 0x7e00
    else if (size >= MOST_HALF) out[i] = sign | 0x7bff
    else if (size < 2 ** -14)
      out[i] = sign | roundEven(size * 2 ** 24) // subnormal: multiples of 2^-24, and the first normal where it rounds up to it
    else {
      const bits = words[i] & 0x7fffffff
      // exponent bias 127 -> 15, fraction 23 -> 10 bits; a carry out of the fraction raises the exponent as it should
      out[i] = sign | ((bits - (112 << 23) + 0xfff + ((bits >>> 13) & 1)) >>> 13)
    }
  }
  return out
}

function roundEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low
}

/** Widen bfloat16 bit patterns to f32, exactly: a bfloat16 is the upper half of a float32. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length)
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16
  return new Float32Array(words.buffer)
}

/** All 65,536 values once (256 KiB): a lookup is several times faster than decoding the fields for every weight of a model. */
function buildHalfTable(): Float32Array {
  const table = new Float32Array(65536)
  for (let h = 0; h < 65536; h++) {
    const sign = h & 0x8000 ? -1 : 1
    const exponent = (h >> 10) & 31
    const fraction = h & 1023
    if (exponent === 0) table[h] = sign * fraction * 2 ** -24
    else if (exponent === 31) table[h] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
    else table[h] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  }
  return table
}
