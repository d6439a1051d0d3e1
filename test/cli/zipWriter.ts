/** Zips as no honest program writes them. */
import { deflateRawSync } from 'node:zlib'
import { crc32 } from '../../src/io/png.ts'

export interface ZipEntry {
  name: string
  bytes: Uint8Array
  /** 0 stored, 8 deflate (default). */
  method?: number
  /** Unix file mode, such as 0o120777 of a link. */
  mode?: number
  /** General purpose flags; 1 is "encrypted". */
  flags?: number
  /** What the directory says instead of the truth. */
  claim?: { size?: number; packed?: number }
  /** Bytes to put in place of the packed ones. */
  raw?: Uint8Array
  /** Points at the data of the first entry instead of its own. */
  shared?: boolean
}

export function zip(entries: readonly ZipEntry[]): Uint8Array {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, bytes, method = 8, mode = 0o100644, flags = 0, claim = {}, raw, shared = false } of entries) {
    const packed = Buffer.from(raw ?? (method === 8 ? deflateRawSync(bytes) : bytes))
    const names = Buffer.from(name)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(20, 4)
    local.writeUInt16LE(flags | 0x800, 6)
    local.writeUInt16LE(method, 8)
    local.writeUInt32LE(crc32(bytes), 14)
    local.writeUInt32LE(claim.packed ?? packed.length, 18)
    local.writeUInt32LE(claim.size ?? bytes.length, 22)
    local.writeUInt16LE(names.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt16LE((3 << 8) | 20, 4)
    central.writeUInt16LE(20, 6)
    central.writeUInt16LE(flags | 0x800, 8)
    central.writeUInt16LE(method, 10)
    central.writeUInt32LE(crc32(bytes), 16)
    central.writeUInt32LE(claim.packed ?? packed.length, 20)
    central.writeUInt32LE(claim.size ?? bytes.length, 24)
    central.writeUInt16LE(names.length, 28)
    central.writeUInt32LE((mode << 16) >>> 0, 38)
    central.writeUInt32LE(shared ? 0 : at, 42)
    directory.push(central, names)
    if (shared) continue
    parts.push(local, names, packed)
    at += local.length + names.length + packed.length
  }
  const list = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(list.length, 12)
  end.writeUInt32LE(at, 16)
  return new Uint8Array(Buffer.concat([...parts, list, end]))
}
