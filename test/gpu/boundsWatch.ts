/**
 * Counts indices that leave their binding. The library turns the bounds checks of Dawn and of drivers off (src/node.ts), so that no kernel may count on them: tests
 * watch every index into a storage buffer, and a kernel that leaves one fails them by name.
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

/** What a watched device has found since the last call: kernels and how many of their invocations left a buffer. */
type BoundsReport = () => Promise<string[]>

/** Those of all watched devices of this process, which outlive a test file's modules. */
const REPORTS = Symbol.for('faceclipnerf bounds reports')
const all = globalThis as { [REPORTS]?: BoundsReport[] }

/** What all watched devices have found since the last call. */
export async function outOfBounds(): Promise<string[]> {
  return (await Promise.all((all[REPORTS] ?? []).map(report => report()))).flat()
}

/** Makes the devices of the adapter watched ones. One binding of each kernel goes to the counters, so that a device says it has one less. */
export function watchBounds(adapter: GPUAdapter): void {
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
    return counts.flatMap((count, i) => (count > 0 ? [`kernel ${labels[i]}: ${count} invocations index beyond a buffer`] : []))
  }
}

const BINDING = /@group\(0\)\s*@binding\(\d+\)\s*var<storage[^>]*>\s*(\w+)\s*:/g
const MAIN = '@compute @workgroup_size('

/**
 * The kernel with its largest index into each storage buffer kept, and compared with the buffer's length when an invocation ends; what is beyond is counted in element `id`
 * of one binding more. (A check at every index would take software adapters minutes to compile.)
 */
export function withBoundsCounted(code: string, id: number): string {
  const names = [...code.matchAll(BINDING)].map(m => m[1])
  if (names.length === 0) return code
  const inside = names.map(
    name => `var<private> largest_${name}: u32;
fn inside_${name}(i: u32) -> u32 {
  largest_${name} = max(largest_${name}, i);
  return i;
}`,
  )
  const [before, attribute, parameters, body] = mainOf(code)
  const passed = [...parameters.matchAll(/(\w+)\s*:/g)].map(m => m[1]).join(', ')
  const plain = parameters.replaceAll(/@builtin\(\w+\)\s*/g, '')
  const checks = names.map(name => `  if (largest_${name} >= arrayLength(&${name})) { atomicAdd(&out_of_bounds[${id}u], 1u); }`)
  const indexed = new RegExp(`(?<![.\\w])(${names.join('|')})\\[`)
  return `${checked(before, indexed)}fn watched(${plain})${checked(body, indexed)}
@group(0) @binding(${names.length}) var<storage, read_write> out_of_bounds: array<atomic<u32>>;
${inside.join('\n')}
${attribute}fn main(${parameters}) {
  watched(${passed});
${checks.join('\n')}
}
`
}

/** What stands before the entry point, its attributes, its parameters, and its body with what follows. */
function mainOf(code: string): [before: string, attribute: string, parameters: string, body: string] {
  const begin = code.indexOf(MAIN)
  const name = code.indexOf('fn main(', begin)
  const first = name + 'fn main('.length
  const end = closing(code, first, '(', ')')
  return [code.slice(0, begin), code.slice(begin, name), code.slice(first, end), code.slice(end + 1)]
}

/** Indices into what `indexed` finds, and indices within those, go through a function of the name. */
function checked(code: string, indexed: RegExp): string {
  const found = indexed.exec(code)
  if (!found) return code
  const begin = found.index + found[0].length
  const end = closing(code, begin, '[', ']')
  const index = checked(code.slice(begin, end), indexed)
  return `${code.slice(0, begin)}inside_${found[1]}(u32(${index}))]${checked(code.slice(end + 1), indexed)}`
}

/** Where the bracket that is open at `at` is closed. */
function closing(code: string, at: number, open: string, close: string): number {
  let end = at
  for (let depth = 1; depth > 0; end++) depth += code[end] === open ? 1 : code[end] === close ? -1 : 0
  return end - 1
}
