/**
 * Tiles of a product on matrix units (see gemm.ts): operands become f16 on their way into workgroup memory, sums are f32. A subgroup holds `down` x `across`
 * blocks of 16 x 16 sums. The next rows of k travel to registers meanwhile. The sums leave by way of workgroup memory, where every invocation
 * applies bias and activation to four side by side. Numbers beyond f16's 65,504 are held at it. Tried and dropped: two buffers in workgroup memory, with one barrier a step
 * (half the speed: fewer workgroups fit a multiprocessor); each number as two f16 (drivers fold x − f32(f16(x)) to zero).
 *
 * Tiles in workgroup memory keep the order of the operand's memory; lines are 8 longer than they need to be, so that the rows of a block lie in different banks.
 */
import type { GpuTraits } from '../gpuTraits.ts'
import type { Major, MatrixTile, MatrixUnit } from '../matrixUnit.ts'
import type { Dispatch } from '../tensor.ts'
import type { TileWork } from './gemm.ts'
import { putFunction } from './gemmLarge.ts'
import type { Operand } from './gemmOperand.ts'
import { bindingHeader } from './wgsl.ts'

/** Rows of k that share one factor (see Factors). */
export const FACTOR_ROWS = 32
const PAD = 8
const ROOM_PAD = 4
const LARGEST = 65504

/** Whether the tile fits the GPU's workgroups. */
export function fits(tile: MatrixTile, { matrix, workgroupBytes }: GpuTraits): boolean {
  if (!matrix) return false
  const { down, across } = tile
  const invocations = down * across * matrix.lanes
  return invocations <= 256 && bytesOf(tile, matrix) <= workgroupBytes
}

/** Bytes of workgroup memory: both operands' tiles, and room for a block of each subgroup. */
function bytesOf({ rows, columns, depth, down, across }: MatrixTile, unit: MatrixUnit): number {
  const tiles = Math.max(rows * (depth + PAD), depth * (rows + PAD)) + Math.max(columns * (depth + PAD), depth * (columns + PAD))
  return 2 * tiles + 4 * down * across * unit.m * (unit.n + ROOM_PAD) + 4 * MOST_BLOCKS
}

/** Factors a workgroup keeps: a slice of 2,048 rows. */
const MOST_BLOCKS = 64

