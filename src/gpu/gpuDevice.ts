/** One WebGPU device: buffers, programs, errors. Knows nothing of tensors. */
import { Buffers } from './buffers.ts'
import type { BufferRange, GpuDispatch } from './dispatch.ts'
import { KernelCache } from './kernel.ts'
import { Order } from './order.ts'
import { openSurface, type Surface } from './present.ts'
import { type GpuProgram, makeProgram } from './program.ts'

export type { BufferRange, GpuDispatch } from './dispatch.ts'
export type { Surface } from './present.ts'
export type { KernelTime } from './profiler.ts'
export type { GpuProgram } from './program.ts'

export interface GpuDevice {
  /** The adapter's own name, e.g. 'NVIDIA H200' or 'SwiftShader driver 5.0.0'. */
  readonly name: string
  readonly vendor: string
  readonly architecture: string
  readonly features: ReadonlySet<string>
  readonly limits: Readonly<Record<LimitName, number>>
  /** Products its matrix units make of f16 operands with f32 sums, where every subgroup has the same size; else none. */
  readonly matrixShapes: readonly MatrixShape[]
  /** Zero-filled storage; throws when the adapter allows no such size. */
  createBuffer(bytes: number): GPUBuffer
  destroyBuffer(buffer: GPUBuffer): void
  write(buffer: GPUBuffer, offset: number, data: ArrayBufferView): void
  /** A copy of the bytes after all submitted work. Rejects with the first error since the last `read` or `sync`. */
  read(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer>
  /** Copies bytes between two buffers: after all submitted work, before all later. Sizes are equal. */
  copy(from: BufferRange, to: BufferRange): void
  /** Throws when a dispatch exceeds the limits; WGSL that does not compile is reported by the next `read` or `sync`. */
  program(dispatches: readonly GpuDispatch[]): GpuProgram
  /** Resolves when all submitted work is done. Rejects with the first error since, or when the device was lost. */
  sync(): Promise<void>
  /** Makes a canvas show pictures of this device. Throws when the canvas gives no WebGPU context. */
  surface(canvas: OffscreenCanvas | HTMLCanvasElement): Surface
  readonly usedBytes: number
  readonly peakBytes: number
  destroy(): void
}

/** A subgroup of `lanes` invocations multiplies [m, k] by [k, n] at once. */
export interface MatrixShape {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly lanes: number
}

const FEATURES = ['timestamp-query', 'shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as const
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const

/** Limits that every WebGPU device has and that nothing asks to be raised. */
const KEPT_LIMITS = ['maxComputeWorkgroupsPerDimension', 'minStorageBufferOffsetAlignment'] as const
type LimitName = (typeof LIMITS)[number] | (typeof KEPT_LIMITS)[number]

export interface GpuOptions {
  /** An object that must live as long as the device (Dawn's). */
  readonly keep?: unknown
  /** 'default' asks for no more than every WebGPU device has, to see whether a program would run on all of them. */
  readonly limits?: 'adapter' | 'default'
  /** Kernels compile at the same time; default where the adapter is no software, which would share its cores with the compilers (on 2 cores twice the time). */
  readonly compileSideBySide?: boolean
}

/** Opens a device with everything the adapter has of FEATURES and LIMITS. */
export async function openGpuDevice(adapter: GPUAdapter, options: GpuOptions = {}): Promise<GpuDevice> {
  const { keep, limits = 'adapter', compileSideBySide = !adapter.info.isFallbackAdapter } = options
  const requiredFeatures = FEATURES.filter(f => adapter.features.has(f)) as GPUFeatureName[]
  const requiredLimits = limits === 'default' ? {} : Object.fromEntries(LIMITS.map(name => [name, adapter.limits[name]]))
  const device = await adapter.requestDevice({ label: 'faceclipnerf', requiredFeatures, requiredLimits })
  return wrap(device, adapter, { keep, compileSideBySide })
}

/** Dawn's experimental addition to an adapter's info. */
interface MatrixConfig {
  readonly M: number
  readonly N: number
  readonly K: number
  readonly componentType: string
  readonly resultComponentType: string
}

function matrixShapesOf(adapter: GPUAdapter, features: ReadonlySet<string>): MatrixShape[] {
  const { subgroupMinSize: lanes, subgroupMaxSize, ...rest } = infoOf(adapter)
  if (!lanes || lanes !== subgroupMaxSize || !['shader-f16', 'chromium-experimental-subgroup-matrix'].every(f => features.has(f))) return []
  return (rest.subgroupMatrixConfigs ?? [])
    .filter(c => c.componentType === 'f16' && c.resultComponentType === 'f32')
    .map(({ M: m, N: n, K: k }) => ({ m, n, k, lanes }))
}

function infoOf({ info }: GPUAdapter): Pick<GPUAdapterInfo, 'subgroupMinSize' | 'subgroupMaxSize'> & { subgroupMatrixConfigs?: MatrixConfig[] } {
  const { subgroupMinSize, subgroupMaxSize } = info
  const { subgroupMatrixConfigs } = info as { subgroupMatrixConfigs?: MatrixConfig[] }
  return { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs: subgroupMatrixConfigs && [...subgroupMatrixConfigs] }
}

/** What a person would call the adapter. */
export function adapterName({ info }: GPUAdapter): string {
  return info.description || info.device || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'unnamed adapter'
}

function wrap(device: GPUDevice, adapter: GPUAdapter, { keep, compileSideBySide }: { keep: unknown; compileSideBySide: boolean }): GpuDevice {
  const name = adapterName(adapter)
  const { vendor, architecture } = adapter.info
  const errors = new Errors(device, name)
  const order = new Order(error => errors.add(error))
  const buffers = new Buffers(device, order)
  const kernels = new KernelCache(device, found => errors.expect(found), compileSideBySide)
  const kept = { keep }
  let idle = true
  const takeIdle = (): boolean => {
    const was = idle
    idle = false
    return was
  }
  const features = new Set<string>(device.features)
  return {
    name,
    vendor,
    architecture,
    features,
    matrixShapes: matrixShapesOf(adapter, features),
    limits: Object.fromEntries([...LIMITS, ...KEPT_LIMITS].map(limit => [limit, device.limits[limit]])) as Record<LimitName, number>,
    createBuffer: bytes => buffers.create(bytes),
    destroyBuffer: buffer => buffers.destroy(buffer),
    write: (buffer, offset, data) => buffers.write(buffer, offset, data),
    async read(buffer, offset, bytes) {
      const result = await buffers.read(buffer, offset, bytes).catch((error: unknown) => error)
      const failed = !(result instanceof ArrayBuffer)
      await errors.rethrow(failed)
      if (failed) throw result
      idle = true
      return result
    },
    copy: (from, to) => buffers.copy(from, to),
    program: dispatches => makeProgram(device, { kernels, order, usable: () => errors.throwIfLost(), takeIdle }, dispatches),
    surface: canvas => openSurface(device, canvas, order),
    async sync() {
      await order.settled()
      const failed = await device.queue.onSubmittedWorkDone().then(
        () => false,
        () => true,
      )
      await errors.rethrow(failed)
      idle = true
    },
    get usedBytes() {
      return buffers.usedBytes
    },
    get peakBytes() {
      return buffers.peakBytes
    },
    destroy() {
      errors.closed = true
      order.clear()
      buffers.destroyAll()
      device.destroy()
      // Dawn reports the loss later, and must be there to do it: a process that let it go sooner has crashed.
      void errors.loss.then(() => setTimeout(() => (kept.keep = undefined), 0))
    },
  }
}

/** Longest wait for the report of a loss after something failed. */
const LOSS_REPORT_MS = 100

/** WebGPU reports late; this keeps what it reported until someone asks. */
class Errors {
  private readonly pending = new Set<Promise<void>>()
  private compile: Error[] = []
  private other: Error[] = []
  private lost: Error | undefined
  /** Resolves once the device is lost or closed. */
  readonly loss: Promise<void>
  /** Set before the device is destroyed on purpose. */
  closed = false

  constructor(device: GPUDevice, name: string) {
    device.onuncapturederror = event => {
      event.preventDefault() // it is thrown by the next read or sync instead of printed
      this.other.push(new Error(`gpu: ${event.error.message}`))
    }
    this.loss = device.lost.then(({ message }) => {
      const why = message.trim().split('\n')[0] || 'no reason given'
      this.lost = new Error(
        this.closed
          ? `gpu: the device ${name} was closed; open a new one`
          : `gpu: the device ${name} was lost (${why}); open a new one and resume from the last checkpoint (train --resume)`,
      )
    })
  }

  add(error: Error): void {
    this.other.push(error)
  }

  expect(found: Promise<Error | undefined>): void {
    const settled = found.then(
      error => {
        if (error) this.compile.push(error)
        this.pending.delete(settled)
      },
      () => {
        this.pending.delete(settled)
      },
    )
    this.pending.add(settled)
  }

  throwIfLost(): void {
    if (this.lost) throw this.lost
  }

  /**
   * Throws the first error since the last call: that the device is lost, what did not compile, what followed from it.
   * @param failed something was refused, which a loss may explain that is reported only later
   */
  async rethrow(failed = false): Promise<void> {
    await Promise.all(this.pending)
    if (failed) await Promise.race([this.loss, new Promise(resolve => setTimeout(resolve, LOSS_REPORT_MS))])
    const [first] = [...this.compile, ...this.other]
    this.compile = []
    this.other = []
    this.throwIfLost()
    if (first) throw first
  }
}
