/**
 * What both gradients of a dense layer need, in one pass over the rows: dz = dy·act'(y) and partial sums of db = Σ dz. A workgroup takes 128 rows, 32 at a time in
 * registers. For matrix units dz is multiplied, 32 rows at a time, by the power of two that brings their largest magnitude to 2^14 … 2^15, so that f16 holds gradients of any
 * scale with all its bits; what is 2^-29 of the largest or less loses bits, which no sum can tell.
 */
import type { Dispatch, Ref } from '../tensor.ts'
import { input } from '../tensor.ts'
import { FACTOR_ROWS } from './gemmMatrix.ts'
import { bindingHeader } from './wgsl.ts'

export interface Slope {
  readonly rows: number
  /** A multiple of 4. */
  readonly nOut: number
  /** act' as a WGSL expression in r = y, by components. */
  readonly slope: string
  /** Where dz goes: f32, or, as `half`, two f16 to a word. Absent when dz is dy itself. */
  readonly dz?: Ref
  readonly half: boolean
  /** What each 32 rows were multiplied by; absent when they are not. */
  readonly factors?: Ref
  /** Partial sums [ceil(rows / 128), nOut] of db. */
  readonly bias?: Ref
}

export const ROWS_PER_BIAS_SLICE = 128
const CHUNKS = ROWS_PER_BIAS_SLICE / FACTOR_ROWS
const THREADS = 256
/** Widest layer whose rows one workgroup scales together. */
export const WIDEST_SCALED = 4 * THREADS

/** Inputs x, W, y, dy of the node. */
export function slopeKernel({ rows, nOut, slope, dz, half, factors, bias }: Slope): Dispatch {
  const linear = slope === '1.0'
  const reads = [{ name: 'dy', ref: input(3), element: 'vec4f' }, ...(linear ? [] : [{ name: 'y', ref: input(2), element: 'vec4f' }])]
  const writes = [
    ...(dz ? [{ name: 'dz', ref: dz, element: half ? 'vec2u' : 'vec4f' }] : []),
    ...(factors ? [{ name: 'factors', ref: factors }] : []),
    ...(bias ? [{ name: 'partial', ref: bias, element: 'vec4f' }] : []),
  ]
  const fours = nOut / 4
  const own = Math.min(fours, THREADS)
  const teams = Math.floor(THREADS / own)
  const each = Math.ceil(FACTOR_ROWS / teams)
  const scaled = half ? 'vec2u(pack2x16float(v.xy), pack2x16float(v.zw))' : 'v'
  const code = `${bindingHeader(reads, writes)}
${factors ? `var<workgroup> peaks: array<atomic<u32>, ${CHUNKS}>;` : ''}
${bias ? `var<workgroup> sums: array<vec4f, ${THREADS}>;` : ''}
${linear ? '' : `fn slopeAt(r: f32) -> f32 { return ${slope}; }`}
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let c = group.y * ${own}u + index % ${own}u;
  let team = index / ${own}u;
  let works = team < ${teams}u && c < ${fours}u;
  var sum = vec4f();
${factors ? `  if (index < ${CHUNKS}u) { atomicStore(&peaks[index], 0u); }\n  workgroupBarrier();` : ''}
  for (var chunk = 0u; chunk < ${CHUNKS}u; chunk++) {
    let block = group.x * ${CHUNKS}u + chunk;
    var z: array<vec4f, ${each}>;
    var high = vec4f();
    for (var j = 0u; j < ${each}u; j++) {
      let place = team + j * ${teams}u;
      let row = block * ${FACTOR_ROWS}u + place;
      if (works && place < ${FACTOR_ROWS}u && row < ${rows}u) {
        let at = row * ${fours}u + c;
        ${linear ? 'let v = dy[at];' : 'let r = y[at];\n        let v = dy[at] * vec4f(slopeAt(r.x), slopeAt(r.y), slopeAt(r.z), slopeAt(r.w));'}
        z[j] = v;
        sum += v;
        high = max(high, abs(v));
      }
    }
${factors ? scaleOfBlock(rows) : ''}
${
  dz
    ? `    for (var j = 0u; j < ${each}u; j++) {
      let place = team + j * ${teams}u;
      let row = block * ${FACTOR_ROWS}u + place;
      if (works && place < ${FACTOR_ROWS}u && row < ${rows}u) {
        let v = z[j]${factors ? ' * factor' : ''};
        dz[row * ${fours}u + c] = ${scaled};
      }
    }`
    : ''
}
  }
${bias ? sumOfTeams(own, teams, fours) : ''}
}`
  const bindings = [...reads, ...writes].map(b => b.ref)
  return { label: 'denseSlope', code, bindings, groups: [Math.ceil(rows / ROWS_PER_BIAS_SLICE), Math.ceil(fours / own), 1] }
}

/** 2^(14 − ⌊log2 largest⌋): magnitudes order as their bits do. */
function scaleOfBlock(rows: number): string {
  return `    atomicMax(&peaks[chunk], bitcast<u32>(max(max(high.x, high.y), max(high.z, high.w))));
    workgroupBarrier();
    let exponent = atomicLoad(&peaks[chunk]) >> 23u;
    let factor = bitcast<f32>((268u - clamp(exponent, 15u, 253u)) << 23u);
    if (index == 0u && block * ${FACTOR_ROWS}u < ${rows}u) { factors[block] = factor; }`
}

function sumOfTeams(own: number, teams: number, fours: number): string {
  return `  sums[index] = sum;
  workgroupBarrier();
  if (team == 0u && works) {
    for (var t = 1u; t < ${teams}u; t++) { sum += sums[index + t * ${own}u]; }
    partial[group.x * ${fours}u + c] = sum;
  }`
}
