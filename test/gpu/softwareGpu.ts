/** WebGPU without a GPU, for tests: SwiftShader computes, Dawn's null backend only compiles. */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { type GpuDevice, type GpuOptions, openGpuDevice } from '../../src/gpu/gpuDevice.ts'
import { watchBounds } from './boundsWatch.ts'

/** Where Debian's and Ubuntu's Chromium keep SwiftShader's Vulkan driver; VK_DRIVER_FILES goes first. */
const SWIFTSHADER = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json']

const TOGGLES = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia']
/** SwiftShader takes over a second per kernel to compile the zero-filling of workgroup memory: kernels under test fill their own. */
const NO_WORKGROUP_INIT = 'disable_workgroup_init'

/** Dawn's instance with these toggles and options. Throws when the optional package webgpu does not load. */
export async function dawn(options: string[], toggles: string[] = []): Promise<GPU> {
  const driver = SWIFTSHADER.find(existsSync)
  if (!process.env.VK_DRIVER_FILES && driver) process.env.VK_DRIVER_FILES = driver
  process.env.XDG_RUNTIME_DIR ??= tmpdir() // the driver complains on stderr without one
  const { create } = await import('webgpu')
  return create([`enable-dawn-features=${[...TOGGLES, ...toggles].join(',')}`, ...options])
}

/** A device that runs WGSL, be it in software, with every index into a buffer watched where FACECLIPNERF_WATCH is set (boundsWatch.ts); or why there is none. */
export async function openComputingGpu(options?: GpuOptions): Promise<GpuDevice | string> {
  const otherwise = 'no Vulkan driver; install Chromium for its SwiftShader, or set VK_DRIVER_FILES to another'
  return await open([], [NO_WORKGROUP_INIT], otherwise, options, process.env.FACECLIPNERF_WATCH ? watchBounds : undefined)
}

/** A device that compiles and validates everything and computes nothing, or why there is none. */
export async function openNullGpu(limits?: GpuOptions['limits']): Promise<GpuDevice | string> {
  return await open(['backend=null'], [], 'Dawn has no null backend', { limits })
}

async function open(
  dawnOptions: string[],
  toggles: string[],
  otherwise: string,
  options: GpuOptions = {},
  prepare?: (adapter: GPUAdapter) => void,
): Promise<GpuDevice | string> {
  try {
    const gpu = await dawn(dawnOptions, toggles)
    const adapter = await gpu.requestAdapter()
    if (!adapter) return otherwise
    prepare?.(adapter)
    return await openGpuDevice(adapter, { ...options, keep: gpu })
  } catch (error) {
    return `${otherwise} (${error instanceof Error ? error.message : String(error)})`
  }
}
