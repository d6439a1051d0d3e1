/**
 * Dense layers of up to four outputs on wide inputs and many rows, as heads on wide layers are: a product's tiles would be all but empty, so these kernels read x once and do
 * nothing else of its size. Forward, 16 invocations share a row's dot products. The gradient is one pass: an invocation keeps 4 inputs' weights and their sums
 * of dW in registers, and goes down the rows.
 */
import { type Dispatch, input, output, type Ref, scratch, type WgslWork } from '../tensor.ts'
import { sumSlices } from './sumSlices.ts'
import { bindingHeader, COMPONENTS, text, times } from './wgsl.ts'

export interface FewOutputs {
  readonly rows: number
  readonly nIn: number
  readonly nOut: number
}

const MOST_OUTPUTS = 4
/** With fewer there is little to share. The gradient of up to 64 has tiles of its own (denseBackwardTile.ts). */
const LEAST_INPUTS = 32
const MOST_INPUTS = 512
const LEAST_ROWS = 4096

export const hasFewOutputs = ({ rows, nIn, nOut }: FewOutputs): boolean =>
  nOut <= MOST_OUTPUTS && nIn >= LEAST_INPUTS && nIn <= MOST_INPUTS && nIn % 4 === 0 && rows >= LEAST_ROWS

const THREADS = 256
/** Invocations that share a row of the forward pass, and rows that a workgroup has at once. */
const SHARERS = 16
const ROWS = THREADS / SHARERS
/** Rows that one workgroup of the forward pass takes, for the weights that it loads. */
const ROWS_PER_GROUP = 128
/** Row length of the parts that meet: not a power of two, against bank conflicts. */
const PART = SHARERS + 1

/** The weights of inputs 4 c … 4 c + 3 for output o, from W [in, out]. */
const weightsOf = (c: string, o: number, nOut: number): string => `vec4f(${times(4, q => `w[(4u * (${c}) + ${q}u) * ${nOut}u + ${o}u]`).join(', ')})`

/** Inputs x, W and, if `bias`, b; output y. @param store WGSL of the output in v and, with a bias, b[c] */
export function fewOutputsForward({ rows, nIn, nOut }: FewOutputs, store: string, bias: boolean): WgslWork {
  const in4 = nIn / 4
  const turns = Math.ceil(in4 / SHARERS)
  const reads = [{ name: 'x', ref: input(0), element: 'vec4f' }, { name: 'w', ref: input(1) }, ...(bias ? [{ name: 'b', ref: input(2) }] : [])]
  const writes = [{ name: 'y', ref: output(0) }]
  // only the last turn of a row that does not come out even looks where it ends
  const guard = (j: number): string => ((j + 1) * SHARERS <= in4 ? '' : `if (lane + ${j * SHARERS}u < ${in4}u) `)
  const code = `${bindingHeader(reads, writes)}
var<workgroup> parts: array<f32, ${ROWS * nOut * PART}>;
fn stored(v: f32, c: u32) -> f32 { return ${store}; }
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let lane = index % ${SHARERS}u;
  let own = index / ${SHARERS}u;
${text(turns, j => text(nOut, o => `  var w${j}_${o} = vec4f();\n  ${guard(j)}{ w${j}_${o} = ${weightsOf(`lane + ${j * SHARERS}u`, o, nOut)}; }`))}
  for (var row0 = group.x * ${ROWS_PER_GROUP}u; row0 < min((group.x + 1u) * ${ROWS_PER_GROUP}u, ${rows}u); row0 += ${ROWS}u) {
    let row = row0 + own;
${text(nOut, o => `    var s${o} = 0.0;`)}
    if (row < ${rows}u) {
${text(turns, j => `      ${guard(j)}{ let a = x[row * ${in4}u + lane + ${j * SHARERS}u];${text(nOut, o => ` s${o} += dot(a, w${j}_${o});`)} }`)}
    }
${text(nOut, o => `    parts[(own * ${nOut}u + ${o}u) * ${PART}u + lane] = s${o};`)}
    workgroupBarrier();
    let r = row0 + index / ${nOut}u;
    if (index < ${ROWS * nOut}u && r < ${rows}u) {
      var v = 0.0;
      for (var i = 0u; i < ${SHARERS}u; i++) { v += parts[index * ${PART}u + i]; }
      y[r * ${nOut}u + index % ${nOut}u] = stored(v, index % ${nOut}u);
    }
    workgroupBarrier();
  }
}`
  const groups: [number, number, number] = [Math.ceil(rows / ROWS_PER_GROUP), 1, 1]
  return { dispatches: [{ label: 'denseFew', code, bindings: [...reads, ...writes].map(b => b.ref), groups, flops: 2 * rows * nIn * nOut }] }
}

