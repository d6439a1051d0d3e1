/** What kernels with variants choose by: how exact dense layers must be, and what the GPU has for the inexact ones. */
import type { GpuDevice } from '../gpu/gpuDevice.ts'
import { type MatrixUnit, subgroupMatrices } from './matrixUnit.ts'

/**
 * Of the products of dense layers, wide ones and chains of narrow ones; sums are always f32.
 *
 * | precision | operands | relative error of a product (Frobenius) |
 * |---|---|---|
 * | `f32` | f32 | 1e-7 |
 * | `half` | f16, gradients scaled by powers of two: the mantissa of TF32 | 3e-4 |
 *
 * `half` needs matrix units and magnitudes below 65,504; a GPU without them computes in f32.
 */
export type Precision = 'f32' | 'half'

export interface GpuTraits {
  readonly precision: Precision
  /** Matrix units, where there are any and `precision` lets them be used. */
  readonly matrix?: MatrixUnit
  /** Why `precision` is f32 although another was asked for. */
  readonly fallback?: string
  /** Bytes of workgroup memory; every WebGPU device has 16 KiB. */
  readonly workgroupBytes: number
  /** Buffers that a kernel may bind; every WebGPU device has 8. */
  readonly storageBuffers: number
}

/** What this GPU offers at a precision. */
export function traitsOf(gpu: Pick<GpuDevice, 'matrixShapes' | 'limits'>, precision: Precision): GpuTraits {
  const { maxComputeWorkgroupStorageSize: workgroupBytes, maxStorageBuffersPerShaderStage: storageBuffers } = gpu.limits
  const shape = gpu.matrixShapes.find(s => s.m === 16 && s.n === 16 && s.k === 16)
  if (precision === 'f32') return { precision, workgroupBytes, storageBuffers }
  if (!shape) return { precision: 'f32', workgroupBytes, storageBuffers, fallback: 'the adapter offers no f16 matrix units of 16 x 16 x 16' }
  return { precision, matrix: subgroupMatrices(shape), workgroupBytes, storageBuffers }
}
