/**
 * Counts indices that leave their binding. The library turns the bounds checks of Dawn and of drivers off (src/node.ts), so that no kernel may count on them: tests put
 * checks of their own around every index into a storage buffer, and a kernel that leaves one fails them by name.
 */

const LIMIT = 'maxStorageBuffersPerShaderStage'
const DEFAULT_LIMIT = 8
/** Of kernels, each with a counter. */
const MOST_KERNELS = 1 << 16
const STORAGE = 0x80
const COPY_SRC = 0x04
const COPY_DST = 0x08
const MAP_READ = 0x01
const COMPUTE = 0x04

/** What a watched device has found since the last call: kernels and how many of their indices were out of bounds. */
export type BoundsReport = () => Promise<string[]>

/** Those of all watched devices of this process: tests read them after each test (boundsSetup.ts), without loading what made them. */
export const REPORTS = Symbol.for('faceclipnerf bounds reports')

/** Makes the devices of the adapter watched ones. One binding of each kernel goes to the counters, so that a device says it has one less. */
export function watchBounds(adapter: GPUAdapter): void {
  const all = globalThis as { [REPORTS]?: BoundsReport[] }
  const request = adapter.requestDevice.bind(adapter)
  adapter.requestDevice = async descriptor => {
    const most = adapter.limits[LIMIT]
    const device = await request({ ...descriptor, requiredLimits: { ...descriptor?.requiredLimits, [LIMIT]: most } })
    const given = descriptor?.requiredLimits?.[LIMIT] ?? DEFAULT_LIMIT
    all[REPORTS] = [...(all[REPORTS] ?? []), watch(device, Math.min(Number(given), most - 1))]
    return device
  }
}

function watch(device: GPUDevice, shown: number): BoundsReport {
  const labels: string[] = []
  const counters = device.createBuffer({ label: 'bounds', size: 4 * MOST_KERNELS, usage: STORAGE | COPY_SRC | COPY_DST })
  const make = {
    module: device.createShaderModule.bind(device),
    layout: device.createBindGroupLayout.bind(device),
    group: device.createBindGroup.bind(device),
  }
  const limits = new Proxy(device.limits, { get: (of, key) => (key === LIMIT ? shown : Reflect.get(of, key)) })
  Object.defineProperty(device, 'limits', { value: limits })
  device.createShaderModule = descriptor => {
    if (!descriptor.code.includes('@compute')) return make.module(descriptor)
    labels.push(descriptor.label ?? '')
    return make.module({ ...descriptor, code: withBoundsCounted(descriptor.code, labels.length - 1) })
  }
  device.createBindGroupLayout = descriptor => {
    const entries = [...descriptor.entries]
    if (!entries.every(e => e.visibility === COMPUTE && e.buffer)) return make.layout(descriptor)
    return make.layout({ ...descriptor, entries: [...entries, { binding: entries.length, visibility: COMPUTE, buffer: { type: 'storage' } }] })
  }
  device.createBindGroup = descriptor => {
    const entries = [...descriptor.entries]
    return make.group({ ...descriptor, entries: [...entries, { binding: entries.length, resource: { buffer: counters } }] })
  }
  let lost = false
  void device.lost.then(() => {
    lost = true
  })
  return async () => {
    if (lost) return []
    const size = 4 * labels.length
    if (size === 0) return []
    const copy = device.createBuffer({ size, usage: COPY_DST | MAP_READ })
    const encoder = device.createCommandEncoder()
    encoder.copyBufferToBuffer(counters, 0, copy, 0, size)
    encoder.clearBuffer(counters)
    device.queue.submit([encoder.finish()])
    await copy.mapAsync(MAP_READ)
    const counts = [...new Uint32Array(copy.getMappedRange())]
    copy.destroy()
    return counts.flatMap((count, i) => (count > 0 ? [`kernel ${labels[i]}: ${count} indices out of bounds`] : []))
  }
}

const BINDING = /@group\(0\)\s*@binding\(\d+\)\s*var<storage[^>]*>\s*(\w+)\s*:/g

/** The kernel with a check around every index into its storage buffers, which counts in element `id` of one binding more. */
export function withBoundsCounted(code: string, id: number): string {
  const names = [...code.matchAll(BINDING)].map(m => m[1])
  if (names.length === 0) return code
  const inside = names.map(
    name => `fn inside_${name}(i: u32) -> u32 {
  if (i >= arrayLength(&${name})) { atomicAdd(&out_of_bounds[${id}u], 1u); }
  return i;
}`,
  )
  const counters = `@group(0) @binding(${names.length}) var<storage, read_write> out_of_bounds: array<atomic<u32>>;`
  return `${checked(code, new RegExp(`(?<![.\\w])(${names.join('|')})\\[`))}\n${counters}\n${inside.join('\n')}\n`
}

/** Indices into what `indexed` finds, and indices within those, go through a function of the name. */
function checked(code: string, indexed: RegExp): string {
  const found = indexed.exec(code)
  if (!found) return code
  const begin = found.index + found[0].length
  let end = begin
  for (let depth = 1; depth > 0; end++) depth += code[end] === '[' ? 1 : code[end] === ']' ? -1 : 0
  const index = checked(code.slice(begin, end - 1), indexed)
  return `${code.slice(0, begin)}inside_${found[1]}(u32(${index}))]${checked(code.slice(end), indexed)}`
}
