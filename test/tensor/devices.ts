/** The devices that tests run on, opened once per process, which may run many test files. The first is the reference that the others are compared with. */
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import type { GpuDevice } from '../../src/gpu/gpuDevice.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import type { Device } from '../../src/tensor/device.ts'
import { gpuBackend } from '../../src/tensor/gpuBackend.ts'
import { openComputingGpu, openNullGpu } from '../gpu/softwareGpu.ts'

export interface TestDevice {
  readonly name: string
  readonly device: Device
  /** Compiles and validates, but computes nothing: its numbers mean nothing. */
  readonly compileOnly?: boolean
  /** Must give the same bits as every other device so marked. */
  readonly sameBits?: boolean
}

let opened: Promise<TestDevice[]> | undefined

/** Every device of this machine, the reference first. Opened on the first call; they end with the process. A missing one is announced. */
export function testDevices(): Promise<TestDevice[]> {
  opened ??= open()
  return opened
}

async function open(): Promise<TestDevice[]> {
  const cpus = [
    { name: 'reference', device: cpuBackend(await openCpuDevice({ threads: 1 }), false) },
    { name: 'SIMD, 1 thread', device: cpuBackend(await openCpuDevice({ threads: 1 })), sameBits: true },
    { name: 'SIMD, 2 threads', device: cpuBackend(await openCpuDevice({ threads: 2 })), sameBits: true },
  ]
  return [...cpus, ...gpuOr('WGSL on an adapter', await openComputingGpu()), ...gpuOr('WGSL on the null backend', await openNullGpu(), true)]
}

function gpuOr(what: string, gpu: GpuDevice | string, compileOnly = false): TestDevice[] {
  if (typeof gpu !== 'string') return [{ name: `GPU ${gpu.name}`, device: gpuBackend(gpu), compileOnly }]
  console.warn(`SKIPPED on every test: ${what}: ${gpu}`)
  return []
}
