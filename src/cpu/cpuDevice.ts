import { KERNELS_WASM } from './kernels.wasm.ts'
import { PROFILE_WORD, RECORD_BYTES, SCRATCH_BYTES } from './memoryLayout.ts'
import { type KernelTime, type Segment, type Step, segmentBytes, splitSteps, writeSegment } from './program.ts'
import { SharedHeap } from './sharedHeap.ts'
import { instantiateKernels, isNode, startWorkers, type WorkerThread, workerError } from './workerPool.ts'

export type { Arg, KernelCall, KernelTime, Step } from './program.ts'

/** A recorded list of steps, replayed by `run`. */
export interface CpuProgram {
  /** Runs every step in order; throws what a step threw, or when a kernel trapped (the device is then unusable). */
  run(): void
  /** Time per kernel name since the program was made; empty unless the device was opened with `profile`. */
  readonly kernelTimes: ReadonlyMap<string, KernelTime>
  /** Runs once with a clock around every kernel; 'other' is what steps that are no kernels took. */
  profile(): ReadonlyMap<string, KernelTime>
  dispose(): void
}

/** The CPU of a machine without a GPU: one shared memory, worker threads, SIMD kernels. Same results for any number of threads. */
export interface CpuDevice {
  /** Including the calling thread. */
  readonly threads: number
  /** 64-byte aligned byte address, zero-filled; throws when the memory is exhausted. */
  allocate(bytes: number): number
  /** Throws unless `address` came from `allocate` and is still in use. */
  free(address: number): void
  /** A view of `length` floats; valid as long as the block is. */
  f32(address: number, length: number): Float32Array
  u32(address: number, length: number): Uint32Array
  /** Checks and records the steps; throws on an unknown kernel or arguments that do not fit its signature. */
  program(steps: Step[]): CpuProgram
  readonly usedBytes: number
  readonly peakBytes: number
  /** Sends the workers home; the views stay readable. */
  destroy(): void
}

export interface CpuDeviceOptions {
  /** Default: the processors there are, at most 16 (more gain nothing on layers this narrow). */
  threads?: number
  /** Measure the time of every kernel; off by default, costs about a microsecond per call. */
  profile?: boolean
}

const INITIAL_PAGES = 32
/** 4 GiB of address space, or less where the system does not give that much. */
const MAXIMUM_PAGES = [65536, 32768, 16384, 8192]

/** Opens the CPU device. Without workers that share memory (a page that is not cross-origin isolated) it has one thread. */
export async function openCpuDevice(options: CpuDeviceOptions = {}): Promise<CpuDevice> {
  const threads = options.threads ?? Math.min(await processors(), 16)
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    throw new Error(`openCpuDevice: threads = ${threads}; give a whole number from 1 to 256`)
  const module = await WebAssembly.compile(Uint8Array.from(atob(KERNELS_WASM), c => c.charCodeAt(0)))
  const { memory, maximum } = reserveMemory()
  const heap = new SharedHeap(memory, maximum)
  const kernels = await instantiateKernels(module, memory)
  kernels.setScratch(heap.allocate(SCRATCH_BYTES))
  const scratch = Array.from({ length: threads - 1 }, () => heap.allocate(SCRATCH_BYTES))
  const workers = await startWorkers(module, memory, scratch)
  if (options.profile) new Uint32Array(memory.buffer, PROFILE_WORD, 1)[0] = 1
  return createDevice(heap, kernels, workers)
}

async function processors(): Promise<number> {
  if (!isNode()) return navigator.hardwareConcurrency || 1
  return (await import('node:os')).availableParallelism()
}

function reserveMemory(): { memory: WebAssembly.Memory; maximum: number } {
  let failure: unknown
  for (const maximum of MAXIMUM_PAGES) {
    try {
      return { memory: new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared: true }), maximum }
    } catch (error) {
      failure = error
    }
  }
  throw new Error(`openCpuDevice: the system gives no shared WebAssembly memory (${String(failure)}); raise the limit on virtual memory (ulimit -v)`)
}

