import { afterEach, describe, expect, test, vi } from 'vitest'
import { openDevice as openInNode } from '../../src/node.ts'
import { type OpenDeviceOptions, openDevice } from '../../src/tensor/openDevice.ts'
import { dawn, openComputingGpu } from '../gpu/softwareGpu.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

/** A WebGPU whose only adapter has this info; none without. */
function adapters(info?: Partial<GPUAdapterInfo>): GPU {
  return { requestAdapter: async () => (info ? { info, features: new Set(), limits: {} } : null) } as unknown as GPU
}

async function described(options: OpenDeviceOptions, open = openDevice): Promise<string> {
  const device = await open(options)
  device[Symbol.dispose]()
  return device.description
}

describe('without a GPU', () => {
  test('the CPU stands in and says why', async () => {
    expect(await described({ gpu: adapters(), threads: 1 })).toBe('CPU, 1 thread (openDevice: no WebGPU adapter; running on the CPU)')
    expect(await described({ noGpu: 'no driver', threads: 2 })).toBe('CPU, 2 threads (openDevice: no driver; running on the CPU)')
  })

  test('a software adapter is passed over', async () => {
    for (const info of [
      { description: 'SwiftShader driver 5.0.0' },
      { device: 'llvmpipe (LLVM 19)' },
      { description: 'Any', isFallbackAdapter: true },
    ]) {
      expect(await described({ gpu: adapters(info), threads: 1 })).toContain('which computes in software; running on the CPU')
    }
  })

  test('a CPU that was asked for is no fallback', async () => {
    expect(await described({ kind: 'cpu', threads: 1, gpu: adapters() })).toBe('CPU, 1 thread')
  })

  test('a GPU or an adapter that was asked for is missed', async () => {
    await expect(openDevice({ kind: 'gpu', gpu: adapters() })).rejects.toThrow('openDevice: no WebGPU adapter; install a driver')
    const swift = adapters({ description: 'SwiftShader' })
    await expect(openDevice({ adapter: 'GeForce', gpu: swift })).rejects.toThrow("no WebGPU adapter named 'GeForce', only SwiftShader")
  })
})

describe('the null backend of Dawn', () => {
  test('is taken when software is welcome', async () => {
    expect(await described({ gpu: await dawn(['backend=null']), software: true })).toBe('GPU, null-backend')
    expect(await described({ gpu: await dawn(['backend=null']), threads: 1 })).toContain('CPU, 1 thread (')
  })
})

describe('in Node', () => {
  test('FACECLIPNERF_DEVICE decides where the options do not', async () => {
    vi.stubEnv('FACECLIPNERF_DEVICE', 'cpu')
    expect(await described({ threads: 1 }, openInNode)).toBe('CPU, 1 thread')
    vi.stubEnv('FACECLIPNERF_DEVICE', 'No such adapter')
    await expect(openInNode()).rejects.toThrow('openDevice: no WebGPU adapter')
    expect(await described({ kind: 'cpu', threads: 1 }, openInNode)).toBe('CPU, 1 thread')
  })

  test('an adapter is found by a part of its name, in any case', async ({ skip }) => {
    const gpu = await openComputingGpu()
    if (typeof gpu === 'string') return skip(gpu)
    gpu.destroy()
    const [word] = gpu.name.split(' ')
    expect(await described({ adapter: word.toUpperCase() }, openInNode)).toBe(`GPU, ${gpu.name}`)
  })
})
