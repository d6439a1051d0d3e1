/** WGSL of the hash encoding: lookup, slope by the point, and the scattered table gradient in 64-bit fixed point. */
import { type Dispatch, input, output, scratch, type WgslWork } from '../tensor.ts'
import type { HashGrid } from './hashEncoding.ts'
import { largestKernels, largestLength } from './largest.ts'
import { float, itemKernel } from './wgsl.ts'

/** `Cell` of a point in a level and the slot of one of its 8 corners. */
function gridWgsl({ resolutions, log2Entries, lo, hi }: HashGrid): string {
  const levels = resolutions.length
  return `var<private> resolutions: array<u32, ${levels}> = array<u32, ${levels}>(${resolutions.map(r => `${r}u`).join(', ')});
struct Cell { corner: vec3u, fraction: vec3f, side: u32, dense: bool, base: u32 }
fn unit(p: vec3f) -> vec3f { return (p - ${float(lo)}) * ${float(1 / (hi - lo))}; }
fn cellOf(p: vec3f, level: u32) -> Cell {
  let r = resolutions[level];
  let at = clamp(unit(p), vec3f(0.0), vec3f(1.0)) * f32(r);
  let corner = min(vec3u(at), vec3u(r - 1u));
  let side = r + 1u;
  return Cell(corner, at - vec3f(corner), side, r < ${denseBelow(log2Entries)}u, level << ${log2Entries}u);
}
fn slotOf(cell: Cell, offset: vec3u) -> u32 {
  let v = cell.corner + offset;
  let hashed = (v.x ^ (v.y * 2654435761u) ^ (v.z * 805459861u)) & ${2 ** log2Entries - 1}u;
  return cell.base + select(hashed, v.x + cell.side * (v.y + cell.side * v.z), cell.dense);
}
fn offsetOf(corner: u32) -> vec3u { return vec3u(corner & 1u, (corner >> 1u) & 1u, corner >> 2u); }
fn weightsOf(cell: Cell, offset: vec3u) -> vec3f { return select(1.0 - cell.fraction, cell.fraction, offset == vec3u(1u)); }
`
}

/** Smallest resolution whose vertices do not fit: (r + 1)^3 > entries. Found on the host, where the cube cannot overflow. */
function denseBelow(log2Entries: number): number {
  let r = 1
  while ((r + 1) ** 3 <= 2 ** log2Entries) r++
  return r
}

const POINT = 'vec3f(x[q * 3u], x[q * 3u + 1u], x[q * 3u + 2u])'

/** One invocation per point and level: 8 gathers of F numbers. */
export function lookupKernel(points: number, grid: HashGrid): Dispatch {
  const { features, resolutions } = grid
  const levels = resolutions.length
  return itemKernel({
    label: 'hashEncoding',
    reads: [
      { name: 'x', ref: input(0) },
      { name: 'tables', ref: input(1) },
    ],
    writes: [{ name: 'y', ref: output(0) }],
    declarations: gridWgsl(grid),
    items: points * levels,
    body: `  let q = i / ${levels}u;
  let cell = cellOf(${POINT}, i % ${levels}u);
  var sums: array<f32, ${features}>;
  for (var corner = 0u; corner < 8u; corner++) {
    let offset = offsetOf(corner);
    let w = weightsOf(cell, offset);
    let slot = slotOf(cell, offset) * ${features}u;
    for (var f = 0u; f < ${features}u; f++) { sums[f] += w.x * w.y * w.z * tables[slot + f]; }
  }
  for (var f = 0u; f < ${features}u; f++) { y[i * ${features}u + f] = sums[f]; }`,
  })
}

