/** A device of plain typed arrays that runs every operation's reference, in single or double precision. Double serves central differences. */
import type { Device, Executable, PlannedStep } from '../../src/tensor/device.ts'
import type { DType, Memory, Numbers, Region } from '../../src/tensor/tensor.ts'

interface PlainMemory extends Memory {
  readonly f32: Float32Array
  readonly u32: Uint32Array
}

/** @param precision 'double' keeps every f32 value in 64 bits; references index plain arrays and do not notice. */
export function plainDevice(precision: 'single' | 'double'): Device {
  const Floats = precision === 'single' ? Float32Array : (Float64Array as unknown as Float32ArrayConstructor)
  let used = 0
  const view = (region: Region, dtype: DType, length = region.length): Numbers => {
    const memory = region.memory as PlainMemory
    return dtype === 'f32' ? memory.f32.subarray(region.offset, region.offset + length) : memory.u32.subarray(region.offset, region.offset + length)
  }
  const bind = ({ node, inputs, outputs }: PlannedStep): (() => void) => {
    const x = inputs.map((region, i) => view(region, node.inputs[i].dtype, node.inputs[i].length))
    const y = outputs.map((region, i) => view(region, node.outputs[i].dtype, node.outputs[i].length))
    return () => node.reference(x, y)
  }
  return {
    kind: 'cpu',
    description: `plain arrays, ${precision} precision`,
    allocate(bytes) {
      used += bytes
      return { bytes, f32: new Floats(bytes / 4), u32: new Uint32Array(bytes / 4) } as PlainMemory
    },
    release(memory) {
      used -= memory.bytes
    },
    write(region, data) {
      view(region, data instanceof Uint32Array ? 'u32' : 'f32', data.length).set(data)
      // words may hold floats: storages can be seen as either
      if (data instanceof Uint32Array) view(region, 'f32', data.length).set(new Float32Array(data.buffer, data.byteOffset, data.length))
    },
    copy: (from, to) => {
      for (const dtype of ['f32', 'u32'] as const) view(to, dtype).set(view(from, dtype))
    },
    read: async (region, dtype) => view(region, dtype).slice(),
    scratchOf: () => [],
    build(steps): Executable {
      const calls = steps.map(bind)
      return {
        run() {
          for (const call of calls) call()
        },
        profile: async () => new Map(),
        dispose() {},
      }
    },
    sync: async () => {},
    get memory() {
      return { used, peak: used }
    },
    [Symbol.dispose]() {},
  }
}
