/** The CPU device as a tensor device: SIMD kernels where an operation has them, its plain reference where not. */
import type { Arg, CpuDevice, Step } from '../cpu/cpuDevice.ts'
import type { Device, Executable, PlannedStep } from './device.ts'
import type { DType, GraphNode, Memory, Numbers, Ref, Region, SimdWork } from './tensor.ts'

interface CpuMemory extends Memory {
  readonly address: number
}

/** Wraps a CPU device. @param useSimd false runs every operation's reference: the yardstick in tests. */
export function cpuBackend(cpu: CpuDevice, useSimd = true): Device {
  const works = new WeakMap<GraphNode, SimdWork | null>()
  const workOf = (node: GraphNode): SimdWork | null => {
    if (!useSimd) return null
    const known = works.get(node)
    if (known !== undefined) return known
    const work = node.simd() ?? null
    works.set(node, work)
    return work
  }
  const view = (region: Region, dtype: DType): Numbers =>
    dtype === 'f32' ? cpu.f32(addressOf(region), region.length) : cpu.u32(addressOf(region), region.length)

  const stepsOf = (step: PlannedStep): Step[] => {
    const work = workOf(step.node)
    if (!work) {
      const inputs = step.inputs.map((r, i) => view({ ...r, length: step.node.inputs[i].length }, step.node.inputs[i].dtype))
      const outputs = step.outputs.map((r, i) => view({ ...r, length: step.node.outputs[i].length }, step.node.outputs[i].dtype))
      return [() => step.node.reference(inputs, outputs)]
    }
    const address = (ref: Ref): number => {
      const list = ref.kind === 'input' ? step.inputs : ref.kind === 'output' ? step.outputs : step.scratch
      return addressOf(list[ref.index])
    }
    return work.calls.map(({ kernel, items, grain, args }) => ({
      kernel,
      items,
      grain,
      args: args.map((arg): Arg => ('kind' in arg ? { ptr: address(arg) } : arg)),
    }))
  }

  return {
    kind: 'cpu',
    description: `CPU, ${cpu.threads} thread${cpu.threads === 1 ? '' : 's'}`,
    allocate: bytes => ({ bytes, address: cpu.allocate(bytes) }) as CpuMemory,
    release: memory => cpu.free((memory as CpuMemory).address),
    write(region, data) {
      if (data instanceof Float32Array) cpu.f32(addressOf(region), data.length).set(data)
      else cpu.u32(addressOf(region), data.length).set(data)
    },
    read: async (region, dtype) => view(region, dtype).slice(),
    copy: (from, to) => cpu.u32(addressOf(to), to.length).set(cpu.u32(addressOf(from), from.length)),
    scratchOf: node => workOf(node)?.scratch ?? [],
    build(steps): Executable {
      const program = cpu.program(steps.flatMap(stepsOf))
      return { run: () => program.run(), profile: async () => program.profile(), dispose: () => program.dispose() }
    },
    sync: async () => {},
    get memory() {
      return { used: cpu.usedBytes, peak: cpu.peakBytes }
    },
    [Symbol.dispose]: () => cpu.destroy(),
  }
}

function addressOf(region: Region): number {
  return (region.memory as CpuMemory).address + region.offset * 4
}