/** One invocation per point: sums over levels and corners. */
export function inputGradientKernel(points: number, grid: HashGrid): Dispatch {
  const { features, resolutions, lo, hi } = grid
  const levels = resolutions.length
  return itemKernel({
    label: 'hashEncodingBackwardInput',
    reads: [
      { name: 'x', ref: input(0) },
      { name: 'tables', ref: input(1) },
      { name: 'dy', ref: input(2) },
    ],
    writes: [{ name: 'dx', ref: output(0) }],
    declarations: gridWgsl(grid),
    items: points,
    body: `  let q = i;
  let p = ${POINT};
  var total = vec3f(0.0);
  for (var level = 0u; level < ${levels}u; level++) {
    let cell = cellOf(p, level);
    var slope = vec3f(0.0);
    for (var corner = 0u; corner < 8u; corner++) {
      let offset = offsetOf(corner);
      let w = weightsOf(cell, offset);
      let slot = slotOf(cell, offset) * ${features}u;
      var s = 0.0;
      for (var f = 0u; f < ${features}u; f++) { s += tables[slot + f] * dy[(q * ${levels}u + level) * ${features}u + f]; }
      slope += s * (2.0 * vec3f(offset) - 1.0) * vec3f(w.y * w.z, w.x * w.z, w.x * w.y);
    }
    total += slope * f32(cell.side - 1u);
  }
  let u = unit(p);
  let g = select(vec3f(0.0), total * ${float(1 / (hi - lo))}, (u >= vec3f(0.0)) & (u <= vec3f(1.0)));
  dx[q * 3u] = g.x;
  dx[q * 3u + 1u] = g.y;
  dx[q * 3u + 2u] = g.z;`,
  })
}

/** Points that one invocation of a coarse level adds up as long as they share a cell, as neighbouring samples of a ray do, before it goes to memory. */
const RUN = 8
/** Cells along an edge of the finest level that is scattered so. On rays of a trained face 0.46 (16 cells) to 0.80 (226) of the additions are left. */
const FINEST_IN_RUNS = 256

/** Adds the contributions of RUN points in a level, cell by cell; up to 4 features. */
function scatterRuns(points: number, { features, resolutions }: HashGrid): string {
  const levels = resolutions.length
  const type = features === 1 ? 'f32' : `vec${features}f`
  const corners = Array.from({ length: 8 }, (_, corner) => corner)
  const slope = Array.from({ length: features }, (_, f) => `dy[at + ${f}u]`).join(', ')
  const part = (corner: number, f: number): string => (features === 1 ? `s${corner}` : `s${corner}[${f}]`)
  const weight = (corner: number): string =>
    ['x', 'y', 'z'].map((axis, bit) => ((corner >> bit) & 1 ? `cell.fraction.${axis}` : `(1.0 - cell.fraction.${axis})`)).join(' * ')
  return `fn addSum(at: u32, sum: f32) {
  var rest = sum;
  for (var n = 0u; n < ${RUN}u && abs(rest) > 0x1p30f; n++) { // not for ever where a gradient is infinite
    let part = sign(rest) * 0x1p30f;
    addTo(at, i32(part));
    rest -= part;
  }
  addTo(at, i32(round(rest)));
}
fn flush(cell: Cell, ${corners.map(c => `s${c}: ${type}`).join(', ')}) {
${corners
  .map(
    c => `  let slot${c} = slotOf(cell, vec3u(${c & 1}u, ${(c >> 1) & 1}u, ${c >> 2}u)) * ${features}u;
${Array.from({ length: features }, (_, f) => `  addSum(slot${c} + ${f}u, ${part(c, f)});`).join('\n')}`,
  )
  .join('\n')}
}
fn scatterRun(first: u32, level: u32) {
  var cell = cellOf(pointAt(first), level);
${corners.map(c => `  var s${c} = ${type}();`).join('\n')}
  for (var q = first; q < min(first + ${RUN}u, ${points}u); q++) {
    let here = cellOf(pointAt(q), level);
    if (any(here.corner != cell.corner)) {
      flush(cell, ${corners.map(c => `s${c}`).join(', ')});
${corners.map(c => `      s${c} = ${type}();`).join('\n')}
    }
    cell = here;
    let at = (q * ${levels}u + level) * ${features}u;
    let d = scale[0] * ${type}(${slope});
${corners.map(c => `    s${c} += ${weight(c)} * d;`).join('\n')}
  }
  flush(cell, ${corners.map(c => `s${c}`).join(', ')});
}
`
}

/**
 * Table gradient: (1) the largest |dy|; (2) from it a power-of-two scale that makes every contribution an integer below 2^30;
 * (3) sums cleared; (4) contributions added by atomics as 64-bit integers, low word with carry into the high word, so that no number of
 * points overflows and the order of additions does not matter; (5) sums turned into f32. A gradient that is not finite gives NaN.
 * Scratch: 0 largest that each workgroup found (as bits), 1 [scale, 1 / scale], 2 low words, 3 high words.
 */
