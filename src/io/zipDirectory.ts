/** Where the entries of a zip lie, for archives whose entries are stored, not packed: PyTorch's weight files. Needs ranges alone, so it runs anywhere. */

export interface StoredEntry {
  /** Bytes [begin, end) of the file. */
  readonly begin: number
  readonly end: number
}

/** Bytes [begin, end) of a file, or fewer at its end. */
export type ReadRange = (begin: number, end: number) => Promise<Uint8Array>

const [END, LOCATOR, END64, ENTRY, LOCAL] = [0x06054b50, 0x07064b50, 0x06064b50, 0x02014b50, 0x04034b50]
/** Entries of a model's file: a few thousand tensors at most. */
const MOST_ENTRIES = 100_000

/** Entries by name. Throws, naming the file, when it is no zip, is cut, or packs its entries. */
export async function storedEntries(read: ReadRange, size: number, name: string): Promise<Map<string, StoredEntry>> {
  const again = 'download the file again'
  const damaged = (what: string): Error => new Error(`${name}: ${what}; ${again}`)
  const { count, begin, end } = await directory(read, size, damaged)
  const bytes = await read(begin, end)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries = new Map<string, StoredEntry>()
  try {
    for (let i = 0, at = 0; i < count; i++) {
      if (view.getUint32(at, true) !== ENTRY) throw damaged(`entry ${i} of ${count} is damaged`)
      const [nameSize, extraSize, commentSize] = [28, 30, 32].map(offset => view.getUint16(at + offset, true))
      const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameSize))
      if (view.getUint16(at + 10, true) !== 0) throw damaged(`its entry "${path}" is packed, which PyTorch does not do`)
      const { packed, local } = sizes(view, at, at + 46 + nameSize, extraSize)
      const header = await read(local, local + 30)
      const localView = new DataView(header.buffer, header.byteOffset, header.byteLength)
      if (localView.getUint32(0, true) !== LOCAL) throw damaged(`its entry "${path}" is not where it should be`)
      const start = local + 30 + localView.getUint16(26, true) + localView.getUint16(28, true)
      if (start + packed > size) throw damaged(`its entry "${path}" is cut off`)
      entries.set(path, { begin: start, end: start + packed })
      at += 46 + nameSize + extraSize + commentSize
    }
  } catch (error) {
    throw error instanceof RangeError ? damaged('its directory is cut off') : error
  }
  return entries
}

async function directory(read: ReadRange, size: number, damaged: (what: string) => Error): Promise<{ count: number; begin: number; end: number }> {
  const tailStart = Math.max(0, size - 65_557)
  const tail = await read(tailStart, size)
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  let at = tail.length - 22
  while (at >= 0 && view.getUint32(at, true) !== END) at--
  if (at < 0) throw damaged('it has no zip directory: cut off, or not a PyTorch file')
  let [count, length, begin] = [view.getUint16(at + 10, true), view.getUint32(at + 12, true), view.getUint32(at + 16, true)]
  if (at >= 20 && view.getUint32(at - 20, true) === LOCATOR) {
    const where = Number(view.getBigUint64(at - 12, true))
    const record = await read(where, where + 56)
    const view64 = new DataView(record.buffer, record.byteOffset, record.byteLength)
    if (record.length < 56 || view64.getUint32(0, true) !== END64) throw damaged('its zip directory is damaged')
    ;[count, length, begin] = [32, 40, 48].map(offset => Number(view64.getBigUint64(offset, true)))
  }
  if (count > MOST_ENTRIES || begin + length > size) throw damaged('its zip directory is damaged')
  return { count, begin, end: begin + length }
}

/** Packed size and place of an entry; 0xffffffff says that the extra field has them in 64 bits (tag 1, in the order uncompressed, compressed, place). */
function sizes(view: DataView, at: number, extra: number, extraSize: number): { packed: number; local: number } {
  const [whole, packed, local] = [24, 20, 42].map(offset => view.getUint32(at + offset, true))
  const wide = [whole, packed, local].map(value => value === 0xffffffff)
  const values = [whole, packed, local]
  for (let field = extra; field + 4 <= extra + extraSize; field += 4 + view.getUint16(field + 2, true)) {
    if (view.getUint16(field, true) !== 1) continue
    let from = field + 4
    for (let k = 0; k < 3; k++) {
      if (!wide[k]) continue
      values[k] = Number(view.getBigUint64(from, true))
      from += 8
    }
  }
  return { packed: values[1], local: values[2] }
}
