/** A zip whose entries are stored as they are, for files that are compressed already (PKWARE APPNOTE 4.3): the same in browsers and Node. */
import { joinBytes } from './joinBytes.ts'
import { crc32 } from './png.ts'

const [LOCAL, ENTRY, END] = [0x04034b50, 0x02014b50, 0x06054b50]
const VERSION = 20
/** Names are UTF-8. */
const FLAGS = 0x800
/** 1 January 1980, the first day a zip knows: the same files make the same bytes. */
const DATE = 0x21
/** Without the 64-bit extension a zip has no more entries and no more bytes. */
const [MOST_ENTRIES, MOST_BYTES] = [0xffff, 0xffffffff]

/** A zip in the making. */
export class ZipWriter {
  private readonly parts: Uint8Array[] = []
  private readonly directory: Uint8Array[] = []
  private at = 0

  /** Adds a file. Throws where the zip would get over 65535 files or 4 GiB. */
  add(name: string, bytes: Uint8Array): void {
    const path = new TextEncoder().encode(name)
    if (this.directory.length >= MOST_ENTRIES || this.at + bytes.length + path.length + 30 > MOST_BYTES)
      throw new Error(
        `zip: "${name}" is file ${this.directory.length + 1} at ${this.at} bytes; a zip holds ${MOST_ENTRIES} files and 4 GiB, make two`,
      )
    // version, flags, stored, time, date, checksum, packed and whole size, length of the name, no extra field
    const facts = new DataView(new ArrayBuffer(26))
    for (const [k, value] of [VERSION, FLAGS, 0, 0, DATE].entries()) facts.setUint16(2 * k, value, true)
    facts.setUint32(10, crc32(bytes), true)
    facts.setUint32(14, bytes.length, true)
    facts.setUint32(18, bytes.length, true)
    facts.setUint16(22, path.length, true)
    const shared = new Uint8Array(facts.buffer)
    const entry = new DataView(new ArrayBuffer(46))
    entry.setUint32(0, ENTRY, true)
    entry.setUint16(4, VERSION, true)
    new Uint8Array(entry.buffer).set(shared, 6)
    entry.setUint32(42, this.at, true)
    this.directory.push(joinBytes([new Uint8Array(entry.buffer), path]))
    const local = joinBytes([word(LOCAL), shared, path, bytes])
    this.parts.push(local)
    this.at += local.length
  }

  /** The zip's bytes. */
  finish(): Uint8Array<ArrayBuffer> {
    const directory = joinBytes(this.directory)
    const end = new DataView(new ArrayBuffer(22))
    end.setUint32(0, END, true)
    end.setUint16(8, this.directory.length, true)
    end.setUint16(10, this.directory.length, true)
    end.setUint32(12, directory.length, true)
    end.setUint32(16, this.at, true)
    return joinBytes([...this.parts, directory, new Uint8Array(end.buffer)])
  }
}

function word(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, value, true)
  return new Uint8Array(view.buffer)
}
