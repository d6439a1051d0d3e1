/**
 * The gradient of a narrow dense layer of many rows (the fields' networks) in one pass over the rows: a workgroup takes tiles of 32 rows, forms
 * dz = dy·act'(y) in workgroup memory, writes dx = dz·Wᵀ and keeps its sums of dW = xᵀ·dz and db = Σ dz in registers. x, y and dy are read once and nothing
 * else of their size is written, where a product for each gradient reads and writes them nine times.
 */
import { type Dispatch, input, output, type Ref, scratch, type WgslWork } from '../tensor.ts'
import { sumSlices } from './sumSlices.ts'
import { bindingHeader, COMPONENTS, itemKernel, text } from './wgsl.ts'

export interface NarrowLayer {
  readonly rows: number
  readonly nIn: number
  readonly nOut: number
  /** act' as a WGSL expression in r = y. */
  readonly slope: string
  readonly input: boolean
  readonly weights: boolean
}

/** Widest layer whose rows' tiles fit WebGPU's default 16 KiB of workgroup memory. */
const WIDEST = 64
const ROWS = 32
/** The slope of a layer without activation, for which y is not read. */
const LINEAR = '1.0'
const THREADS = 256
/** Workgroups, each with a partial sum of dW and db: two for each of the 132 multiprocessors of a large GPU, and little memory. */
const MOST_GROUPS = 264
/** Below this a large GPU is not filled, and slices of a product are quicker. */
const LEAST_ROWS = 4096

export const isNarrow = ({ rows, nIn, nOut }: Pick<NarrowLayer, 'rows' | 'nIn' | 'nOut'>): boolean =>
  nIn <= WIDEST && nOut <= WIDEST && rows >= LEAST_ROWS

/** Inputs x, W, y, dy; outputs dx (when `input`), then dW and db (when `weights`). */
export function narrowBackward(layer: NarrowLayer): WgslWork {
  const { rows, nIn, nOut, input: wantInput, weights } = layer
  const groups = Math.min(Math.ceil(rows / ROWS), MOST_GROUPS)
  const sums = (nIn + 1) * nOut
  const lengths: number[] = []
  const take = (length: number): Ref => scratch(lengths.push(length) - 1)
  const transposed = wantInput ? take(nIn * nOut) : undefined
  const partial = weights ? take(groups * sums) : undefined
  const dispatches: Dispatch[] = []
  if (transposed) {
    dispatches.push(
      itemKernel({
        label: 'denseTranspose',
        reads: [{ name: 'w', ref: input(1) }],
        writes: [{ name: 'wt', ref: transposed }],
        items: nIn * nOut,
        body: `  wt[i] = w[(i % ${nIn}u) * ${nOut}u + i / ${nIn}u];`,
      }),
    )
  }
  dispatches.push(tileKernel(layer, groups, transposed, partial))
  if (partial) {
    const first = wantInput ? 1 : 0
    dispatches.push(
      sumSlices('denseBackwardSum', {
        partial,
        slices: groups,
        outputs: [
          { ref: output(first), length: nIn * nOut },
          { ref: output(first + 1), length: nOut },
        ],
      }),
    )
  }
  return { scratch: lengths, dispatches }
}

function tileKernel({ rows, nIn, nOut, slope, weights }: NarrowLayer, groups: number, transposed?: Ref, partial?: Ref): Dispatch {
  const reads = [
    ...(weights ? [{ name: 'x', ref: input(0) }] : []),
    ...(transposed ? [{ name: 'wt', ref: transposed }] : []),
    ...(slope === LINEAR ? [] : [{ name: 'y', ref: input(2) }]),
    { name: 'dy', ref: input(3) },
  ]
  const writes = [...(transposed ? [{ name: 'dx', ref: output(0) }] : []), ...(partial ? [{ name: 'partial', ref: partial }] : [])]
  const [in4, out4] = [Math.ceil(nIn / 4), Math.ceil(nOut / 4)]
  const tiles = Math.ceil(rows / ROWS)
  const teams = teamsOf(in4, out4)
  const code = `${bindingHeader(reads, writes)}
var<workgroup> tileZ: array<vec4f, ${ROWS * out4}>;
${weights ? `var<workgroup> tileX: array<vec4f, ${ROWS * in4}>;` : ''}
${weights && teams > 1 ? `var<workgroup> exchange: array<vec4f, ${in4 * out4}>;` : ''}
${slope === LINEAR ? '' : `fn slopeAt(r: f32) -> f32 { return ${slope}; }`}
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
${weights ? sumsHeader(in4, out4) : ''}
  for (var tile = group.x; tile < ${tiles}u; tile += ${groups}u) {
    let row0 = tile * ${ROWS}u;
${loadTile('tileZ', rows, nOut, at => (slope === LINEAR ? `dy[${at}]` : `dy[${at}] * slopeAt(y[${at}])`))}
${weights ? loadTile('tileX', rows, nIn, at => `x[${at}]`) : ''}
    workgroupBarrier();
${transposed ? inputPart(rows, nIn, nOut) : ''}
${
  weights
    ? `    if (team < ${teams}u) {
      for (var row = team; row < ${ROWS}u; row += ${teams}u) {
        let v = tileX[row * ${in4}u + blockIn];
        let z = tileZ[row * ${out4}u + blockOut];
${text(4, q => `        acc${q} += v.${COMPONENTS[q]} * z;`)}
        acc4 += z;
      }
    }`
    : ''
}
    workgroupBarrier();
  }
${partial ? partialPart(nIn, nOut) : ''}
}`
  return { label: 'denseBackwardTile', code, bindings: [...reads, ...writes].map(b => b.ref), groups: [groups, 1, 1] }
}

