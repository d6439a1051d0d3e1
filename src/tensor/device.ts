/** A device holds memory and runs planned steps. The GPU and the CPU backend are the two; everything above tensor/ is written once for both. */
import type { KernelTime, MatrixShape } from '../gpu/gpuDevice.ts'
import type { Precision } from './gpuTraits.ts'
import type { MlpTiling } from './ops/fusedMlp.ts'
import type { GraphNode, Memory, Numbers, Region } from './tensor.ts'
import { type DType, elements, type Shape, showShape, Tensor } from './tensor.ts'

/** One node with memory for everything it touches. */
export interface PlannedStep {
  readonly node: GraphNode
  readonly inputs: readonly Region[]
  readonly outputs: readonly Region[]
  readonly scratch: readonly Region[]
}

/** A recorded plan on its device. */
export interface Executable {
  run(): void
  /** Runs once with a clock around every kernel: milliseconds and calls per kernel. Empty where the device has no such clock. */
  profile(): Promise<ReadonlyMap<string, KernelTime>>
  dispose(): void
}

/** What a GPU offers: kernels choose their variants by it, and a person is told. */
export interface AdapterFacts {
  readonly name: string
  readonly vendor: string
  readonly architecture: string
  readonly features: ReadonlySet<string>
  readonly limits: Readonly<Record<string, number>>
  /** Products of its matrix units; none where there are no such units. */
  readonly matrixShapes: readonly MatrixShape[]
}

/** RGBA words on a device, a picture's pixels row by row. */
export interface PixelRegion {
  readonly width: number
  readonly height: number
  readonly region: Region
}

/** A canvas that shows what lies on its device. */
export interface DeviceSurface {
  /** Shows one picture, or `left` in the columns before `split` and `right` in the others. Sizes are equal. */
  show(right: PixelRegion, left?: PixelRegion, split?: number): void
  /** Shows `count` pictures, which lie one below the other in `stacked`, in rows of `columns`. */
  showGrid(stacked: PixelRegion, grid: { readonly count: number; readonly columns: number }): void
}

/** A GPU or the CPU; `openDevice` makes one, `using` gives it back. */
export interface Device extends Disposable {
  readonly kind: 'gpu' | 'cpu'
  /** What a person wants to know: adapter name, or threads. */
  readonly description: string
  /** Absent on the CPU. */
  readonly adapter?: AdapterFacts
  /** What dense layers and chains of narrow ones are computed at; absent on the CPU, which has f32. */
  readonly precision?: Precision
  /** How chains of narrow layers are computed: cut like this, or layer by layer. Chosen by the adapter without. */
  readonly mlp?: MlpTiling | 'layers'
  /** Zero-filled memory that lives until released or collected. */
  allocate(bytes: number): Memory
  release(memory: Memory): void
  write(region: Region, data: Numbers): void
  read(region: Region, dtype: DType): Promise<Numbers>
  /** Copies numbers from one piece of memory to another on the device: after all runs so far, before the next. */
  copy(from: Region, to: Region): void
  /** Lengths in elements of the scratch memory the device needs for this node. */
  scratchOf(node: GraphNode): readonly number[]
  build(steps: readonly PlannedStep[]): Executable
  /** Makes a canvas show pictures that lie on the device; absent on the CPU, whose pictures any canvas takes. */
  surface?(canvas: OffscreenCanvas | HTMLCanvasElement): DeviceSurface
  /** Resolves when all submitted work is done. Rejects when the device was lost. */
  sync(): Promise<void>
  /** Bytes held now and at most so far. */
  readonly memory: { readonly used: number; readonly peak: number }
}

/** Persistent device memory of `length` 4-byte elements, seen as tensors. Parameters, inputs and state live in storages. */
export class Storage {
  readonly region: Region
  constructor(
    readonly device: Device,
    readonly length: number,
    readonly dtype: DType = 'f32',
  ) {
    this.region = { memory: device.allocate(Math.max(length, 1) * 4), offset: 0, length }
  }

  /** A leaf tensor over elements [offset, offset + size), whose words may be seen as another type than the storage's. Offsets of tensors bound to kernels on a GPU must be multiples of 64 (256 bytes). */
  tensor(shape: Shape, offset = 0, dtype: DType = this.dtype): Tensor {
    const length = elements(shape)
    if (offset + length > this.length) throw new Error(`storage: ${showShape(shape)} at ${offset} does not fit into ${this.length} elements`)
    if (offset % 64 !== 0) throw new Error(`storage: offset ${offset} is not a multiple of 64 elements`)
    return new Tensor(shape, dtype, { kind: 'storage', region: { memory: this.region.memory, offset, length } })
  }

  /** Overwrites elements from `offset` on, before the next run. Throws when the data does not fit. */
  write(data: Numbers, offset = 0): void {
    if (offset + data.length > this.length) throw new Error(`storage: ${data.length} values at ${offset} do not fit into ${this.length}`)
    this.device.write({ memory: this.region.memory, offset, length: data.length }, data)
  }

  /** Overwrites everything by another storage's numbers, before the next run, without reading them back. Throws when the lengths differ. */
  copyFrom(other: Storage): void {
    if (other.length !== this.length) throw new Error(`storage: copy of ${other.length} elements into ${this.length}`)
    this.device.copy(other.region, this.region)
  }

  /** A copy of the elements [offset, offset + length). */
  async read(offset = 0, length = this.length - offset): Promise<Float32Array> {
    return (await this.device.read({ memory: this.region.memory, offset, length }, 'f32')) as Float32Array
  }

  /** Gives the memory back now; tensors over it must no longer be used. */
  release(): void {
    this.device.release(this.region.memory)
  }
}

/** A leaf tensor holding `data`. Throws when the count does not match the shape. */
export function tensor(device: Device, data: Numbers | readonly number[], shape: Shape): Tensor {
  const values = Array.isArray(data) ? Float32Array.from(data as number[]) : (data as Numbers)
  if (values.length !== elements(shape)) throw new Error(`tensor: ${values.length} values for shape ${showShape(shape)}`)
  const storage = new Storage(device, values.length, values instanceof Uint32Array ? 'u32' : 'f32')
  storage.write(values)
  return storage.tensor(shape)
}

/** A copy of a leaf tensor's numbers. */
export async function readLeaf(device: Device, x: Tensor): Promise<Float32Array> {
  if (x.source.kind !== 'storage') throw new Error('readLeaf: not a leaf; compile a plan and read from it')
  return (await device.read(x.source.region, x.dtype)) as Float32Array
}

/** Overwrites a leaf tensor's numbers. Throws when the count does not match. */
export function writeLeaf(device: Device, x: Tensor, data: Numbers): void {
  if (x.source.kind !== 'storage') throw new Error('writeLeaf: not a leaf tensor')
  if (data.length !== x.length) throw new Error(`writeLeaf: ${data.length} values for shape ${showShape(x.shape)}`)
  device.write(x.source.region, data)
}
