/** The container of WebP (RFC 9649): RIFF chunks of four letters, a length, and bytes padded to an even number. */

export interface WebpChunk {
  readonly type: string
  /** With its letters, length and padding. */
  readonly bytes: Uint8Array
}

/** The chunks of a WebP file. A chunk that is cut is left out. */
export function webpChunks(webp: Uint8Array): WebpChunk[] {
  const view = new DataView(webp.buffer, webp.byteOffset, webp.byteLength)
  const found: WebpChunk[] = []
  for (let at = 12; at + 8 <= webp.length; ) {
    const size = 8 + padded(view.getUint32(at + 4, true))
    if (at + size > webp.length) break
    found.push({ type: String.fromCharCode(...webp.subarray(at, at + 4)), bytes: webp.subarray(at, at + size) })
    at += size
  }
  return found
}

/** VP8X: the size in px, and flags that tell which chunks follow. */
export function webpHeaderChunk({ width, height, flags }: { width: number; height: number; flags: number }): Uint8Array {
  const header = new Uint8Array(10)
  header[0] = flags
  put24(header, 4, width - 1)
  put24(header, 7, height - 1)
  return riffChunk('VP8X', [header])
}

/** A RIFF chunk: four letters, length, parts, padding to even. */
export function riffChunk(type: string, parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  const out = new Uint8Array(8 + padded(size))
  out.set(Uint8Array.from(type, letter => letter.charCodeAt(0)))
  new DataView(out.buffer).setUint32(4, size, true)
  let at = 8
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

export function put24(bytes: Uint8Array, at: number, value: number): void {
  bytes.set([value & 255, (value >> 8) & 255, (value >> 16) & 255], at)
}

const padded = (size: number): number => size + (size % 2)