/** dW is summed in blocks of 4 x 4; where a layer has few of them, several teams of invocations share the tile's rows. */
const teamsOf = (in4: number, out4: number): number => Math.max(1, Math.min(ROWS, Math.floor(THREADS / (in4 * out4))))

function sumsHeader(in4: number, out4: number): string {
  const blocks = in4 * out4
  return `${text(5, q => `  var acc${q} = vec4f();`)}
  let team = index / ${blocks}u;
  let blockIn = (index % ${blocks}u) / ${out4}u;
  let blockOut = index % ${out4}u;`
}

/** Fills a tile's rows, four columns to a vector, with zeros beyond the matrix. */
function loadTile(name: string, rows: number, columns: number, value: (at: string) => string): string {
  const n4 = Math.ceil(columns / 4)
  const component = (q: number): string => {
    const inside = columns % 4 === 0 ? '' : `if (c + ${q}u < ${columns}u) `
    return `        ${inside}{ v.${COMPONENTS[q]} = ${value(`at + ${q}u`)}; }`
  }
  return `    for (var i = index; i < ${ROWS * n4}u; i += ${THREADS}u) {
      let row = row0 + i / ${n4}u;
      let c = (i % ${n4}u) * 4u;
      let at = row * ${columns}u + c;
      var v = vec4f();
      if (row < ${rows}u) {
${text(4, component)}
      }
      ${name}[i] = v;
    }`
}

/** dx of the tile: every invocation 4 rows of 2 columns; Wᵀ comes through the cache, neighbours side by side. */
function inputPart(rows: number, nIn: number, nOut: number): string {
  const out4 = Math.ceil(nOut / 4)
  const pairs = Math.ceil(nIn / 2)
  const odd = nIn % 2 === 1
  const term = (q: number): string => {
    const inside = nOut % 4 === 0 ? '' : `if (o4 * 4u + ${q}u < ${nOut}u) `
    const z = `vec4f(z0.${COMPONENTS[q]}, z1.${COMPONENTS[q]}, z2.${COMPONENTS[q]}, z3.${COMPONENTS[q]})`
    // Of an odd number of columns the last pair's right half is not stored.
    return `        ${inside}{
          let at = (o4 * 4u + ${q}u) * ${nIn}u + c;
          let z = ${z};
          left += wt[at] * z;
          right += wt[${odd ? `min(at + 1u, ${nIn * nOut - 1}u)` : 'at + 1u'}] * z;
        }`
  }
  const store = (q: number): string => `      if (row0 + rows4 + ${q}u < ${rows}u) {
        let at = (row0 + rows4 + ${q}u) * ${nIn}u + c;
        dx[at] = left.${COMPONENTS[q]};
        ${odd ? `if (c + 1u < ${nIn}u) ` : ''}{ dx[at + 1u] = right.${COMPONENTS[q]}; }
      }`
  return `    for (var item = index; item < ${pairs * (ROWS / 4)}u; item += ${THREADS}u) {
      let c = (item % ${pairs}u) * 2u;
      let rows4 = (item / ${pairs}u) * 4u;
      var left = vec4f();
      var right = vec4f();
      for (var o4 = 0u; o4 < ${out4}u; o4++) {
${text(4, q => `        let z${q} = tileZ[(rows4 + ${q}u) * ${out4}u + o4];`)}
${text(4, term)}
      }
${text(4, store)}
    }`
}

/** Writes the workgroup's sums of dW [in, out] and db [out], the teams' added in order. */
function partialPart(nIn: number, nOut: number): string {
  const [in4, out4] = [Math.ceil(nIn / 4), Math.ceil(nOut / 4)]
  const blocks = in4 * out4
  const teams = teamsOf(in4, out4)
  const gather = (q: number): string => `  for (var t = 1u; t < ${teams}u; t++) {
    if (team == t) { exchange[index % ${blocks}u] = acc${q}; }
    workgroupBarrier();
    if (team == 0u) { acc${q} += exchange[index]; }
    workgroupBarrier();
  }`
  const store = (q: number): string => {
    const row = q < 4 ? `blockIn * 4u + ${q}u` : `${nIn}u`
    const inside = q < 4 ? `blockIn * 4u + ${q}u < ${nIn}u` : 'blockIn == 0u'
    const column = (p: number): string => `      if (blockOut * 4u + ${p}u < ${nOut}u) { partial[at + ${p}u] = acc${q}.${COMPONENTS[p]}; }`
    return `    if (${inside}) {
      let at = group.x * ${(nIn + 1) * nOut}u + (${row}) * ${nOut}u + blockOut * 4u;
${text(4, column)}
    }`
  }
  return `${teams > 1 ? text(5, gather) : ''}
  if (team == 0u) {
${text(5, store)}
  }`
}