function createDevice(heap: SharedHeap, kernels: Awaited<ReturnType<typeof instantiateKernels>>, workers: WorkerThread[]): CpuDevice {
  const { memory } = heap
  // a browser's main thread must not block; its workers and Node may
  const mayWait = isNode() || typeof document === 'undefined' ? 1 : 0
  let failure: Error | undefined
  let destroyed = false

  const runSegment = ({ first, last, kernels: names }: Segment) => {
    if (failure) throw failure
    if (destroyed) throw new Error('cpu device: destroyed; open a new one')
    let failedWorker: number
    try {
      failedWorker = kernels.runSegment(first, last, mayWait)
    } catch (error) {
      failure = new Error(`cpu device: a kernel trapped among ${[...new Set(names)].join(', ')}: ${String(error)}; open a new device`, {
        cause: error,
      })
      throw failure
    }
    if (failedWorker) {
      failure = new Error(
        `cpu device: a kernel trapped in a worker among ${[...new Set(names)].join(', ')}: ${workerError(memory)}; open a new device`,
      )
      throw failure
    }
  }

  const program = (steps: Step[]): CpuProgram => {
    const parts = splitSteps(steps)
    const bytes = parts.reduce((sum, part) => sum + (Array.isArray(part) ? segmentBytes(part) + 8 : 0), 0)
    const block = heap.allocate(bytes)
    let next = block
    const walk = parts.map(part => {
      if (!Array.isArray(part)) return part
      const segment = writeSegment(memory.buffer, next, part, kernels.kernels)
      next += Math.ceil(segmentBytes(part) / 8) * 8 // records hold an f64
      return segment
    })
    let runs = 0
    let disposed = false
    const clocks = new Uint32Array(memory.buffer, PROFILE_WORD, 1)
    /** Adds `factor` x what the kernels' clocks show, and `calls` per kernel. */
    const collect = (times: Map<string, KernelTime>, factor: number, calls: number): Map<string, KernelTime> => {
      const view = new DataView(memory.buffer)
      for (const part of walk) {
        if (typeof part === 'function') continue
        part.kernels.forEach((name, i) => {
          const time = times.get(name) ?? { ms: 0, calls: 0 }
          time.ms += factor * view.getFloat64(part.first + i * RECORD_BYTES + 24, true)
          time.calls += calls
          times.set(name, time)
        })
      }
      return times
    }
    const run = (): void => {
      if (disposed) throw new Error('cpu program: disposed; record it again')
      for (const part of walk) {
        if (typeof part === 'function') part()
        else runSegment(part)
      }
      runs++
    }
    return {
      run,
      get kernelTimes() {
        return disposed || clocks[0] === 0 ? new Map() : collect(new Map(), 1, runs)
      },
      profile() {
        const wasOn = clocks[0]
        const times = collect(new Map(), -1, 0)
        const began = performance.now()
        clocks[0] = 1
        try {
          run()
        } finally {
          clocks[0] = wasOn
        }
        const passed = performance.now() - began
        collect(times, 1, 1)
        const steps = walk.filter(part => typeof part === 'function').length
        if (steps > 0) times.set('other', { ms: passed - [...times.values()].reduce((sum, { ms }) => sum + ms, 0), calls: steps })
        return times
      },
      dispose() {
        if (!disposed) heap.free(block)
        disposed = true
      },
    }
  }

  return {
    threads: workers.length + 1,
    allocate: bytes => heap.allocate(bytes),
    free: address => heap.free(address),
    f32: (address, length) => new Float32Array(memory.buffer, address, length),
    u32: (address, length) => new Uint32Array(memory.buffer, address, length),
    program,
    get usedBytes() {
      return heap.usedBytes
    },
    get peakBytes() {
      return heap.peakBytes
    },
    destroy() {
      if (destroyed) return
      destroyed = true
      kernels.stop()
      for (const worker of workers) worker.terminate()
    },
  }
}
