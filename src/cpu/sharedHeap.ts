import { HEAP_BASE } from './memoryLayout.ts'

const PAGE = 65536
const ALIGN = 64
/** Kept unused at the top: kernels may read (never write) up to 31 bytes past a block's end. */
const GUARD = 64
/** Smallest growth, so that many small blocks do not grow the memory one page at a time. */
const GROW_PAGES = 256

interface Gap {
  address: number
  bytes: number
}

/** A first-fit heap with coalescing over one shared WebAssembly memory. Addresses are byte offsets, 64-byte aligned. */
export class SharedHeap {
  usedBytes = 0
  peakBytes = 0
  private readonly blocks = new Map<number, number>()
  /** Free ranges in address order, never adjacent. */
  private readonly gaps: Gap[] = []
  /** Memory from here on was never handed out, so it still holds zeros. */
  private fresh = HEAP_BASE
  private end: number

  constructor(
    readonly memory: WebAssembly.Memory,
    private readonly maximumPages: number,
  ) {
    this.end = memory.buffer.byteLength
    if (this.end - GUARD > HEAP_BASE) this.gaps.push({ address: HEAP_BASE, bytes: this.end - GUARD - HEAP_BASE })
  }

  /** A zero-filled block. Throws when `bytes` is not a size or the memory cannot hold it. */
  allocate(bytes: number): number {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new Error(`cpu memory: cannot allocate ${bytes} bytes; give a whole number >= 0`)
    const size = Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN)
    let index = this.gaps.findIndex(gap => gap.bytes >= size)
    if (index < 0) {
      this.grow(size)
      index = this.gaps.length - 1
    }
    const gap = this.gaps[index]
    const address = gap.address
    gap.address += size
    gap.bytes -= size
    if (gap.bytes === 0) this.gaps.splice(index, 1)
    this.blocks.set(address, size)
    this.usedBytes += size
    this.peakBytes = Math.max(this.peakBytes, this.usedBytes)
    const dirty = Math.min(size, this.fresh - address)
    if (dirty > 0) new Uint8Array(this.memory.buffer, address, dirty).fill(0)
    this.fresh = Math.max(this.fresh, address + size)
    return address
  }

  /** Gives a block back. Throws when `address` is not one that `allocate` returned. */
  free(address: number): void {
    const bytes = this.blocks.get(address)
    if (bytes === undefined) throw new Error(`cpu memory: ${address} is not an allocated block (freed twice?)`)
    this.blocks.delete(address)
    this.usedBytes -= bytes
    this.addGap(address, bytes)
  }

  private addGap(address: number, bytes: number): void {
    let low = 0
    let high = this.gaps.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.gaps[middle].address < address) low = middle + 1
      else high = middle
    }
    const before = low > 0 ? this.gaps[low - 1] : undefined
    const after = low < this.gaps.length ? this.gaps[low] : undefined
    const joinsBefore = before !== undefined && before.address + before.bytes === address
    const joinsAfter = after !== undefined && address + bytes === after.address
    if (joinsBefore) {
      before.bytes += bytes + (joinsAfter ? after.bytes : 0)
      if (joinsAfter) this.gaps.splice(low, 1)
    } else if (joinsAfter) {
      after.address = address
      after.bytes += bytes
    } else {
      this.gaps.splice(low, 0, { address, bytes })
    }
  }

  /** Makes the last gap at least `size` bytes long. */
  private grow(size: number): void {
    const last = this.gaps.at(-1)
    const tail = last && last.address + last.bytes === this.end - GUARD ? last.bytes : 0
    const needed = Math.ceil((size - tail) / PAGE)
    const present = this.end / PAGE
    const room = this.maximumPages - present
    const pages = Math.min(room, Math.max(needed, GROW_PAGES))
    const failure = (reason: string) =>
      new Error(
        `cpu memory: ${mebibytes(size)} asked with ${mebibytes(this.usedBytes)} of ${mebibytes(this.maximumPages * PAGE)} in use: ${reason}; ` +
          'use fewer rays or samples per step, or a smaller preset',
      )
    if (needed > room) throw failure('the address space is full')
    try {
      this.memory.grow(pages)
    } catch (error) {
      throw failure(`the system gave no more memory (${String(error)})`)
    }
    this.addGap(this.end - GUARD, pages * PAGE)
    this.end += pages * PAGE
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
