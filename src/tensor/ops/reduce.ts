/** Sums: over everything, over the last axis, over rows; with their broadcasts as gradients. */
import { apply1, type Op } from '../op.ts'
import { type Dispatch, elements, input, lastAxis, output, type Ref, reshape, rowCount, type Shape, scratch, type Tensor } from '../tensor.ts'
import { mul } from './elementwise.ts'
import { addRuns, bindingHeader, float, itemKernel } from './wgsl.ts'

const THREADS = 256
/** Elements that one workgroup adds up; more are shared out, and the workgroups' sums added by one. */
const MOST_AT_ONCE = 64 * THREADS

/** Adds up n numbers in a fixed order: workgroup g of `groups` takes every groups-th run of THREADS, and its invocations meet in a tree. */
function sumKernel(label: string, x: Ref, n: number, y: Ref, groups: number, scale: number): Dispatch {
  const code = `${bindingHeader([{ name: 'x', ref: x }], [{ name: 'y', ref: y }])}
var<workgroup> runs: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  var s = 0.0;
  for (var j = group.x * ${THREADS}u + index; j < ${n}u; j += ${groups * THREADS}u) { s += x[j]; }
  runs[index] = s;
${addRuns(THREADS)}
  if (index == 0u) { y[group.x] = runs[0] * ${float(scale)}; }
}`
  return { label, code, bindings: [x, y], groups: [groups, 1, 1] }
}

const SUM: Op<{ scale: number }> = {
  name: 'sum',
  shape: () => [{ shape: [], dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, { scale }) => {
    const n = elements(x.shape)
    if (n <= MOST_AT_ONCE) return { dispatches: [sumKernel('sum', input(0), n, output(0), 1, scale)] }
    const groups = Math.min(Math.ceil(n / MOST_AT_ONCE), MOST_AT_ONCE)
    const partial = sumKernel('sumPartials', input(0), n, scratch(0), groups, 1)
    return { scratch: [groups], dispatches: [partial, sumKernel('sum', scratch(0), groups, output(0), 1, scale)] }
  },
  reference: ([x], [y], _, { scale }) => {
    let s = 0
    for (let i = 0; i < x.length; i++) s += x[i]
    y[0] = s * scale
  },
  backward: ({ inputs: [x], grads: [dy], attrs: { scale } }) => [dy && apply1(BROADCAST, [dy], { shape: x.shape, scale })],
}

const BROADCAST: Op<{ shape: Shape; scale: number }> = {
  name: 'broadcast',
  shape: (_, { shape }) => [{ shape, dtype: 'f32' }],
  wgsl: (_, { shape, scale }) => ({
    dispatches: [
      itemKernel({
        label: 'broadcast',
        reads: [{ name: 's', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: elements(shape),
        body: `  y[i] = s[0] * ${float(scale)};`,
      }),
    ],
  }),
  reference: ([s], [y], _, { scale }) => {
    y.fill(s[0] * scale)
  },
  backward: ({ grads: [dy], attrs: { scale } }) => [dy && apply1(SUM, [dy], { scale })],
}

/** Σ x over all elements; a scalar []. */
export const sum = (x: Tensor): Tensor => apply1(SUM, [x], { scale: 1 })
/** scale · Σ x over all elements; a scalar []. */
export const scaledSum = (x: Tensor, scale: number): Tensor => apply1(SUM, [x], { scale })
/** Mean over all elements; a scalar []. */
export const mean = (x: Tensor): Tensor => scaledSum(x, 1 / x.length)
/** A scalar [] spread over `shape`. */
export const broadcast = (s: Tensor, shape: Shape): Tensor => apply1(BROADCAST, [s], { shape, scale: 1 })

const SUM_LAST: Op<null> = {
  name: 'sumLast',
  shape: ([x]) => [{ shape: x.shape.slice(0, -1), dtype: 'f32' }],
  wgsl: ({ inputs: [x] }) => ({
    dispatches: [
      itemKernel({
        label: 'sumLast',
        reads: [{ name: 'x', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: rowCount(x.shape),
        body: `  var s = 0.0;\n  for (var c = 0u; c < ${lastAxis(x.shape)}u; c++) { s += x[i * ${lastAxis(x.shape)}u + c]; }\n  y[i] = s;`,
      }),
    ],
  }),
  reference: ([x], [y], { inputs }) => {
    const width = lastAxis(inputs[0].shape)
    for (let i = 0; i < y.length; i++) {
      let s = 0
      for (let c = 0; c < width; c++) s += x[i * width + c]
      y[i] = s
    }
  },
  backward: ({ inputs: [x], grads: [dy] }) => [dy && broadcastLast(dy, lastAxis(x.shape))],
}

const BROADCAST_LAST: Op<number> = {
  name: 'broadcastLast',
  shape: ([s], width) => [{ shape: [...s.shape, width], dtype: 'f32' }],
  wgsl: ({ outputs: [y] }, width) => ({
    dispatches: [
      itemKernel({
        label: 'broadcastLast',
        reads: [{ name: 's', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: elements(y.shape),
        body: `  y[i] = s[i / ${width}u];`,
      }),
    ],
  }),
  reference: ([s], [y], _, width) => {
    for (let i = 0; i < s.length; i++) y.fill(s[i], i * width, (i + 1) * width)
  },
  backward: ({ grads: [dy] }) => [dy && sumLast(dy)],
}

/** Σ over the last axis: [..., C] -> [...]. */
export const sumLast = (x: Tensor): Tensor => apply1(SUM_LAST, [x], null)
/** Each value repeated along a new last axis: [...] -> [..., width]. */
export const broadcastLast = (s: Tensor, width: number): Tensor => apply1(BROADCAST_LAST, [s], width)
/** Rows scaled one by one: x [..., C] times s [...]. */
export const mulRows = (x: Tensor, s: Tensor): Tensor => mul(x, reshape(broadcastLast(s, lastAxis(x.shape)), x.shape))