export function matrixKernel(work: TileWork, tile: MatrixTile, unit: MatrixUnit): Dispatch {
  const { label, m, n, k, a, b, out, store, storeReads, storeFunctions = '', slices, slice, factors } = work
  const { rows, columns, depth, down, across } = tile
  if (factors && slice > MOST_BLOCKS * FACTOR_ROWS)
    throw new Error(`gemm ${label}: slices of ${slice} rows; factors are kept for ${MOST_BLOCKS * FACTOR_ROWS}`)
  const reads = [...a.reads, ...b.reads, ...storeReads, ...(factors?.reads ?? [])]
  const wide = n % 4 === 0
  const invocations = down * across * unit.lanes
  const [ownRows, ownColumns] = [rows / down, columns / across]
  const [blocksDown, blocksAcross] = [ownRows / unit.m, ownColumns / unit.n]
  const blocks = pairs(blocksDown, blocksAcross)
  const staged = { tile, invocations, factor: factors !== undefined }
  const [stageA, stageB] = [stage('A', a, rows, m, k, staged), stage('B', b, columns, n, k, staged)]
  const roomStride = unit.n + ROOM_PAD
  const load = (type: 'Left' | 'Right', outer: string, inner: string): string => {
    const { name, stride, along } = type === 'Left' ? stageA : stageB
    const at = along === 'inner' ? `(${outer}) * ${stride}u + ${inner}` : `(${inner}) * ${stride}u + ${outer}`
    const major: Major = (along === 'inner') === (type === 'Left') ? 'row' : 'col'
    return unit.load(type, major, `&tile${name}`, at, stride)
  }
  const multiply = Array.from({ length: depth / unit.k }, (_, step) => {
    const inner = `${step * unit.k}u`
    const lefts = range(blocksDown).map(i => `let left${i} = ${load('Left', `ownRow + ${i * unit.m}u`, inner)};`)
    const rights = range(blocksAcross).map(j => `let right${j} = ${load('Right', `ownColumn + ${j * unit.n}u`, inner)};`)
    const sums = blocks.map(([i, j]) => `sum_${i}_${j} = multiply(left${i}, right${j}, sum_${i}_${j});`)
    return `    {
      ${[...lefts, ...rights, ...sums].join('\n      ')}
    }`
  }).join('\n')
  const code = `${unit.enable}${bindingHeader(reads, [{ name: 'y', ref: out, element: wide ? 'vec4f' : 'f32' }])}
${unit.types}
var<workgroup> tileA: array<f16, ${stageA.size}>;
var<workgroup> tileB: array<f16, ${stageB.size}>;
var<workgroup> room: array<f32, ${down * across * unit.m * roomStride}>;
${factors ? `var<workgroup> scales: array<f32, ${MOST_BLOCKS}>;\nfn scaleOf(block: u32) -> f32 { return ${factors.of}; }` : ''}
${storeFunctions}
fn stored(v: f32, r: u32, c: u32) -> f32 { return ${store}; }
${stageA.functions}
${stageB.functions}
@compute @workgroup_size(${invocations}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32${unit.parameters}) {
  ${unit.subgroup}
  let lane = index % ${unit.lanes}u;
  let row0 = group.y * ${rows}u;
  let col0 = group.x * ${columns}u;
  let begin = group.z * ${slice}u;
  let end = min(begin + ${slice}u, ${k}u);
  let ownRow = sub / ${across}u * ${ownRows}u;
  let ownColumn = sub % ${across}u * ${ownColumns}u;
  let scale = ${factors ? 'commonScale(index, begin, end)' : '1.0'};
${blocks.map(([i, j]) => `  var sum_${i}_${j}: Sum;`).join('\n')}
  var nextA: ${stageA.registers};
  var nextB: ${stageB.registers};
${stageA.fetch('begin')}
${stageB.fetch('begin')}
  for (var d = begin; d < end; d += ${depth}u) {
${stageA.put('d')}
${stageB.put('d')}
    workgroupBarrier();
    let after = d + ${depth}u;
    if (after < end) {
${stageA.fetch('after')}
${stageB.fetch('after')}
    }
${multiply}
    workgroupBarrier();
  }
  let roomAt = sub * ${unit.m * roomStride}u;
${blocks.map(([i, j]) => leave(i, j, unit)).join('\n')}
}
${factors ? commonScale(invocations) : ''}
${putFunction(work, wide, slices)}`
  return { label: `${label}Matrix`, code, bindings: [...reads.map(r => r.ref), out], groups: [Math.ceil(n / columns), Math.ceil(m / rows), slices] }
}

/** A subgroup's block i, j by way of its room to memory. */
function leave(i: number, j: number, unit: MatrixUnit): string {
  const { m, n, lanes } = unit
  const each = Math.ceil((m * n) / 4 / lanes)
  const stride = n + ROOM_PAD
  const four = `vec4f(${range(4)
    .map(q => `room[at + ${q}u]`)
    .join(', ')})`
  const place = `let u = lane + t * ${lanes}u; let at = roomAt + u / ${n / 4}u * ${stride}u + u % ${n / 4}u * 4u;`
  return `  {
    ${unit.store('&room', 'roomAt', `sum_${i}_${j}`, stride)}
    workgroupBarrier();
    for (var t = 0u; t < ${each}u; t++) {
      ${place}
      let v = ${four} * (1.0 / scale);
      put(v, row0 + ownRow + ${i * m}u + u / ${n / 4}u, col0 + ownColumn + ${j * n}u + u % ${n / 4}u * 4u, group.z);
    }
    workgroupBarrier();
  }`
}

/** The smallest factor of a slice's blocks, to which the others are brought: a block multiplied by more holds smaller numbers. */
function commonScale(invocations: number): string {
  return `fn commonScale(index: u32, begin: u32, end: u32) -> f32 {
  let count = (end - begin + ${FACTOR_ROWS - 1}u) / ${FACTOR_ROWS}u;
  for (var i = index; i < count; i += ${invocations}u) { scales[i] = scaleOf(begin / ${FACTOR_ROWS}u + i); }
  workgroupBarrier();
  var least = scales[0];
  for (var i = 1u; i < count; i++) { least = min(least, scales[i]); }
  workgroupBarrier();
  for (var i = index; i < count; i += ${invocations}u) { scales[i] = least / scales[i]; }
  workgroupBarrier();
  return least;
}`
}