/** Rows whose dz a workgroup of the gradient holds at once, and how many workgroups leave partial sums. */
const TILE = 32
const MOST_GROUPS = 528

/** Inputs x, W, y, dy; outputs dx (when `input`), then dW and db (when `weights`). @param slope act' as a WGSL expression in r = y */
export function fewOutputsBackward(layer: FewOutputs, slope: string, wantInput: boolean, weights: boolean): WgslWork {
  const { rows, nIn, nOut } = layer
  const groups = Math.min(Math.ceil(rows / TILE), MOST_GROUPS)
  const length = (nIn + 1) * nOut
  const first = wantInput ? 1 : 0
  const partial = scratch(0)
  const outputs = [
    { ref: output(first), length: nIn * nOut },
    { ref: output(first + 1), length: nOut },
  ]
  return {
    scratch: weights ? [groups * length] : [],
    dispatches: [
      backwardKernel(layer, slope, groups, wantInput ? output(0) : undefined, weights ? partial : undefined),
      ...(weights ? [sumSlices('denseBackwardSum', { partial, slices: groups, outputs })] : []),
    ],
  }
}

function backwardKernel({ rows, nIn, nOut }: FewOutputs, slope: string, groups: number, dx?: Ref, partial?: Ref): Dispatch {
  const in4 = nIn / 4
  const teams = Math.floor(THREADS / in4)
  const linear = slope === '1.0'
  const reads = [
    ...(partial ? [{ name: 'x', ref: input(0), element: 'vec4f' }] : []),
    ...(dx ? [{ name: 'w', ref: input(1) }] : []),
    ...(linear ? [] : [{ name: 'y', ref: input(2) }]),
    { name: 'dy', ref: input(3) },
  ]
  const writes = [...(dx ? [{ name: 'dx', ref: dx, element: 'vec4f' }] : []), ...(partial ? [{ name: 'partial', ref: partial }] : [])]
  const code = `${bindingHeader(reads, writes)}
var<workgroup> dz: array<f32, ${TILE * nOut}>;
${partial ? `var<workgroup> meet: array<vec4f, ${THREADS}>;` : ''}
${linear ? '' : `fn slopeAt(r: f32) -> f32 { return ${slope}; }`}
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let c = index % ${in4}u;
  let team = index / ${in4}u;
  let works = team < ${teams}u;
${dx ? text(nOut, o => `  let w${o} = ${weightsOf('c', o, nOut)};`) : ''}
${partial ? `${text(nOut, o => `  var sum${o} = vec4f();`)}\n  var bias = 0.0;` : ''}
  for (var row0 = group.x * ${TILE}u; row0 < ${rows}u; row0 += ${groups * TILE}u) {
    if (index < ${TILE * nOut}u) {
      let at = row0 * ${nOut}u + index;
      var v = 0.0;
      if (at < ${rows * nOut}u) { v = dy[at]${linear ? '' : ' * slopeAt(y[at])'}; }
      dz[index] = v;
    }
    workgroupBarrier();
    if (works) {
      for (var i = team; i < min(${TILE}u, ${rows}u - row0); i += ${teams}u) {
        let at = (row0 + i) * ${in4}u + c;
${text(nOut, o => `        let z${o} = dz[i * ${nOut}u + ${o}u];`)}
${dx ? `        dx[at] = ${times(nOut, o => `z${o} * w${o}`).join(' + ')};` : ''}
${partial ? `        let a = x[at];\n${text(nOut, o => `        sum${o} += z${o} * a;`)}` : ''}
      }
    }
${partial ? `    if (index < ${nOut}u) { for (var i = 0u; i < ${TILE}u; i++) { bias += dz[i * ${nOut}u + index]; } }` : ''}
    workgroupBarrier();
  }
${partial ? text(nOut, o => teamsPart(o, nIn, nOut, teams)) : ''}
${partial ? `  if (index < ${nOut}u) { partial[group.x * ${(nIn + 1) * nOut}u + ${nIn * nOut}u + index] = bias; }` : ''}
}`
  return { label: 'denseBackwardFew', code, bindings: [...reads, ...writes].map(b => b.ref), groups: [groups, 1, 1], flops: 4 * rows * nIn * nOut }
}

/** The teams' sums of dW's column o, added in order, to the workgroup's place. */
function teamsPart(o: number, nIn: number, nOut: number, teams: number): string {
  const in4 = nIn / 4
  const store = (q: number): string => `    partial[group.x * ${(nIn + 1) * nOut}u + (4u * c + ${q}u) * ${nOut}u + ${o}u] = sum${o}.${COMPONENTS[q]};`
  return `  meet[index] = sum${o};
  workgroupBarrier();
  if (team == 0u) {
    for (var t = 1u; t < ${teams}u; t++) { sum${o} += meet[t * ${in4}u + c]; }
${text(4, store)}
  }
  workgroupBarrier();`
}
