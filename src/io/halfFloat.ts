let halfTable: Float32Array | undefined

/** Widen IEEE 754 binary16 bit patterns to f32, exactly (a float16 is always a float32). */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  halfTable ??= buildHalfTable()
  const table = halfTable
  const out = new Float32Array(bits.length)
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]]
  return out
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
