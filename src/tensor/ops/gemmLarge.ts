/**
 * Large tiles of a product in f32 (see gemm.ts): 256 invocations, each with a block of up to 8 x 8 sums in registers, 16 rows of k at a time in workgroup memory. Four
 * loads of four numbers from there feed 64 multiplications. The next rows travel to registers meanwhile. 16 KiB of workgroup memory at most: any WebGPU device.
 *
 * Workgroup memory holds [depth, outer / 4] vectors along the outer axis for both operands. What memory holds along k is transposed in registers, 4 x 4 at a time.
 * The vectors of row e lie at their place xor 2·(e / 4): both the transposing stores and the loads then meet no bank twice.
 */
import type { Dispatch } from '../tensor.ts'
import type { TileWork } from './gemm.ts'
import type { Operand } from './gemmOperand.ts'
import { bindingHeader } from './wgsl.ts'

export interface LargeTile {
  readonly rows: number
  readonly columns: number
  /** Relative time per element, measured: what the choice between tiles weighs. */
  readonly cost: number
}

/** 16 x 16 invocations with 8 x 8, 8 x 4 and 4 x 4 sums each. */
export const LARGE_TILES: readonly LargeTile[] = [
  { rows: 128, columns: 128, cost: 1 },
  { rows: 128, columns: 64, cost: 1.2 },
  { rows: 64, columns: 64, cost: 1.5 },
]
const INVOCATIONS = 256
const DEPTH = 16

export function largeKernel(work: TileWork, { rows, columns }: LargeTile): Dispatch {
  const { label, m, n, k, a, b, out, store, storeReads, storeFunctions = '', slices, slice } = work
  const reads = [...a.reads, ...b.reads, ...storeReads]
  const wide = n % 4 === 0
  const [rowVectors, columnVectors] = [rows / 4, columns / 4]
  const [ownRows, ownColumns] = [rows / 64, columns / 64]
  const [blocksA, blocksB] = [rows, columns].map(size => (size / 4) * (DEPTH / 4))
  const code = `${bindingHeader(reads, [{ name: 'y', ref: out, element: wide ? 'vec4f' : 'f32' }])}
var<workgroup> tileA: array<vec4f, ${DEPTH * rowVectors}>;
var<workgroup> tileB: array<vec4f, ${DEPTH * columnVectors}>;
${loader('A', a, m, k)}
${loader('B', b, n, k)}
${storeFunctions}
fn stored(v: f32, r: u32, c: u32) -> f32 { return ${store}; }
@compute @workgroup_size(${INVOCATIONS}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let row0 = group.y * ${rows}u;
  let col0 = group.x * ${columns}u;
  let begin = group.z * ${slice}u;
  let end = min(begin + ${slice}u, ${k}u);
  // a subgroup's 32 invocations are 8 wide and 4 high
  let x = index % 8u + index / 32u % 2u * 8u;
  let z = index / 8u % 4u + index / 64u * 4u;
  let isA = index < ${blocksA}u;
  let isB = !isA && index < ${blocksA + blocksB}u;
  let blockA = ${blockOf(a, rowVectors, 'index')};
  let blockB = ${blockOf(b, columnVectors, `(index - ${blocksA}u)`)};
  var next: array<vec4f, 4>;
  var acc: array<array<vec4f, ${ownColumns}>, ${4 * ownRows}>;
  if (isA) { next = linesA(row0, begin, end, blockA); } else if (isB) { next = linesB(col0, begin, end, blockB); }
  for (var d = begin; d < end; d += ${DEPTH}u) {
    if (isA) {
      let at = blockA.y * ${4 * rowVectors}u + (blockA.x ^ (2u * blockA.y));
      ${repeat(4, q => `tileA[at + ${q * rowVectors}u] = ${a.along === 'inner' ? transposed(q) : `next[${q}]`};`).join(' ')}
    } else if (isB) {
      let at = blockB.y * ${4 * columnVectors}u + (blockB.x ^ (2u * blockB.y));
      ${repeat(4, q => `tileB[at + ${q * columnVectors}u] = ${b.along === 'inner' ? transposed(q) : `next[${q}]`};`).join(' ')}
    }
    workgroupBarrier();
    let after = d + ${DEPTH}u;
    if (after < end) {
      if (isA) { next = linesA(row0, after, end, blockA); } else if (isB) { next = linesB(col0, after, end, blockB); }
    }
    for (var e = 0u; e < ${DEPTH}u; e++) {
      let zs = z ^ ((e >> 2u) << 1u);
      let xs = x ^ ((e >> 2u) << 1u);
      ${repeat(ownRows, i => `let a${i} = tileA[e * ${rowVectors}u + zs + ${16 * i}u];`).join(' ')}
      ${repeat(ownColumns, i => `let b${i} = tileB[e * ${columnVectors}u + xs + ${16 * i}u];`).join(' ')}
      ${repeat(4 * ownRows, r => repeat(ownColumns, c => `acc[${r}][${c}] += a${r >> 2}.${'xyzw'[r & 3]} * b${c};`).join(' ')).join('\n      ')}
    }
    workgroupBarrier();
  }
${repeat(
  4 * ownRows,
  r => `  {
    let r = row0 + z * 4u + ${(r >> 2) * 64 + (r & 3)}u;
    ${repeat(ownColumns, c => `put(acc[${r}][${c}], r, col0 + x * 4u + ${c * 64}u, group.z);`).join(' ')}
  }`,
).join('\n')}
}
${putFunction(work, wide, slices)}`
  return { label, code, bindings: [...reads.map(r => r.ref), out], groups: [Math.ceil(n / columns), Math.ceil(m / rows), slices] }
}

