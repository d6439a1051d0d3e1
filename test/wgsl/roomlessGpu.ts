/**
 * A GPU on which every program compiles and is validated, and which holds none of the numbers: what needs gigabytes is checked on any machine. Each
 * buffer is a scrap with a size on paper; ranges are held against the paper and the device's limits, and moved into the scrap before Dawn sees them.
 */
import type { BufferRange, GpuDevice, GpuDispatch } from '../../src/gpu/gpuDevice.ts'

/** Bytes: room for as many ranges as a kernel binds, at the alignment of offsets. */
const STEP = 256
const SCRAP = 8 * STEP

/** @param gpu Dawn's null backend, which it then owns. @param largest bytes of buffers and bindings to allow; default what `gpu` does. */
export function roomlessGpu(gpu: GpuDevice, largest?: number): GpuDevice {
  const sizes = new Map<GPUBuffer, number>()
  let used = 0
  let peak = 0
  const sizeOf = (buffer: GPUBuffer): number => {
    const size = sizes.get(buffer)
    if (size === undefined) throw new Error('roomless GPU: a buffer that is not held')
    return size
  }
  const check = (what: string, { buffer, offset, size }: BufferRange): void => {
    if (offset + size > sizeOf(buffer)) throw new Error(`${what}: ${size} bytes at ${offset} of a buffer of ${sizeOf(buffer)}`)
  }
  const moved = (dispatch: GpuDispatch): GpuDispatch => {
    const { label, bindings } = dispatch
    const most = largest ?? gpu.limits.maxStorageBufferBindingSize
    const offsets = new Map<GPUBuffer, number[]>()
    for (const range of bindings) {
      check(`kernel ${label}`, range)
      if (range.size > most) throw new Error(`kernel ${label}: binds ${range.size} bytes; every device binds ${most}`)
      if (range.offset % STEP !== 0) throw new Error(`kernel ${label}: binding offset ${range.offset} is not a multiple of ${STEP} bytes`)
      const known = offsets.get(range.buffer) ?? []
      if (!known.includes(range.offset)) offsets.set(range.buffer, [...known, range.offset])
    }
    const place = ({ buffer, offset }: BufferRange): number => STEP * (offsets.get(buffer) ?? []).indexOf(offset)
    return { ...dispatch, bindings: bindings.map(range => ({ buffer: range.buffer, offset: place(range), size: Math.min(range.size, STEP) })) }
  }
  return {
    ...gpu,
    createBuffer(bytes) {
      const most = largest ?? gpu.limits.maxBufferSize
      if (bytes > most) throw new Error(`a buffer of ${bytes} bytes; every device allows ${most}`)
      const buffer = gpu.createBuffer(SCRAP)
      sizes.set(buffer, bytes)
      used += bytes
      peak = Math.max(peak, used)
      return buffer
    },
    destroyBuffer(buffer) {
      used -= sizeOf(buffer)
      sizes.delete(buffer)
      gpu.destroyBuffer(buffer)
    },
    write: (buffer, offset, data) => check('write', { buffer, offset, size: data.byteLength }),
    async read(buffer, offset, size) {
      check('read', { buffer, offset, size })
      await gpu.sync()
      return new ArrayBuffer(size)
    },
    copy(from, to) {
      for (const range of [from, to]) check('copy', range)
    },
    program: dispatches => gpu.program(dispatches.map(moved)),
    get usedBytes() {
      return used
    },
    get peakBytes() {
      return peak
    },
  }
}