export function tableGradientKernels(points: number, grid: HashGrid): WgslWork {
  const { features, resolutions, log2Entries } = grid
  const levels = resolutions.length
  const slots = levels * 2 ** log2Entries * features
  // levels come from coarse to fine
  const inRuns = features <= 4 ? resolutions.filter(r => r <= FINEST_IN_RUNS).length : 0
  const alone = levels - inRuns
  const runs = Math.ceil(points / RUN) * inRuns
  const count = points * levels * features
  const sources = [{ ref: input(1), length: count }]
  const seek = largestKernels({
    labels: ['hashLargest', 'hashScale'],
    sources,
    partial: scratch(0),
    out: scratch(1),
    // largest < 2^(e - 126); scale = 2^(156 - e) and its inverse, written as f32 bits; all ones is NaN.
    finish: `let e = clamp(largest >> 23u, 30u, 254u);
  made[0] = (283u - e) << 23u;
  made[1] = select((e - 29u) << 23u, 0xffffffffu, largest >= 0x7f800000u);`,
  })
  const clear = itemKernel({
    label: 'hashClear',
    writes: [
      { name: 'low', ref: scratch(2), dtype: 'u32' },
      { name: 'high', ref: scratch(3), dtype: 'u32' },
    ],
    items: slots,
    body: '  low[i] = 0u;\n  high[i] = 0u;',
  })
  const scatter = itemKernel({
    label: 'hashScatter',
    reads: [
      { name: 'x', ref: input(0) },
      { name: 'dy', ref: input(1) },
      { name: 'scale', ref: scratch(1) },
    ],
    writes: [
      { name: 'low', ref: scratch(2), element: 'atomic<u32>' },
      { name: 'high', ref: scratch(3), element: 'atomic<u32>' },
    ],
    declarations: `${gridWgsl(grid)}fn pointAt(q: u32) -> vec3f { return ${POINT}; }
fn addTo(at: u32, v: i32) {
  if (v == 0) { return; }
  let bits = bitcast<u32>(v);
  let old = atomicAdd(&low[at], bits);
  let carry = select(0u, 1u, old > 0xffffffffu - bits) + select(0u, 0xffffffffu, v < 0);
  if (carry != 0u) { atomicAdd(&high[at], carry); }
}
${inRuns > 0 ? scatterRuns(points, grid) : ''}`,
    items: runs + points * alone,
    body: `${inRuns > 0 ? `  if (i < ${runs}u) {\n    scatterRun(i / ${inRuns}u * ${RUN}u, i % ${inRuns}u);\n    return;\n  }\n` : ''}${
      alone > 0
        ? `  let q = (i - ${runs}u) / ${alone}u;
  let level = ${inRuns}u + (i - ${runs}u) % ${alone}u;
  let cell = cellOf(pointAt(q), level);
  for (var corner = 0u; corner < 8u; corner++) {
    let offset = offsetOf(corner);
    let w = weightsOf(cell, offset);
    let factor = w.x * w.y * w.z * scale[0];
    let slot = slotOf(cell, offset) * ${features}u;
    for (var f = 0u; f < ${features}u; f++) { addTo(slot + f, i32(round(factor * dy[(q * ${levels}u + level) * ${features}u + f]))); }
  }`
        : ''
    }`,
  })
  const convert = itemKernel({
    label: 'hashConvert',
    reads: [
      { name: 'low', ref: scratch(2), dtype: 'u32' },
      { name: 'high', ref: scratch(3), dtype: 'u32' },
      { name: 'scale', ref: scratch(1) },
    ],
    writes: [{ name: 'dTables', ref: output(0) }],
    items: slots,
    body: `  var a = low[i];
  var b = high[i];
  let negative = b >= 0x80000000u;
  if (negative) {
    a = ~a + 1u;
    b = ~b + select(0u, 1u, a == 0u);
  }
  let v = (f32(b) * 4294967296.0 + f32(a)) * scale[1];
  dTables[i] = select(v, -v, negative);`,
  })
  return { scratch: [largestLength(sources), 2, slots, slots], dispatches: [...seek, clear, scatter, convert] }
}
