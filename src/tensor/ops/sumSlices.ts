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
/** Invocations that fill a large GPU; more share out less than they cost to begin. */
const ENOUGH = 2 ** 18
/** Neighbouring columns read side by side; each column's slices in THREADS / columns interleaved runs, which are added in order. Many slices of few columns need many runs. */
function columnsFor(sum: SliceSum): number {
  const most = sum.slices > 64 ? 32 : 8
  let runs = 1
  while (runs < most && runs * lengthOf(sum) < ENOUGH) runs *= 2
  return THREADS / runs
}

/** One dispatch for any number of such sums, as far as the buffers that it binds allow. */
export function sumSlices(label: string, ...sums: readonly SliceSum[]): Dispatch {
  const reads = sums.flatMap(({ partial, scale }, n) => [
    { name: `partial${n}`, ref: partial },
    ...(scale ? [{ name: `scale${n}`, ref: scale }] : []),
  ])
  const writes = sums.flatMap(({ outputs }, n) => outputs.map(({ ref }, i) => ({ name: `y${n}_${i}`, ref })))
  let groups = 0
  const cases = sums.map((sum, n) => {
    const first = groups
    groups += Math.ceil(lengthOf(sum) / columnsFor(sum))
    return `if (workgroup.x < ${groups}u) {\n${sumBody(sum, n, first)}\n  }`
  })
  const code = `${bindingHeader(reads, writes)}
var<workgroup> runs: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) index: u32) {
  ${cases.join(' else ')}
}`
  return { label, code, bindings: [...reads, ...writes].map(b => b.ref), groups: [groups, 1, 1] }
}

const lengthOf = ({ outputs }: SliceSum): number => outputs.reduce((sum, o) => sum + o.length, 0)

/** @param first workgroup of this sum */
function sumBody(sum: SliceSum, n: number, first: number): string {
  const { slices, outputs, begin: from = 0, stride, scale } = sum
  const columns = columnsFor(sum)
  const lanes = THREADS / columns
  const length = lengthOf(sum)
  let begin = 0
  const pieces = outputs.map((o, i) => {
    const inside = `    if (i >= ${begin}u && i < ${begin + o.length}u)`
    const e = `(i - ${begin}u)`
    begin += o.length
    return {
      store: `${inside} { y${n}_${i}[${e}] = ${scale ? `s * scale${n}[1]` : 's'}; }`,
      place: o.place && `${inside} { at = ${o.place.replaceAll(/\be\b/g, e)}; }`,
    }
  })
  return `    let lane = index / ${columns}u;
    let i = (workgroup.x - ${first}u) * ${columns}u + index % ${columns}u;
    var s = 0.0;
    var at = i + ${from}u;
${pieces.flatMap(p => p.place ?? []).join('\n')}
    if (i < ${length}u) {
      for (var j = lane; j < ${slices}u; j += ${lanes}u) { s += partial${n}[j * ${stride ?? length}u + at]; }
    }
    runs[index] = s;
    workgroupBarrier();
    if (lane > 0u || i >= ${length}u) { return; }
    for (var l = 1u; l < ${lanes}u; l++) { s += runs[l * ${columns}u + index % ${columns}u]; }
${pieces.map(p => p.store).join('\n')}`
}
