/** A list of dispatches with pipelines and bind groups made once; a run is one command buffer. */
import { type Bound, bind, encode, type GpuDispatch } from './dispatch.ts'
import type { KernelCache } from './kernel.ts'
import { type KernelTime, kernelTimes } from './profiler.ts'

export interface GpuProgram {
  /** Submits every dispatch in order; returns at once. */
  run(): void
  /** Runs once with a clock around every dispatch: milliseconds and calls per label. Empty where the adapter has no timestamps. */
  profile(): Promise<ReadonlyMap<string, KernelTime>>
  dispose(): void
}

/** Checks and binds the dispatches. Throws, naming the kernel, when one exceeds the device's limits. */
export function makeProgram(device: GPUDevice, kernels: KernelCache, dispatches: readonly GpuDispatch[], usable: () => void): GpuProgram {
  let bound: Bound[] | undefined = dispatches.filter(d => d.groups.every(g => g > 0)).map(d => bind(device, kernels, d))
  const ready = (): Bound[] => {
    usable()
    if (!bound) throw new Error('gpu program: disposed; record it again')
    return bound
  }
  return {
    run() {
      const encoder = device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      for (const dispatch of ready()) encode(pass, dispatch)
      pass.end()
      device.queue.submit([encoder.finish()])
    },
    profile: () => kernelTimes(device, ready()),
    dispose() {
      bound = undefined
    },
  }
}
