/**
 * Small tiles of a product in f32 (see gemm.ts), for few rows: 256 invocations make 16 x 32 elements; each sums 4 x 4 of them over an eighth of k, and the
 * shares meet in workgroup memory. 64 rows of k at a time, 12.3 KiB.
 */
import type { Dispatch } from '../tensor.ts'
import type { TileWork } from './gemm.ts'
import type { Operand } from './gemmOperand.ts'
import { bindingHeader } from './wgsl.ts'

const INVOCATIONS = 256
/** `depth` of k at a time, shared out to `shares` invocations per 4 x 4 elements. */
export const SMALL_TILE = { rows: 16, columns: 32, depth: 64, shares: 8 } as const

export function smallKernel({ label, m, n, k, a, b, out, store, storeReads, storeFunctions = '', slices, slice }: TileWork): Dispatch {
  const { rows, columns, depth, shares } = SMALL_TILE
  const reads = [...a.reads, ...b.reads, ...storeReads]
  const across = columns / 4
  const team = (rows / 4) * across
  // rows of workgroup memory are one longer than they need to be, so that a column of them lies in different banks
  const strideA = depth + 1
  const strideB = columns + 1
  const [countA, countB] = [(rows * depth) / INVOCATIONS, (depth * columns) / INVOCATIONS]
  const [a2, b2] = [placeOf(a.along === 'inner', rows, depth), placeOf(b.along === 'outer', depth, columns)]
  // Loops rather than their unrolled text: drivers unroll them, and a software adapter compiles them five times faster.
  const fetch = (at: string): string => `for (var t = 0u; t < ${countA}u; t++) {
      ${a2}
      var v = 0.0;
      if (row0 + r < ${m}u && ${at} + c < end) { v = loadA(row0 + r, ${at} + c); }
      nextA[t] = v;
    }
    for (var t = 0u; t < ${countB}u; t++) {
      ${b2}
      var v = 0.0;
      if (${at} + r < end && col0 + c < ${n}u) { v = loadB(${at} + r, col0 + c); }
      nextB[t] = v;
    }`
  const put = `for (var t = 0u; t < ${countA}u; t++) { ${a2} tileA[r * ${strideA}u + c] = nextA[t]; }
    for (var t = 0u; t < ${countB}u; t++) { ${b2} tileB[r * ${strideB}u + c] = nextB[t]; }`
  const code = `${bindingHeader(reads, [{ name: 'y', ref: out }])}
var<workgroup> tileA: array<f32, ${rows * strideA}>;
var<workgroup> tileB: array<f32, ${depth * strideB}>;
${storeFunctions}
${element('A', a, a.along === 'inner')}
${element('B', b, b.along === 'outer')}
@compute @workgroup_size(${INVOCATIONS}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let row0 = group.x * ${rows}u;
  let col0 = group.y * ${columns}u;
  let begin = group.z * ${slice}u;
  let end = min(begin + ${slice}u, ${k}u);
  let share = index / ${team}u;
  let x = index % ${across}u;
  let z = index % ${team}u / ${across}u;
  var acc: array<vec4f, 4>;
  var nextA: array<f32, ${countA}>;
  var nextB: array<f32, ${countB}>;
    ${fetch('begin')}
  for (var d = begin; d < end; d += ${depth}u) {
    ${put}
    workgroupBarrier();
    let next = d + ${depth}u;
    ${fetch('next')}
    for (var e = share * ${depth / shares}u; e < (share + 1u) * ${depth / shares}u; e++) {
      let vb = vec4f(${repeat(4, q => `tileB[e * ${strideB}u + x + ${q * across}u]`).join(', ')});
      ${repeat(4, t => `acc[${t}] += tileA[(z + ${(t * rows) / 4}u) * ${strideA}u + e] * vb;`).join(' ')}
    }
    workgroupBarrier();
  }
${meet(shares, team)}
  if (share > 0u) { return; }
  for (var t = 0u; t < 4u; t++) {
    let r = row0 + z + t * ${rows / 4}u;
    for (var q = 0u; q < 4u; q++) {
      let c = col0 + x + q * ${across}u;
      if (r < ${m}u && c < ${n}u) {
        let v = acc[t][q];
        y[${slices > 1 ? `group.z * ${m * n}u + ` : ''}r * ${n}u + c] = ${store};
      }
    }
  }
}`
  return { label, code, bindings: [...reads.map(r => r.ref), out], groups: [Math.ceil(m / rows), Math.ceil(n / columns), slices] }
}

/** WGSL function for the element in row r and column c. @param rowLines the memory's lines are the matrix' rows */
const element = (name: string, { one, stride, functions = '' }: Operand, rowLines: boolean): string =>
  `${functions}
fn load${name}(r: u32, c: u32) -> f32 { let i = ${rowLines ? `r * ${stride}u + c` : `c * ${stride}u + r`}; return ${one}; }`

/** Adds the shares' sums in a tree through tileB, which holds half of them at a time. Constant places in acc keep it in registers. */
function meet(shares: number, team: number): string {
  if (shares === 1) return ''
  return `  for (var half = ${shares / 2}u; half > 0u; half >>= 1u) {
    let stride = half * ${team}u;
    if (share >= half && share < 2u * half) {
      let own = index - stride;
      ${repeat(16, i => `tileB[${i}u * stride + own] = acc[${i >> 2}].${'xyzw'[i & 3]};`).join(' ')}
    }
    workgroupBarrier();
    if (share < half) {
      ${repeat(16, i => `acc[${i >> 2}].${'xyzw'[i & 3]} += tileB[${i}u * stride + index];`).join(' ')}
    }
    workgroupBarrier();
  }
`
}

/** WGSL for row r and column c, in a tile of [height, width], of the t-th element an invocation brings: neighbours along a row, or along a column. */
function placeOf(alongRow: boolean, height: number, width: number): string {
  const flat = `(index + t * ${INVOCATIONS}u)`
  return alongRow ? `let r = ${flat} / ${width}u; let c = ${flat} % ${width}u;` : `let c = ${flat} / ${height}u; let r = ${flat} % ${height}u;`
}

const repeat = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
