/** Lipschitz normalisation of a dense layer's matrix (paper Eq. 9; Liu et al. 2022) and the product of the layers' bounds (Eq. 10). */
import { apply, apply1, type Op } from '../op.ts'
import { type Dispatch, elements, input, output, scratch, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { bindingHeader, float, itemKernel } from './wgsl.ts'

/** What shares one scale: an output's weights (the infinity norm of y = x W, Eq. 9) or an input's (as the authors' code does). */
export type LipschitzGroup = 'output' | 'input'

const softplusOf = (c: number): number => Math.max(c, 0) + Math.log1p(Math.exp(-Math.abs(c)))

/** log(1 + u) = 2 atanh(u / (2 + u)): WGSL's log loses the digits of a small u. */
const SOFTPLUS_WGSL = `fn softplus(x: f32) -> f32 {
  let u = exp(-abs(x));
  let s = u / (2.0 + u);
  let t = s * s;
  return max(x, 0.0) + 2.0 * s * (1.0 + t * (1.0 / 3.0 + t * (0.2 + t * (1.0 / 7.0 + t * (1.0 / 9.0 + t * (1.0 / 11.0 + t * (1.0 / 13.0 + t / 15.0)))))));
}
`

/** Where the weights of group g lie in the row-major [in, out] matrix: g * step + j * stride for j < size. */
function groups(w: TensorType, per: LipschitzGroup) {
  const [nIn, nOut] = w.shape
  return per === 'output' ? { count: nOut, size: nIn, step: 1, stride: nOut } : { count: nIn, size: nOut, step: nOut, stride: 1 }
}

const THREADS = 256
const RUNS = 8

/**
 * WGSL of a workgroup that takes whole groups, each with several invocations: `g` is the invocation's group, `lane` of `lanes` its place among those of the group, and
 * the function `total(index, v)` the sum of v over the group. Neighbouring invocations read neighbouring weights.
 */
function teams(w: TensorType, per: LipschitzGroup) {
  const { count, size, step, stride } = groups(w, per)
  const side = THREADS / RUNS
  const [perWorkgroup, lanes] = per === 'output' ? [side, RUNS] : [RUNS, side]
  const [group, lane] = per === 'output' ? [`index % ${side}u`, `index / ${side}u`] : [`index / ${side}u`, `index % ${side}u`]
  const run = per === 'output' ? `l * ${side}u + index % ${side}u` : `index / ${side}u * ${side}u + l`
  return {
    count,
    groups: [Math.ceil(count / perWorkgroup), 1, 1] as const,
    declarations: `${SOFTPLUS_WGSL}var<workgroup> runs: array<f32, ${THREADS}>;
fn total(index: u32, v: f32) -> f32 {
  workgroupBarrier();
  runs[index] = v;
  workgroupBarrier();
  var s = 0.0;
  for (var l = 0u; l < ${lanes}u; l++) { s += runs[${run}]; }
  return s;
}`,
    main: `@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) index: u32) {
  let g = workgroup.x * ${perWorkgroup}u + ${group};
  let lane = ${lane};`,
    /** A loop over the invocation's weights, at element `at`. */
    each: (body: string): string =>
      `  if (g < ${count}u) { for (var j = lane; j < ${size}u; j += ${lanes}u) { let at = g * ${step}u + j * ${stride}u; ${body} } }`,
  }
}

const SCALE: Op<LipschitzGroup> = {
  name: 'lipschitzScale',
  shape: ([w, c]) => {
    if (w.shape.length !== 2 || elements(c.shape) !== 1)
      throw new Error(`lipschitzScale: weights ${showShape(w.shape)} and c ${showShape(c.shape)}; need [in, out] and a scalar []`)
    return [{ shape: w.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [w] }, per) => {
    const team = teams(w, per)
    const reads = [
      { name: 'w', ref: input(0) },
      { name: 'c', ref: input(1) },
    ]
    const writes = [{ name: 'y', ref: output(0) }]
    const code = `${bindingHeader(reads, writes)}${team.declarations}
${team.main}
  var v = 0.0;
${team.each('v += abs(w[at]);')}
  let s = total(index, v);
  let bound = softplus(c[0]);
  let scale = select(1.0, bound / s, s > bound);
${team.each('y[at] = w[at] * scale;')}
}`
    return { dispatches: [{ label: 'lipschitzScale', code, bindings: [...reads, ...writes].map(b => b.ref), groups: team.groups }] }
  },
  reference: ([w, c], [y], { inputs }, per) => {
    const { count, size, step, stride } = groups(inputs[0], per)
    const bound = softplusOf(c[0])
    for (let g = 0; g < count; g++) {
      let s = 0
      for (let j = 0; j < size; j++) s += Math.abs(w[g * step + j * stride])
      const scale = s > bound ? bound / s : 1
      for (let j = 0; j < size; j++) y[g * step + j * stride] = w[g * step + j * stride] * scale
    }
  },
  backward: ({ inputs: [w, c], grads: [dy], attrs }) => (dy ? apply(SCALE_BACKWARD, [w, c, dy], attrs) : []),
}

/** dc = sigmoid(c) times the sum of all ratios. */
function boundKernel(count: number): Dispatch {
  const reads = [
    { name: 'c', ref: input(1) },
    { name: 'ratios', ref: scratch(0) },
  ]
  const writes = [{ name: 'dc', ref: output(1) }]
  const code = `${bindingHeader(reads, writes)}
var<workgroup> runs: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(local_invocation_index) index: u32) {
  var s = 0.0;
  for (var g = index; g < ${count}u; g += ${THREADS}u) { s += ratios[g]; }
  runs[index] = s;
  for (var half = ${THREADS / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (index < half) { runs[index] += runs[index + half]; }
  }
  if (index == 0u) { dc[0] = runs[0] / (1.0 + exp(-c[0])); }
}`
  return { label: 'lipschitzBackwardBound', code, bindings: [...reads, ...writes].map(b => b.ref), groups: [1, 1, 1] }
}

/**
 * With S = sum |w|, k = softplus(c) and G = sum w dy of a group: where S > k, dw = dy k/S - sign(w) G k/S^2 and dc gets G/S sigmoid(c);
 * elsewhere dw = dy. Outputs: dw, dc.
 */
const SCALE_BACKWARD: Op<LipschitzGroup> = {
  name: 'lipschitzScaleBackward',
  shape: ([w, c]) => [
    { shape: w.shape, dtype: 'f32' },
    { shape: c.shape, dtype: 'f32' },
  ],
  // Scratch holds G/S of every group, 0 where it is not bound.
  wgsl: ({ inputs: [w] }, per) => {
    const team = teams(w, per)
    const reads = ['w', 'c', 'dy'].map((name, i) => ({ name, ref: input(i) }))
    const writes = [
      { name: 'dw', ref: output(0) },
      { name: 'ratios', ref: scratch(0) },
    ]
    const code = `${bindingHeader(reads, writes)}${team.declarations}
${team.main}
  var v = 0.0;
  var d = 0.0;
${team.each('v += abs(w[at]); d += w[at] * dy[at];')}
  let s = total(index, v);
  let dot = total(index, d);
  let bound = softplus(c[0]);
  let isBound = s > bound;
  let ratio = select(0.0, dot / s, isBound);
  let scale = select(1.0, bound / s, isBound);
${team.each('dw[at] = (dy[at] - sign(w[at]) * ratio) * scale;')}
  if (lane == 0u && g < ${team.count}u) { ratios[g] = ratio; }
}`
    const weights = { label: 'lipschitzBackward', code, bindings: [...reads, ...writes].map(b => b.ref), groups: team.groups }
    return { scratch: [team.count], dispatches: [weights, boundKernel(team.count)] }
  },
  reference: ([w, c, dy], [dw, dc], { inputs }, per) => {
    const { count, size, step, stride } = groups(inputs[0], per)
    const bound = softplusOf(c[0])
    let total = 0
    for (let g = 0; g < count; g++) {
      let s = 0
      let dot = 0
      for (let j = 0; j < size; j++) {
        s += Math.abs(w[g * step + j * stride])
        dot += w[g * step + j * stride] * dy[g * step + j * stride]
      }
      const isBound = s > bound
      if (isBound) total += dot / s
      for (let j = 0; j < size; j++) {
        const at = g * step + j * stride
        dw[at] = isBound ? (dy[at] - (Math.sign(w[at]) * dot) / s) * (bound / s) : dy[at]
      }
    }
    dc[0] = total / (1 + Math.exp(-c[0]))
  },
}

/**
 * Weights [in, out] times min(1, softplus(c) / sum |w|) of their group. Per 'output' it is the paper's Eq. 9 (the sum runs over an output's
 * inputs), per 'input' the authors' code. Gradients reach w, also through the sum, and c [].
 */
export function lipschitzScale(w: Tensor, c: Tensor, per: LipschitzGroup): Tensor {
  return apply1(SCALE, [w, c], per)
}

const PRODUCT: Op<null> = {
  name: 'product',
  shape: () => [{ shape: [], dtype: 'f32' }],
  wgsl: ({ inputs: [x] }) => ({
    dispatches: [
      itemKernel({
        label: 'product',
        reads: [{ name: 'x', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: 1,
        body: `  var p = ${float(1)};\n  for (var j = 0u; j < ${elements(x.shape)}u; j++) { p *= x[j]; }\n  y[0] = p;`,
      }),
    ],
  }),
  reference: ([x], [y]) => {
    let p = 1
    for (let j = 0; j < x.length; j++) p *= x[j]
    y[0] = p
  },
  backward: ({ inputs: [x], grads: [dy] }) => [dy && apply1(PRODUCT_BACKWARD, [x, dy], null)],
}

/** dx_i = dy times the product of all others, multiplied out so that a zero factor does no harm. */
const PRODUCT_BACKWARD: Op<null> = {
  name: 'productBackward',
  shape: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [x] }) => ({
    dispatches: [
      itemKernel({
        label: 'productBackward',
        reads: [
          { name: 'x', ref: input(0) },
          { name: 'dy', ref: input(1) },
        ],
        writes: [{ name: 'dx', ref: output(0) }],
        items: elements(x.shape),
        body: `  var p = dy[0];\n  for (var j = 0u; j < ${elements(x.shape)}u; j++) { p *= select(x[j], 1.0, j == i); }\n  dx[i] = p;`,
      }),
    ],
  }),
  reference: ([x, dy], [dx]) => {
    for (let i = 0; i < x.length; i++) {
      let p = dy[0]
      for (let j = 0; j < x.length; j++) if (j !== i) p *= x[j]
      dx[i] = p
    }
  },
}

/** Product of all elements, a scalar []; for a handful of factors (its gradient takes N^2 multiplications). */
export const product = (x: Tensor): Tensor => apply1(PRODUCT, [x], null)
