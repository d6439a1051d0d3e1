/** The files of a zip, in a browser: stored or deflated entries, as every packer writes them. */
import type { NamedBytes } from '../protocol/messages.ts'

const [END, ENTRY, LOCAL] = [0x06054b50, 0x02014b50, 0x04034b50]
/** Bytes of all files unpacked, at most: a page must not be filled by a small file. */
const MOST_BYTES = 2 ** 30

export const isZip = (bytes: Uint8Array): boolean => bytes.length > 3 && bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] <= 6

/** Throws, naming the file, when it is cut or damaged, encrypted, or larger than a page should take. */
export async function unzip(bytes: Uint8Array, name: string): Promise<NamedBytes[]> {
  const damaged = (): Error => new Error(`${name}: the zip is cut off or damaged; copy or pack it again`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const files: NamedBytes[] = []
  try {
    let end = bytes.length - 22
    while (end >= 0 && view.getUint32(end, true) !== END) end--
    if (end < 0) throw damaged()
    let at = view.getUint32(end + 16, true)
    let total = 0
    for (let i = view.getUint16(end + 10, true); i > 0; i--) {
      if (view.getUint32(at, true) !== ENTRY) throw damaged()
      const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)]
      const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)]
      const [nameSize, extraSize, commentSize] = [28, 30, 32].map(offset => view.getUint16(at + offset, true))
      const local = view.getUint32(at + 42, true)
      const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameSize))
      at += 46 + nameSize + extraSize + commentSize
      if (path.endsWith('/')) continue
      if (flags & 1) throw new Error(`${name}: its file "${path}" is encrypted; unpack it and drop the files themselves`)
      total += size
      if (total > MOST_BYTES) throw new Error(`${name}: unpacked it is over ${MOST_BYTES / 2 ** 20} MiB; unpack it and drop the scene alone`)
      if (view.getUint32(local, true) !== LOCAL) throw damaged()
      const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
      const content = bytes.slice(begin, begin + packed)
      files.push({ name: path, bytes: method === 0 ? content : await inflate(content, method, damaged) })
    }
  } catch (error) {
    throw error instanceof RangeError ? damaged() : error
  }
  return files
}

async function inflate(packed: Uint8Array<ArrayBuffer>, method: number, damaged: () => Error): Promise<Uint8Array<ArrayBuffer>> {
  if (method !== 8) throw damaged()
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  return new Uint8Array(
    await new Response(stream).arrayBuffer().catch(() => {
      throw damaged()
    }),
  )
}
