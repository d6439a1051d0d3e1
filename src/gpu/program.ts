/** A list of dispatches with bind groups made once and pipelines that compile side by side; a run is one command buffer, or a few where the device would wait for it. */
import { type Bound, bind, encode, type GpuDispatch } from './dispatch.ts'
import type { KernelCache } from './kernel.ts'
import type { Order } from './order.ts'
import { type KernelTime, kernelTimes } from './profiler.ts'

export interface GpuProgram {
  /** Submits every dispatch in order, at once or as soon as its kernels have compiled; returns at once. Not at all when one does not compile, which `read` and `sync` report. */
  run(): void
  /** Runs once with a clock around every dispatch: milliseconds and calls per label. Empty where the adapter has no timestamps. */
  profile(): Promise<ReadonlyMap<string, KernelTime>>
  dispose(): void
}

export interface ProgramHost {
  readonly kernels: KernelCache
  readonly order: Order
  /** Throws when the device is lost. */
  usable(): void
  /** Whether the device has had nothing to do since its last read-back; afterwards it has. */
  takeIdle(): boolean
}

/** Checks and binds the dispatches. Throws, naming the kernel, when one exceeds the device's limits. */
export function makeProgram(device: GPUDevice, { kernels, order, usable, takeIdle }: ProgramHost, dispatches: readonly GpuDispatch[]): GpuProgram {
  let bound: Bound[] | undefined = dispatches.filter(d => d.groups.every(g => g > 0)).map(d => bind(device, kernels, d))
  const ready = (): Bound[] => {
    usable()
    if (!bound) throw new Error('gpu program: disposed; record it again')
    return bound
  }
  /** Of the kernels that have yet to compile; undefined when all have. */
  const compiling = (steps: readonly Bound[]): Promise<unknown> | undefined => {
    const pending = new Set(steps.flatMap(({ kernel }) => kernel.compiling ?? []))
    return pending.size > 0 ? Promise.all(pending) : undefined
  }
  return {
    run() {
      const steps = ready()
      order.inTurn(() => submit(device, takeIdle() ? submissions(steps) : [steps]), compiling(steps))
    },
    async profile() {
      const steps = ready()
      await Promise.all([compiling(steps), order.settled()])
      return kernelTimes(device, steps)
    },
    dispose() {
      bound = undefined
    },
  }
}

function submit(device: GPUDevice, parts: readonly (readonly Bound[])[]): void {
  if (!parts.every(part => part.every(({ kernel }) => kernel.pipeline))) return // reported by the kernel
  for (const part of parts) {
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (const step of part) encode(pass, step)
    pass.end()
    device.queue.submit([encoder.finish()])
  }
}

/** Dispatches of the first command buffer for an idle device; each further one holds three times as many. */
const FIRST_SUBMISSION = 32

/** A run in command buffers that grow: an idle device begins with the first while the others are being encoded. CLIP's 283 operations: 7.3 -> 5.1 ms on an H200. */
function submissions(steps: readonly Bound[]): (readonly Bound[])[] {
  const parts: (readonly Bound[])[] = []
  for (let begin = 0, size = FIRST_SUBMISSION; begin < steps.length; begin += size, size *= 3) parts.push(steps.slice(begin, begin + size))
  return parts
}
