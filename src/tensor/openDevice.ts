/** Chooses the device: a real GPU when there is one, else the CPU; says which and why. */
import { openCpuDevice } from '../cpu/cpuDevice.ts'
import { adapterName, openGpuDevice } from '../gpu/gpuDevice.ts'
import { cpuBackend } from './cpuBackend.ts'
import type { Device } from './device.ts'
import { gpuBackend } from './gpuBackend.ts'
import type { Precision } from './gpuTraits.ts'
import { triedTraits } from './matrixTrial.ts'

/** Which device, and how it computes. */
export interface OpenDeviceOptions {
  /** 'auto' takes a GPU when there is one, 'gpu' fails without one, 'cpu' does not look. Default 'auto'. */
  readonly kind?: 'auto' | 'gpu' | 'cpu'
  /** Threads of the CPU device, the calling one included; default as many as processors. */
  readonly threads?: number
  /** Part of the name of the adapter to take, e.g. 'NVIDIA'; the only way to a software adapter such as 'SwiftShader'. */
  readonly adapter?: string
  /**
   * Of wide dense layers: 'f32' (default), or 'half', f16 operands with f32 sums on a GPU with matrix units (relative error of a product 3e-4). Where there are none,
   * or where their kernels do not work, the device computes in f32 and its description says why.
   */
  readonly precision?: Precision
  /** Take a software adapter too, named or not; for tests. */
  readonly software?: boolean
  /** Where adapters come from; default the browser's. */
  readonly gpu?: GPU
  /** Why there is no `gpu`, when the caller knows. */
  readonly noGpu?: string
}

/**
 * Opens a device. Its description says which it is and, where the CPU stands in for a GPU or f32 for a lower precision, why.
 * Throws when `kind` is 'gpu' or an `adapter` is named and there is none such.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<Device> {
  const { kind = 'auto', threads, adapter: wanted, precision = 'f32' } = options
  if (kind === 'cpu') return cpuBackend(await openCpuDevice({ threads }))
  const gpu = options.gpu ?? (typeof navigator === 'undefined' ? undefined : navigator.gpu)
  const found = gpu ? await findAdapter(gpu, options) : (options.noGpu ?? 'no WebGPU')
  if (typeof found !== 'string') {
    const device = await openGpuDevice(found, { keep: gpu })
    return gpuBackend(device, await triedTraits(device, precision))
  }
  if (kind === 'gpu' || wanted) throw new Error(`openDevice: ${found}; install a driver with WebGPU or Vulkan support, or choose the device 'cpu'`)
  const device = cpuBackend(await openCpuDevice({ threads }))
  return Object.defineProperty(device, 'description', { value: `${device.description} (openDevice: ${found}; running on the CPU)` })
}

/** An adapter that serves, or why there is none. */
async function findAdapter(gpu: GPU, { adapter: wanted, software = false }: OpenDeviceOptions): Promise<GPUAdapter | string> {
  const first = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  const second = wanted || (software && !first) ? await gpu.requestAdapter({ forceFallbackAdapter: true }) : null
  const candidates = [first, second].filter(a => a !== null)
  if (candidates.length === 0) return 'no WebGPU adapter'
  const names = [...new Set(candidates.map(adapterName))].join(', ')
  if (wanted) return candidates.find(a => isNamed(a, wanted)) ?? `no WebGPU adapter named '${wanted}', only ${names}`
  return candidates.find(a => software || !isSoftware(a)) ?? `no WebGPU adapter but ${names}, which computes in software`
}

const fullName = ({ info }: GPUAdapter): string => [info.vendor, info.architecture, info.device, info.description].join(' ')
const isNamed = (adapter: GPUAdapter, name: string): boolean => fullName(adapter).toLowerCase().includes(name.toLowerCase())

/** Software adapters are slower than the CPU device, and the null backend computes nothing. */
function isSoftware(adapter: GPUAdapter): boolean {
  const flagged = adapter.info.isFallbackAdapter || (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter === true
  return flagged || /swiftshader|llvmpipe|lavapipe|softpipe|basic render|null-backend/i.test(fullName(adapter))
}