/** Stores four sums side by side, where they are inside of the matrix. */
export function putFunction({ m, n }: Pick<TileWork, 'm' | 'n'>, wide: boolean, slices: number): string {
  const first = slices > 1 ? `slice * ${m * n}u + ` : ''
  const all = `vec4f(${repeat(4, q => `stored(v.${'xyzw'[q]}, r, c + ${q}u)`).join(', ')})`
  const single = (q: number): string => `if (c + ${q}u < ${n}u) { y[${first}r * ${n}u + c + ${q}u] = stored(v.${'xyzw'[q]}, r, c + ${q}u); }`
  return `fn put(v: vec4f, r: u32, c: u32, slice: u32) {
  if (r >= ${m}u || c >= ${n}u) { return; }
  ${wide ? `y[(${first}r * ${n}u + c) >> 2u] = ${all};` : repeat(4, single).join('\n  ')}
}`
}

/** The place of an invocation's 4 x 4 block: x along the outer axis, y along k; neighbours side by side in memory. */
function blockOf({ along }: Operand, vectors: number, index: string): string {
  return along === 'inner' ? `vec2u(${index} / ${DEPTH / 4}u, ${index} % ${DEPTH / 4}u)` : `vec2u(${index} % ${vectors}u, ${index} / ${vectors}u)`
}

/** WGSL function that brings four lines of four numbers, zeros beyond the matrix and beyond `end` of k. */
function loader(name: 'A' | 'B', operand: Operand, outer: number, k: number): string {
  const { one, four, stride, along, functions = '' } = operand
  const inner = along === 'inner'
  // the memory's lines are numbered by one axis and run along the other
  const [lines, run] = inner ? ['outer0 + block.x * 4u', 'k0 + block.y * 4u'] : ['k0 + block.y * 4u', 'outer0 + block.x * 4u']
  const [linesEnd, runEnd] = inner ? [`${outer}u`, 'end'] : ['end', `${outer}u`]
  // `end` is a multiple of 4 or k itself
  const runInside = four && (inner ? k : outer) % 4 === 0
  const line = (q: number): string => {
    const at = `(line + ${q}u) * ${stride}u + run`
    const inside = `line + ${q}u < ${linesEnd} && run < ${runEnd}`
    if (runInside) return `  if (${inside}) { v[${q}] = four${name}((${at}) >> 2u); }`
    const single = (p: number): string => `if (run + ${p}u < ${runEnd}) { v[${q}].${'xyzw'[p]} = one${name}(${at} + ${p}u); }`
    return `  if (${inside}) { ${repeat(4, single).join(' ')} }`
  }
  return `${functions}
${runInside ? `fn four${name}(i: u32) -> vec4f { return ${four}; }` : `fn one${name}(i: u32) -> f32 { return ${one}; }`}
fn lines${name}(outer0: u32, k0: u32, end: u32, block: vec2u) -> array<vec4f, 4> {
  let line = ${lines};
  let run = ${run};
  var v: array<vec4f, 4>;
${repeat(4, line).join('\n')}
  return v;
}`
}

/** Component q of the four lines. */
const transposed = (q: number): string => `vec4f(${repeat(4, line => `next[${line}].${'xyzw'[q]}`).join(', ')})`

const repeat = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
