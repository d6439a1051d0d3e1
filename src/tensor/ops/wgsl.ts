/** Builds the common shape of a WGSL kernel: bindings, one invocation per item, bounds check. */
import type { Dispatch, DType, Ref } from '../tensor.ts'

export interface Binding {
  readonly name: string
  readonly ref: Ref
  readonly dtype?: DType
  /** Element type in WGSL when it is not the dtype: 'atomic<i32>'. */
  readonly element?: string
}

export interface ItemKernel {
  readonly label: string
  readonly reads?: readonly Binding[]
  readonly writes: readonly Binding[]
  /** Number of items; the body runs once per item with `i: u32` in [0, items). */
  readonly items: number
  readonly body: string
  /** Functions and constants before main. */
  readonly declarations?: string
  /** Invocations per workgroup; by default 64, which suits every adapter's warp or wave, and MANY_INVOCATIONS where there are many items. */
  readonly workgroup?: number
}

/** A large GPU begins 1.3 workgroups a nanosecond (H200, all simple kernels alike): of 64 invocations that is all that a kernel which reads and writes once ever does. */
const MANY_INVOCATIONS = 256
const MANY_ITEMS = 1 << 16

/** Most workgroups along one axis (WebGPU's default limit). */
export const MAX_GROUPS = 65535

/** One invocation per item, in a 1-D or, past 65,535 workgroups, 2-D grid. */
export function itemKernel({ label, reads = [], writes, items, body, declarations = '', ...options }: ItemKernel): Dispatch {
  const { workgroup = items >= MANY_ITEMS ? MANY_INVOCATIONS : 64 } = options
  const groups = Math.ceil(items / workgroup)
  const x = Math.min(groups, MAX_GROUPS)
  const y = Math.ceil(groups / x)
  const code = `${bindingHeader(reads, writes)}${declarations}
@compute @workgroup_size(${workgroup}) fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x + id.y * ${x * workgroup}u;
  if (i >= ${items}u) { return; }
${body}
}`
  return { label, code, bindings: [...reads, ...writes].map(b => b.ref), groups: [x, y, 1] }
}

/** `var<storage>` declarations, reads first, binding numbers in order. */
export function bindingHeader(reads: readonly Binding[], writes: readonly Binding[]): string {
  const line = (b: Binding, index: number, access: string): string =>
    `@group(0) @binding(${index}) var<storage, ${access}> ${b.name}: array<${b.element ?? b.dtype ?? 'f32'}>;\n`
  return reads.map((b, i) => line(b, i, 'read')).join('') + writes.map((b, i) => line(b, reads.length + i, 'read_write')).join('')
}

/** Vector components, to be written out: an index that is not constant would put sums that an invocation keeps into memory. */
export const COMPONENTS = ['x', 'y', 'z', 'w'] as const
export const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i))
/** Lines of a kernel that differ by a number. */
export const text = (n: number, line: (i: number) => string): string => times(n, line).join('\n')

/** Adds up the workgroup array `runs` of `threads` numbers, a power of two, into its first element; `index` is the invocation's. */
export const addRuns = (threads: number): string => `  for (var half = ${threads / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (index < half) { runs[index] += runs[index + half]; }
  }`

/** A float literal WGSL accepts, exact for f32. */
export function float(value: number): string {
  const text = Math.fround(value).toString()
  return /[.e]/.test(text) ? `f32(${text})` : `${text}.0`
}