interface Stage {
  readonly name: string
  readonly along: Operand['along']
  /** Of a line in workgroup memory, and of a buffer. */
  readonly stride: number
  readonly size: number
  readonly registers: string
  readonly functions: string
  fetch(at: string): string
  put(at: string): string
}

interface Staged {
  readonly tile: MatrixTile
  readonly invocations: number
  /** Rows of k of one operand carry factors, which the other balances. */
  readonly factor: boolean
}

/** How an operand's tile gets from memory to registers and from there, as f16, to workgroup memory. */
function stage(name: 'A' | 'B', operand: Operand, size: number, outer: number, k: number, { tile, invocations, factor }: Staged): Stage {
  const { along, stride, one, four, half, functions: calls = '' } = operand
  const { depth } = tile
  const inner = along === 'inner'
  const [lines, run] = inner ? [size, depth] : [depth, size]
  const own = run + PAD
  const fours = (lines * run) / 4
  const each = Math.ceil(fours / invocations)
  const inside = four !== undefined && (inner ? k : outer) % 4 === 0
  const ready = half !== undefined && inside
  const vector = ready ? 'vec4<f16>' : 'vec4f'
  const [linesEnd, runEnd] = inner ? [`${outer}u`, 'end'] : ['end', `${outer}u`]
  const origin = name === 'A' ? 'row0' : 'col0'
  const place = `let u = index + t * ${invocations}u; let line = u / ${run / 4}u; let run = u % ${run / 4}u * 4u;`
  const partial = fours % invocations === 0 ? '' : `if (u >= ${fours}u) { break; } `
  const [lineAt, runAt] = inner ? [`${origin} + line`, 'at + run'] : ['at + line', `${origin} + run`]
  const scaled = factor && operand.balances ? ` * scales[line / ${FACTOR_ROWS}u]` : ''
  const single = (q: number): string => `if (run + ${q}u < ${runEnd}) { v.${'xyzw'[q]} = one${name}(i + ${q}u); }`
  const functions = `${calls}
${inside ? `fn four${name}(i: u32) -> ${vector} { return ${ready ? half : four}; }` : `fn one${name}(i: u32) -> f32 { return ${one}; }`}
fn bring${name}(line: u32, run: u32, end: u32) -> ${vector} {
  var v: ${vector};
  if (line < ${linesEnd} && run < ${runEnd}) {
    let i = line * ${stride}u + run;
    ${inside ? `v = four${name}(i >> 2u);` : range(4).map(single).join(' ')}
  }
  return v;
}
${keeper(name, ready)}`
  return {
    name,
    along,
    stride: own,
    size: lines * own,
    registers: `array<${vector}, ${each}>`,
    functions,
    fetch: at =>
      `    for (var t = 0u; t < ${each}u; t++) { ${place} ${partial}next${name}[t] = bring${name}(${lineAt.replace('at', at)}, ${runAt.replace('at', at)}, end); }`,
    put: at =>
      `    for (var t = 0u; t < ${each}u; t++) { ${place} ${partial}keep${name}(line * ${own}u + run, next${name}[t]${scaled.replace('line', `(${at} - begin + line)`)}); }`,
  }
}

/** WGSL function that rounds four numbers into the tile. */
function keeper(name: string, ready: boolean): string {
  const value = ready ? 'v' : `vec4<f16>(clamp(v, vec4f(-${LARGEST}.0), vec4f(${LARGEST}.0)))`
  const write = range(4).map(q => `tile${name}[at + ${q}u] = w.${'xyzw'[q]};`)
  return `fn keep${name}(at: u32, v: ${ready ? 'vec4<f16>' : 'vec4f'}) { let w = ${value}; ${write.join(' ')} }`
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const pairs = (a: number, b: number): [number, number][] => range(a).flatMap(i => range(b).map((j): [number, number] => [i, j]))
