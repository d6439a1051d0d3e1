/** A WebGPU device as a tensor device: every node's WGSL, bound to the memory planned for it. */
import type { BufferRange, GpuDevice, GpuDispatch } from '../gpu/gpuDevice.ts'
import type { Pixels } from '../gpu/present.ts'
import type { Device, Executable, PixelRegion, PlannedStep } from './device.ts'
import { type GpuTraits, traitsOf } from './gpuTraits.ts'
import type { GraphNode, Memory, Ref, Region, WgslWork } from './tensor.ts'

interface GpuMemory extends Memory {
  readonly buffer: BufferRange['buffer']
}

/**
 * Wraps a GPU device, which it then owns: disposing of the tensor device destroys it.
 * @param traits what kernels may use; by default what the GPU has, at full precision
 */
export function gpuBackend(gpu: GpuDevice, traits: GpuTraits = traitsOf(gpu, 'f32')): Device {
  // A node grows when a gradient asks for more of its outputs; its work is then another.
  const works = new WeakMap<GraphNode, { outputs: number; work: WgslWork }>()
  const workOf = (node: GraphNode): WgslWork => {
    const known = works.get(node)
    if (known && known.outputs === node.outputs.length) return known.work
    const work = node.wgsl(traits)
    works.set(node, { outputs: node.outputs.length, work })
    return work
  }

  return {
    kind: 'gpu',
    description: `GPU, ${gpu.name}${precisionNote(traits)}`,
    adapter: gpu,
    precision: traits.precision,
    allocate: bytes => ({ bytes, buffer: gpu.createBuffer(bytes) }) as GpuMemory,
    release: memory => gpu.destroyBuffer(bufferOf(memory)),
    write: (region, data) => gpu.write(bufferOf(region.memory), region.offset * 4, data),
    async read(region, dtype) {
      const bytes = await gpu.read(bufferOf(region.memory), region.offset * 4, region.length * 4)
      return dtype === 'f32' ? new Float32Array(bytes) : new Uint32Array(bytes)
    },
    copy: (from, to) => gpu.copy(rangeOf(from), rangeOf(to)),
    scratchOf: node => workOf(node).scratch ?? [],
    build: (steps): Executable => gpu.program(steps.flatMap(step => dispatchesOf(step, workOf(step.node)))),
    surface(canvas) {
      const surface = gpu.surface(canvas)
      const pixels = ({ width, height, region }: PixelRegion): Pixels => ({ width, height, range: rangeOf(region) })
      return {
        show: (right, left = right, split = 0) => surface.show(pixels(right), pixels(left), split),
        showGrid: (stacked, grid) => surface.showGrid(pixels(stacked), grid),
      }
    },
    sync: () => gpu.sync(),
    get memory() {
      return { used: gpu.usedBytes, peak: gpu.peakBytes }
    },
    [Symbol.dispose]: () => gpu.destroy(),
  }
}

/** What differs from f32, or why nothing does. */
function precisionNote({ matrix, precision, fallback }: GpuTraits): string {
  if (matrix) return `, dense layers at precision '${precision}'`
  return fallback ? ` (dense layers in f32: ${fallback})` : ''
}

function dispatchesOf({ node, inputs, outputs, scratch }: PlannedStep, work: WgslWork): GpuDispatch[] {
  const range = ({ kind, index }: Ref): BufferRange => {
    const list = kind === 'input' ? inputs : kind === 'output' ? outputs : scratch
    const region: Region | undefined = list[index]
    if (!region) throw new Error(`${node.name}: a kernel binds ${kind} ${index}, of which there are ${list.length}`)
    return rangeOf(region)
  }
  return work.dispatches.map(d => ({ ...d, bindings: d.bindings.map(range) }))
}

const rangeOf = ({ memory, offset, length }: Region): BufferRange => ({ buffer: bufferOf(memory), offset: offset * 4, size: length * 4 })
const bufferOf = (memory: Memory): BufferRange['buffer'] => (memory as GpuMemory).buffer
