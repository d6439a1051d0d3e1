/** Storage buffers of one device: sizes checked against its limits, bytes counted, numbers written and read back. */
import type { BufferRange } from './dispatch.ts'
import { COPY_DST, COPY_SRC, MAP_READ, MODE_READ, STORAGE } from './flags.ts'
import type { Order } from './order.ts'

export class Buffers {
  usedBytes = 0
  peakBytes = 0
  private readonly live = new Set<GPUBuffer>()

  constructor(
    private readonly device: GPUDevice,
    private readonly order: Order,
  ) {}

  /** Zero-filled. Throws when the adapter allows no buffer of that size. */
  create(bytes: number): GPUBuffer {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4)
    const { maxBufferSize } = this.device.limits
    if (size > maxBufferSize)
      throw new Error(`gpu: a buffer of ${size} bytes; this adapter allows ${maxBufferSize}; use fewer rays per batch or a smaller model`)
    const buffer = this.device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST })
    this.live.add(buffer)
    this.usedBytes += size
    this.peakBytes = Math.max(this.peakBytes, this.usedBytes)
    return buffer
  }

  /** Work already submitted still finishes. Throws for a buffer that is not held. */
  destroy(buffer: GPUBuffer): void {
    if (!this.live.delete(buffer)) throw new Error('gpu: release of a buffer that is not held; it was released before')
    this.usedBytes -= buffer.size
    this.order.inTurn(() => buffer.destroy())
  }

  destroyAll(): void {
    for (const buffer of this.live) buffer.destroy()
    this.live.clear()
    this.usedBytes = 0
  }

  /** After all earlier submitted work, before all later. Throws when the data does not fit. */
  write(buffer: GPUBuffer, offset: number, data: ArrayBufferView): void {
    if (offset + data.byteLength > buffer.size)
      throw new Error(`gpu: ${data.byteLength} bytes at ${offset} do not fit into a buffer of ${buffer.size}`)
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
    // the caller may rewrite its numbers before their turn comes
    const kept = this.order.waiting ? bytes.slice() : bytes
    this.order.inTurn(() => this.device.queue.writeBuffer(buffer, offset, kept))
  }

  /** After all earlier submitted work, before all later. */
  copy(from: BufferRange, to: BufferRange): void {
    this.order.inTurn(() => {
      const encoder = this.device.createCommandEncoder()
      encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, from.size)
      this.device.queue.submit([encoder.finish()])
    })
  }

  /** A copy of `size` bytes (a multiple of 4) once all submitted work is done. Rejects when the device is lost. */
  async read(buffer: GPUBuffer, offset: number, size: number): Promise<ArrayBuffer> {
    if (offset + size > buffer.size) throw new Error(`gpu: read of ${size} bytes at ${offset} from a buffer of ${buffer.size}`)
    if (size === 0) return new ArrayBuffer(0)
    await this.order.settled()
    const staging = this.device.createBuffer({ size, usage: COPY_DST | MAP_READ })
    try {
      const encoder = this.device.createCommandEncoder()
      encoder.copyBufferToBuffer(buffer, offset, staging, 0, size)
      this.device.queue.submit([encoder.finish()])
      await staging.mapAsync(MODE_READ)
      return staging.getMappedRange().slice(0)
    } finally {
      staging.destroy()
    }
  }
}
