/** One dispatch: checked against the device's limits, bound to its buffers, encoded into a pass. */
import { type Access, declaredAccess, type Kernel, type KernelCache, withWriteAccess } from './kernel.ts'

/** Bytes [offset, offset + size) of a buffer. */
export interface BufferRange {
  readonly buffer: GPUBuffer
  readonly offset: number
  readonly size: number
}

export interface GpuDispatch {
  readonly label: string
  readonly code: string
  readonly bindings: readonly BufferRange[]
  readonly groups: readonly [number, number, number]
  /** Floating-point operations, for profiles. */
  readonly flops?: number | undefined
}

/** A dispatch, ready to encode once its kernel has compiled. */
export interface Bound {
  readonly label: string
  readonly kernel: Kernel
  readonly group: GPUBindGroup
  readonly groups: readonly [number, number, number]
  /** Of all bindings. */
  readonly bytes: number
  readonly flops: number | undefined
}

/** Throws when the kernel did not compile. */
export function encode(pass: GPUComputePassEncoder, { label, kernel: { pipeline }, group, groups }: Bound): void {
  if (!pipeline) throw new Error(`kernel ${label}: did not compile`)
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, group)
  pass.dispatchWorkgroups(...groups)
}

/** Throws, naming the kernel, when the dispatch exceeds the device's limits. */
export function bind(device: GPUDevice, kernels: KernelCache, { label, code, bindings, groups, flops }: GpuDispatch): Bound {
  const access = declaredAccess(label, code)
  checkLimits(device.limits, { label, code, bindings, groups }, access)
  let text = code
  for (const [i, { buffer }] of bindings.entries()) {
    if (access[i] === 'w' || !bindings.some((b, j) => b.buffer === buffer && access[j] === 'w')) continue
    text = withWriteAccess(text, i)
    access[i] = 'w'
  }
  const kernel = kernels.get(label, text, access)
  const entries = bindings.map(({ buffer, offset, size }, binding) => ({ binding, resource: { buffer, offset, size: bindingSize(size) } }))
  const bytes = bindings.reduce((sum, { size }) => sum + size, 0)
  return { label, kernel, group: device.createBindGroup({ label, layout: kernel.layout, entries }), groups, bytes, flops }
}

/** WebGPU binds whole 4-byte words, at least one. */
const bindingSize = (bytes: number): number => Math.max(4, Math.ceil(bytes / 4) * 4)

function checkLimits(limits: GPUSupportedLimits, { label, bindings, groups }: GpuDispatch, access: readonly Access[]): void {
  if (bindings.length !== access.length) throw new Error(`kernel ${label}: declares ${access.length} storage bindings, is given ${bindings.length}`)
  if (bindings.length > limits.maxStorageBuffersPerShaderStage)
    throw new Error(
      `kernel ${label}: ${bindings.length} storage buffers; this adapter binds ${limits.maxStorageBuffersPerShaderStage}; split the kernel`,
    )
  const most = limits.maxComputeWorkgroupsPerDimension
  if (groups.some(g => g > most)) throw new Error(`kernel ${label}: ${groups.join(' x ')} workgroups; at most ${most} along an axis; fold the grid`)
  for (const { offset, size } of bindings) {
    if (size > limits.maxStorageBufferBindingSize)
      throw new Error(
        `kernel ${label}: binds ${size} bytes; this adapter binds ${limits.maxStorageBufferBindingSize}; use fewer rays or a smaller chunk`,
      )
    if (offset % limits.minStorageBufferOffsetAlignment !== 0)
      throw new Error(`kernel ${label}: binding offset ${offset} is not a multiple of ${limits.minStorageBufferOffsetAlignment} bytes`)
  }
}
