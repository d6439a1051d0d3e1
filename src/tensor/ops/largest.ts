/** The largest magnitude among many numbers on the GPU, as f32 bits, in two dispatches: what a fixed-point or 16-bit gradient is scaled by. */
import type { Dispatch, Ref } from '../tensor.ts'
import { type Binding, bindingHeader } from './wgsl.ts'

/** Invocations of a workgroup, and workgroups at most: each invocation looks at some 30 numbers of a step. */
const SEEKERS = 256
const MOST_GROUPS = 512

export interface LargestSearch {
  /** Labels of the two kernels. */
  readonly labels: readonly [search: string, finish: string]
  /** At most 7. */
  readonly sources: readonly { readonly ref: Ref; readonly length: number }[]
  /** Memory for `largestLength` words. */
  readonly partial: Ref
  readonly out: Ref
  /** WGSL statements of one invocation that write `made: array<u32>` from `largest: u32`. What is not finite is larger than all that is. */
  readonly finish: string
}

const groupsOf = (sources: LargestSearch['sources']): number =>
  Math.min(Math.ceil(sources.reduce((sum, s) => sum + s.length, 0) / SEEKERS), MOST_GROUPS)

/** Words of `partial`. */
export const largestLength = (sources: LargestSearch['sources']): number => groupsOf(sources)

export function largestKernels({ labels, sources, partial, out, finish }: LargestSearch): Dispatch[] {
  const groups = groupsOf(sources)
  const reads = sources.map(({ ref }, i) => ({ name: `x${i}`, ref }))
  const found: Binding = { name: 'found', ref: partial, dtype: 'u32' }
  const search = sources.map(
    ({ length }, i) =>
      `  for (var j = group.x * ${SEEKERS}u + index; j < ${length}u; j += ${groups * SEEKERS}u) { m = max(m, bitcast<u32>(x${i}[j]) & 0x7fffffffu); }`,
  )
  return [
    kernel(labels[0], reads, found, groups, search.join('\n'), 'found[group.x] = largest;'),
    kernel(
      labels[1],
      [found],
      { name: 'made', ref: out, dtype: 'u32' },
      1,
      `  for (var j = index; j < ${groups}u; j += ${SEEKERS}u) { m = max(m, found[j]); }`,
      finish,
    ),
  ]
}

function kernel(label: string, reads: readonly Binding[], write: Binding, groups: number, search: string, finish: string): Dispatch {
  const code = `${bindingHeader(reads, [write])}
var<workgroup> most: array<u32, ${SEEKERS}>;
@compute @workgroup_size(${SEEKERS}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  var m = 0u;
${search}
  most[index] = m;
  workgroupBarrier();
  for (var half = ${SEEKERS / 2}u; half > 0u; half >>= 1u) {
    if (index < half) { most[index] = max(most[index], most[index + half]); }
    workgroupBarrier();
  }
  if (index > 0u) { return; }
  let largest = most[0];
  ${finish}
}`
  return { label, code, bindings: [...reads.map(r => r.ref), write.ref], groups: [groups, 1, 1] }
}
