/** The last step of a sum over many rows on the GPU: partial sums [slices, length] -> their total, in a fixed order. */
import type { Dispatch, Ref } from '../tensor.ts'
import { bindingHeader } from './wgsl.ts'

export interface SliceSum {
  readonly label: string
  /** [slices, stride] */
  readonly partial: Ref
  readonly slices: number
  /** Where the total goes, piece by piece. */
  readonly outputs: readonly { readonly ref: Ref; readonly length: number }[]
  /** Where a slice's first piece begins, by default at 0, and how long a slice is, by default the pieces together. */
  readonly begin?: number
  readonly stride?: number
}

/** Neighbouring columns read side by side; each column's slices in 8 interleaved runs, which are added in order. */
const COLUMNS = 32
const LANES = 8

export function sumSlices({ label, partial, slices, outputs, begin: first = 0, stride }: SliceSum): Dispatch {
  const length = outputs.reduce((sum, o) => sum + o.length, 0)
  const reads = [{ name: 'partial', ref: partial }]
  const writes = outputs.map(({ ref }, i) => ({ name: `y${i}`, ref }))
  let begin = 0
  const stores = outputs.map((o, i) => {
    const line = `  if (i >= ${begin}u && i < ${begin + o.length}u) { y${i}[i - ${begin}u] = s; }`
    begin += o.length
    return line
  })
  const code = `${bindingHeader(reads, writes)}
var<workgroup> runs: array<f32, ${COLUMNS * LANES}>;
@compute @workgroup_size(${COLUMNS}, ${LANES}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let i = group.x * ${COLUMNS}u + local.x;
  var s = 0.0;
  if (i < ${length}u) {
    for (var j = local.y; j < ${slices}u; j += ${LANES}u) { s += partial[j * ${stride ?? length}u + ${first}u + i]; }
  }
  runs[index] = s;
  workgroupBarrier();
  if (local.y > 0u || i >= ${length}u) { return; }
  for (var lane = 1u; lane < ${LANES}u; lane++) { s += runs[lane * ${COLUMNS}u + local.x]; }
${stores.join('\n')}
}`
  return { label, code, bindings: [partial, ...outputs.map(o => o.ref)], groups: [Math.ceil(length / COLUMNS), 1, 1] }
}
