/**
 * The matrix product C = A·B of every dense kernel, A [m, k] and B [k, n] given as WGSL expressions, so that transposes, packed weights and epilogues cost
 * no pass of their own. 256 invocations make one tile of C; each sums 4 x 4 of its elements over a share of k, and the shares meet in workgroup memory.
 *
 * | tile | k at a time | shares of k | workgroup memory | for |
 * |---|---|---|---|---|
 * | 64 x 64 | 16 | 1 | 8.4 KiB | many rows: a step's samples |
 * | 16 x 32 | 64 | 8 | 12.3 KiB | few rows: a transformer's 50 tokens make 96 workgroups of a 768-wide layer, where the large tile makes 12 |
 *
 * Both stay below the 16 KiB that every WebGPU device has. Where even small tiles are few and k is long, k is also cut into slices over workgroups,
 * whose partial sums a second kernel adds. Sums have a fixed order: same device, same numbers.
 */
import type { Dispatch, Ref, WgslWork } from '../tensor.ts'
import { scratch } from '../tensor.ts'
import { type Binding, bindingHeader, itemKernel } from './wgsl.ts'

export interface Gemm {
  readonly label: string
  readonly m: number
  readonly n: number
  readonly k: number
  /** What `a` and `b` read. */
  readonly reads: readonly Binding[]
  readonly out: Ref
  /** WGSL expressions in r, c (global row and column): an element of A [m, k] and of B [k, n]. */
  readonly a: string
  readonly b: string
  /** Which way memory runs, so that neighbouring invocations load neighbouring elements. Defaults: A along k, B along n. */
  readonly aAlong?: 'k' | 'm'
  readonly bAlong?: 'k' | 'n'
  /** WGSL expression in v (the sum), r and c: what is stored; `v` by default. `storeReads` is what it reads. */
  readonly store?: string
  readonly storeReads?: readonly Binding[]
  /** Slices of k; by default as many as keep the device busy. */
  readonly slices?: number
}

interface Tile {
  readonly rows: number
  readonly columns: number
  /** How much of k is in workgroup memory at a time, and how many invocations share it out per 4 x 4 elements. */
  readonly depth: number
  readonly shares: number
}

const INVOCATIONS = 256
const LARGE: Tile = { rows: 64, columns: 64, depth: 16, shares: 1 }
const SMALL: Tile = { rows: 16, columns: 32, depth: 64, shares: 8 }
/** Large tiles pay from this many workgroups on: a GPU has about as many compute units. */
const ENOUGH_GROUPS = 128
/** Slices of k are made until there are this many workgroups, each at least SLICE_DEPTH deep: shallower ones cost more to add up than they save. */
const MANY_GROUPS = 384
const SLICE_DEPTH = 768

/** The dispatches of one product. @param scratchIndex which scratch of the node the partial sums may take; `scratch` has one length or none. */
export function gemm(product: Gemm, scratchIndex = 0): WgslWork & { readonly scratch: readonly number[] } {
  const { m, n, k, label, out, store = 'v', storeReads = [] } = product
  const groupsOf = (tile: Tile): number => Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns)
  const tile = groupsOf(LARGE) * (product.slices ?? 1) >= ENOUGH_GROUPS ? LARGE : SMALL
  const automatic = Math.max(1, Math.min(Math.floor(k / SLICE_DEPTH), Math.floor(MANY_GROUPS / groupsOf(tile))))
  const slices = product.slices ?? automatic
  if (slices === 1) return { scratch: [], dispatches: [tileKernel(product, tile, 1, out, store, storeReads)] }
  const partial = scratch(scratchIndex)
  const sum = itemKernel({
    label: `${label}Sum`,
    reads: [{ name: 'partial', ref: partial }, ...storeReads],
    writes: [{ name: 'y', ref: out }],
    items: m * n,
    body: `  let r = i / ${n}u;
  let c = i % ${n}u;
  var v = 0.0;
  for (var s = 0u; s < ${slices}u; s++) { v += partial[s * ${m * n}u + i]; }
  y[i] = ${store};`,
  })
  return { scratch: [slices * m * n], dispatches: [tileKernel(product, tile, slices, partial, 'v', []), sum] }
}

function tileKernel(product: Gemm, tile: Tile, slices: number, out: Ref, store: string, storeReads: readonly Binding[]): Dispatch {
  const { label, m, n, k, a, b, aAlong = 'k', bAlong = 'n' } = product
  const { rows, columns, depth, shares } = tile
  const reads = [...product.reads, ...storeReads]
  const across = columns / 4
  const team = (rows / 4) * across
  // rows of workgroup memory are one longer than they need to be, so that a column of them lies in different banks
  const strideA = depth + 1
  const strideB = columns + 1
  const slice = Math.ceil(k / slices / depth) * depth
  const [countA, countB] = [(rows * depth) / INVOCATIONS, (depth * columns) / INVOCATIONS]
  const [a2, b2] = [placeOf(aAlong === 'k', rows, depth), placeOf(bAlong === 'n', depth, columns)]
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
fn loadA(r: u32, c: u32) -> f32 { return ${a}; }
fn loadB(r: u32, c: u32) -> f32 { return ${b}; }
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
