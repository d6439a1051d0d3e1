/** Pixels row by row, channels interleaved: grey (1), grey + alpha (2), RGB (3) or RGBA (4); 8 or 16 bits each. */
export interface PngSource {
  width: number
  height: number
  channels: number
  data: Uint8Array | Uint8ClampedArray | Uint16Array
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** PNG colour type of each channel count. */
const COLOUR_TYPES: Record<number, number> = { 1: 0, 2: 4, 3: 2, 4: 6 }

let crcTable: Uint32Array | undefined

/**
 * Encode a PNG (ISO/IEC 15948); a Uint16Array gives 16 bits per channel, which depth maps need.
 * The same bytes come out in browsers and in Node up to the version of zlib. Throws when sizes and data disagree.
 */
export async function encodePng({ width, height, channels, data }: PngSource): Promise<Uint8Array> {
  if (!Object.hasOwn(COLOUR_TYPES, channels)) throw new Error(`encodePng: ${channels} channels; pass 1, 2, 3 or 4`)
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new Error(`encodePng: size is ${width}x${height}; pass whole numbers of pixels above 0`)
  }
  if (data.length !== width * height * channels) {
    throw new Error(
      `encodePng: ${width}x${height}x${channels} needs ${width * height * channels} values, data has ${data.length}; pass a whole image`,
    )
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([data instanceof Uint16Array ? 16 : 8, COLOUR_TYPES[channels], 0, 0, 0], 8)
  const pixelBytes = channels * (data instanceof Uint16Array ? 2 : 1)
  const rows = filterRows(bigEndian(data), height, width * pixelBytes, pixelBytes)
  const parts = [Uint8Array.from(SIGNATURE), pngChunk('IHDR', header), pngChunk('IDAT', await deflate(rows)), pngChunk('IEND', new Uint8Array(0))]
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

/** Whether the bytes begin as a PNG does. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((value, i) => bytes[i] === value)
}

/** Whether a PNG has every chunk up to its end: decoders differ in what they make of a cut file, some return grey rows. */
export function isCompletePng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = SIGNATURE.length
  while (at + 12 <= bytes.length) {
    const isEnd = view.getUint32(at + 4) === 0x49454e44 // "IEND"
    at += 12 + view.getUint32(at)
    if (isEnd) return at <= bytes.length
  }
  return false
}

function bigEndian(data: PngSource['data']): Uint8Array {
  if (!(data instanceof Uint16Array)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const bytes = new Uint8Array(data.length * 2)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < data.length; i++) view.setUint16(2 * i, data[i])
  return bytes
}

/** Every row by the Paeth predictor, the best single filter for smooth renders; a leading 4 names it. */
function filterRows(pixels: Uint8Array, height: number, rowBytes: number, pixelBytes: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(height * (rowBytes + 1))
  for (let row = 0, to = 0; row < height; row++) {
    out[to++] = 4
    const start = row * rowBytes
    for (let i = 0; i < rowBytes; i++) {
      const left = i >= pixelBytes ? pixels[start + i - pixelBytes] : 0
      const up = row > 0 ? pixels[start + i - rowBytes] : 0
      const corner = i >= pixelBytes && row > 0 ? pixels[start + i - rowBytes - pixelBytes] : 0
      const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
      const predicted = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
      out[to++] = pixels[start + i] - predicted
    }
  }
  return out
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** A chunk of a PNG: length, four letters, data, checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(12 + data.length)
  const view = new DataView(out.buffer)
  view.setUint32(0, data.length)
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i)
  out.set(data, 8)
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)))
  return out
}

/** The checksum of PNG and zip (ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
    return c
  })
  let crc = 0xffffffff
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
