/** Writes numbers as a NumPy .npy file, version 1. */

/** `data` row by row in `shape`, as '<f4'. Throws when they do not belong together. */
export function encodeNpy(data: Float32Array, shape: readonly number[]): Uint8Array {
  const size = shape.reduce((a, b) => a * b, 1)
  if (size !== data.length) throw new Error(`encodeNpy: shape [${shape}] holds ${size} values, data has ${data.length}; pass the shape of the data`)
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`
  // the header with its 10 bytes in front and the newline behind is a multiple of 64, so that the data can be mapped
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`
  const bytes = new Uint8Array(10 + header.length + 4 * data.length)
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8])
  bytes.set(new TextEncoder().encode(header), 10)
  const view = new DataView(bytes.buffer, 10 + header.length)
  for (let i = 0; i < data.length; i++) view.setFloat32(4 * i, data[i], true)
  return bytes
}
