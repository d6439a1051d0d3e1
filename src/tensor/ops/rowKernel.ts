/** WGSL kernels in which one workgroup works on one row: lanes stride over the row and meet in shared memory. */
import type { Dispatch } from '../tensor.ts'
import { type Binding, bindingHeader, MAX_GROUPS } from './wgsl.ts'

/** Invocations per row unless told otherwise: a warp or wave of every adapter divides it. */
export const LANES = 64

export interface RowKernel {
  readonly label: string
  readonly reads: readonly Binding[]
  readonly writes: readonly Binding[]
  readonly rows: number
  /** Shared arrays: name and length in f32; with `count` more for the sums they must stay below 16 KiB. */
  readonly shared?: readonly (readonly [name: string, length: number])[]
  /** Invocations per row, a power of two: few long rows need many to fill a GPU. Default LANES. */
  readonly count?: number
  /** Runs in every lane with `row: u32` and `lane: u32` in [0, count); `sumLanes(lane, v)` and `maxLanes(lane, v)` give all lanes the same value. */
  readonly body: string
}

/** One workgroup per row. The tree sum has a fixed order, so the result does not depend on scheduling. */
export function rowKernel({ label, reads, writes, rows, shared = [], count = LANES, body }: RowKernel): Dispatch {
  const x = Math.min(rows, MAX_GROUPS)
  const code = `${bindingHeader(reads, writes)}${shared.map(([name, length]) => `var<workgroup> ${name}: array<f32, ${length}>;\n`).join('')}${lanesWgsl(count)}
@compute @workgroup_size(${count}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * ${x}u;
  if (row >= ${rows}u) { return; }
${body}
}`
  return { label, code, bindings: [...reads, ...writes].map(b => b.ref), groups: [x, Math.ceil(rows / x), 1] }
}

const lanesWgsl = (count: number): string => `var<workgroup> lanes: array<f32, ${count}>;
fn sumLanes(lane: u32, value: f32) -> f32 {
  lanes[lane] = value;
  workgroupBarrier();
  for (var s = ${count / 2}u; s > 0u; s >>= 1u) {
    if (lane < s) { lanes[lane] += lanes[lane + s]; }
    workgroupBarrier();
  }
  let total = lanes[0];
  workgroupBarrier();
  return total;
}
fn maxLanes(lane: u32, value: f32) -> f32 {
  lanes[lane] = value;
  workgroupBarrier();
  for (var s = ${count / 2}u; s > 0u; s >>= 1u) {
    if (lane < s) { lanes[lane] = max(lanes[lane], lanes[lane + s]); }
    workgroupBarrier();
  }
  let largest = lanes[0];
  workgroupBarrier();
  return largest;
}`
