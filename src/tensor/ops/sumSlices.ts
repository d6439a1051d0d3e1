/** The last step of a sum over many rows on the GPU: partial sums [slices, length] -> their total, in a fixed order. */
import type { Dispatch, Ref } from '../tensor.ts'
import { bindingHeader } from './wgsl.ts'

interface SliceOutput {
  readonly ref: Ref
  readonly length: number
  /** Where its elements lie in a slice, a WGSL expression in `e`, the element's number; by default one after the other, behind the last piece. */
  readonly place?: string
}

export interface SliceSum {
  readonly label: string
  /** [slices, stride] */
  readonly partial: Ref
  readonly slices: number
  /** Where the total goes, piece by piece. */
  readonly outputs: readonly SliceOutput[]
  /** Where a slice's first piece begins, by default at 0, and how long a slice is, by default the pieces together. */
  readonly begin?: number
  readonly stride?: number
  /** What totals are multiplied by: element 1 of this. */
  readonly scale?: Ref
}

const THREADS = 256
/** Neighbouring columns read side by side; each column's slices in THREADS / columns interleaved runs, which are added in order. Many slices need many runs. */
const columnsFor = (slices: number): number => (slices > 64 ? 8 : 32)

export function sumSlices({ label, partial, slices, outputs, begin: first = 0, stride, scale }: SliceSum): Dispatch {
  const columns = columnsFor(slices)
  const lanes = THREADS / columns
  const length = outputs.reduce((sum, o) => sum + o.length, 0)
  const reads = [{ name: 'partial', ref: partial }, ...(scale ? [{ name: 'scale', ref: scale }] : [])]
  const writes = outputs.map(({ ref }, i) => ({ name: `y${i}`, ref }))
  let begin = 0
  const value = scale ? 's * scale[1]' : 's'
  const pieces = outputs.map((o, i) => {
    const inside = `  if (i >= ${begin}u && i < ${begin + o.length}u)`
    const e = `(i - ${begin}u)`
    begin += o.length
    return {
      store: `${inside} { y${i}[${e}] = ${value}; }`,
      place: o.place && `${inside} { at = ${o.place.replaceAll(/\be\b/g, e)}; }`,
    }
  })
  const code = `${bindingHeader(reads, writes)}
var<workgroup> runs: array<f32, ${THREADS}>;
@compute @workgroup_size(${columns}, ${lanes}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let i = group.x * ${columns}u + local.x;
  var s = 0.0;
  var at = i + ${first}u;
${pieces.flatMap(p => p.place ?? []).join('\n')}
  if (i < ${length}u) {
    for (var j = local.y; j < ${slices}u; j += ${lanes}u) { s += partial[j * ${stride ?? length}u + at]; }
  }
  runs[index] = s;
  workgroupBarrier();
  if (local.y > 0u || i >= ${length}u) { return; }
  for (var lane = 1u; lane < ${lanes}u; lane++) { s += runs[lane * ${columns}u + local.x]; }
${pieces.map(p => p.store).join('\n')}
}`
  return { label, code, bindings: [...reads.map(r => r.ref), ...outputs.map(o => o.ref)], groups: [Math.ceil(length / columns), 1, 1] }
}
