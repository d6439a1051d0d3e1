/** Lipschitz normalisation of dense layers' matrices (paper Eq. 9; Liu et al. 2022), of all layers of a network as one operation. */
import type { GpuTraits } from '../gpuTraits.ts'
import { apply, type Op } from '../op.ts'
import { type Dispatch, elements, input, output, type Ref, reshape, scratch, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { addRuns, type Binding, bindingHeader } from './wgsl.ts'

/** What shares one scale: an output's weights (the infinity norm of y = x W, Eq. 9) or an input's (as the authors' code does). */
export type LipschitzGroup = 'output' | 'input'

export const softplusOf = (c: number): number => Math.max(c, 0) + Math.log1p(Math.exp(-Math.abs(c)))

/** log(1 + u) = 2 atanh(u / (2 + u)): WGSL's log loses the digits of a small u. */
export const SOFTPLUS_WGSL = `fn softplus(x: f32) -> f32 {
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

/** A layer of a dispatch: its matrix, and WGSL that handles a group of its weights, in which `each` loops over the invocation's own, at element `at`. */
interface LayerPart {
  readonly w: TensorType
  readonly body: (each: (body: string) => string, count: number) => string
}

/**
 * A dispatch over the matrices of several layers, one after the other. A workgroup takes whole groups, each with several invocations: `g` is the invocation's group,
 * `lane` its place among those of the group, and the function `total(index, v)` the sum of v over the group. Neighbouring invocations read neighbouring weights.
 */
function layersKernel(
  label: string,
  per: LipschitzGroup,
  parts: readonly LayerPart[],
  reads: readonly Binding[],
  writes: readonly Binding[],
): Dispatch {
  const side = THREADS / RUNS
  const [perWorkgroup, lanes] = per === 'output' ? [side, RUNS] : [RUNS, side]
  const [group, lane] = per === 'output' ? [`index % ${side}u`, `index / ${side}u`] : [`index / ${side}u`, `index % ${side}u`]
  const run = per === 'output' ? `l * ${side}u + index % ${side}u` : `index / ${side}u * ${side}u + l`
  let end = 0
  const cases = parts.map(({ w, body }) => {
    const { count, size, step, stride } = groups(w, per)
    const first = end
    end += Math.ceil(count / perWorkgroup)
    const each = (line: string): string =>
      `    if (g < ${count}u) { for (var j = lane; j < ${size}u; j += ${lanes}u) { let at = g * ${step}u + j * ${stride}u; ${line} } }`
    return `if (workgroup.x < ${end}u) {
    let g = (workgroup.x - ${first}u) * ${perWorkgroup}u + ${group};
${body(each, count)}
  }`
  })
  const code = `${bindingHeader(reads, writes)}${SOFTPLUS_WGSL}var<workgroup> runs: array<f32, ${THREADS}>;
fn total(index: u32, v: f32) -> f32 {
  workgroupBarrier();
  runs[index] = v;
  workgroupBarrier();
  var s = 0.0;
  for (var l = 0u; l < ${lanes}u; l++) { s += runs[${run}]; }
  return s;
}
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) index: u32) {
  let lane = ${lane};
  var v = 0.0;
  var d = 0.0;
  ${cases.join(' else ')}
}`
  return { label, code, bindings: [...reads, ...writes].map(b => b.ref), groups: [end, 1, 1] }
}

/** Cuts a list into pieces that a dispatch has room for, when each element binds `each` buffers beside `others`. */
function pieces<T>(list: readonly T[], each: number, others: number, { storageBuffers }: GpuTraits): T[][] {
  const most = Math.max(1, Math.floor((storageBuffers - others) / each))
  return Array.from({ length: Math.ceil(list.length / most) }, (_, i) => list.slice(i * most, (i + 1) * most))
}

interface ScaleAttrs {
  readonly per: LipschitzGroup
}

/** Inputs the matrices, then their bounds c [layers]; outputs the scaled matrices. */
const SCALE: Op<ScaleAttrs> = {
  name: 'lipschitzScale',
  shape: inputs => {
    const c = inputs[inputs.length - 1]
    const ws = inputs.slice(0, -1)
    if (ws.length === 0 || elements(c.shape) !== ws.length)
      throw new Error(`lipschitzScale: ${ws.length} matrices and c ${showShape(c.shape)}; need a number for each`)
    const odd = ws.find(w => w.shape.length !== 2)
    if (odd) throw new Error(`lipschitzScale: weights ${showShape(odd.shape)}; need a matrix [in, out]`)
    return ws.map(w => ({ shape: w.shape, dtype: 'f32' }))
  },
  wgsl: ({ inputs }, { per }, gpu) => {
    const n = inputs.length - 1
    const kernelOf = (layers: readonly number[]): Dispatch =>
      layersKernel(
        'lipschitzScale',
        per,
        layers.map(l => ({
          w: inputs[l],
          body: each => `${each(`v += abs(w${l}[at]);`)}
    let s = total(index, v);
    let bound = softplus(c[${l}]);
    let scale = select(1.0, bound / s, s > bound);
${each(`y${l}[at] = w${l}[at] * scale;`)}`,
        })),
        [...layers.map(l => ({ name: `w${l}`, ref: input(l) })), { name: 'c', ref: input(n) }],
        layers.map(l => ({ name: `y${l}`, ref: output(l) })),
      )
    return { dispatches: pieces([...inputs.keys()].slice(0, n), 2, 1, gpu).map(kernelOf) }
  },
  reference: (given, outputs, { inputs }, { per }) => {
    const c = given[given.length - 1]
    for (const [l, y] of outputs.entries()) {
      const w = given[l]
      const { count, size, step, stride } = groups(inputs[l], per)
      const bound = softplusOf(c[l])
      for (let g = 0; g < count; g++) {
        let s = 0
        for (let j = 0; j < size; j++) s += Math.abs(w[g * step + j * stride])
        const scale = s > bound ? bound / s : 1
        for (let j = 0; j < size; j++) y[g * step + j * stride] = w[g * step + j * stride] * scale
      }
    }
  },
  backward: ({ inputs, grads, attrs: { per } }) => {
    const layers = grads.flatMap((g, l) => (g ? [l] : []))
    if (layers.length === 0) return []
    const c = inputs[inputs.length - 1]
    const dys = grads.filter(g => g !== undefined)
    const made = apply(SCALE_BACKWARD, [...layers.map(l => inputs[l]), ...dys, c], { per, layers })
    const dws: (Tensor | undefined)[] = inputs.slice(0, -1).map(() => undefined)
    for (const [i, l] of layers.entries()) dws[l] = made[i]
    return [...dws, made[layers.length]]
  },
}

interface BackwardAttrs extends ScaleAttrs {
  /** Those whose scaled matrices the loss depends on. */
  readonly layers: readonly number[]
}

/** dc = sigmoid(c) times the sum of a layer's ratios, which lie one layer after the other; one workgroup for each. Layers without ratios get 0. */
function boundsKernel(counts: readonly number[], c: Ref, dc: Ref): Dispatch {
  const ends = counts.map((_, l) => counts.slice(0, l + 1).reduce((a, b) => a + b, 0))
  const reads = [
    { name: 'c', ref: c },
    { name: 'ratios', ref: scratch(0) },
  ]
  const writes = [{ name: 'dc', ref: dc }]
  const code = `${bindingHeader(reads, writes)}
const ends = array<u32, ${counts.length}>(${ends.map(e => `${e}u`).join(', ')});
var<workgroup> runs: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) index: u32) {
  let layer = workgroup.x;
  var begin = 0u;
  if (layer > 0u) { begin = ends[layer - 1u]; }
  var s = 0.0;
  for (var g = begin + index; g < ends[layer]; g += ${THREADS}u) { s += ratios[g]; }
  runs[index] = s;
${addRuns(THREADS)}
  if (index == 0u) { dc[layer] = runs[0] / (1.0 + exp(-c[layer])); }
}`
  return { label: 'lipschitzBackwardBounds', code, bindings: [...reads, ...writes].map(b => b.ref), groups: [counts.length, 1, 1] }
}

/**
 * With S = sum |w|, k = softplus(c) and G = sum w dy of a group: where S > k, dw = dy k/S - sign(w) G k/S^2 and dc gets G/S sigmoid(c);
 * elsewhere dw = dy. Inputs the matrices of `layers`, their dy, and all c; outputs their dw, and dc of all.
 */
const SCALE_BACKWARD: Op<BackwardAttrs> = {
  name: 'lipschitzScaleBackward',
  shape: (inputs, { layers }) => [...inputs.slice(0, layers.length), inputs[inputs.length - 1]].map(({ shape }) => ({ shape, dtype: 'f32' })),
  // Scratch holds G/S of every group, 0 where it is not bound.
  wgsl: ({ inputs }, { per, layers }, gpu) => {
    const n = layers.length
    const c = input(2 * n)
    const countOf = (i: number): number => groups(inputs[i], per).count
    const begins = layers.map((_, i) => layers.slice(0, i).reduce((sum, __, j) => sum + countOf(j), 0))
    const kernelOf = (piece: readonly number[]): Dispatch =>
      layersKernel(
        'lipschitzBackward',
        per,
        piece.map(i => ({
          w: inputs[i],
          body: (each, count) => `${each(`v += abs(w${i}[at]); d += w${i}[at] * dy${i}[at];`)}
    let s = total(index, v);
    let dot = total(index, d);
    let bound = softplus(c[${layers[i]}]);
    let isBound = s > bound;
    let ratio = select(0.0, dot / s, isBound);
    let scale = select(1.0, bound / s, isBound);
${each(`dw${i}[at] = (dy${i}[at] - sign(w${i}[at]) * ratio) * scale;`)}
    if (lane == 0u && g < ${count}u) { ratios[g + ${begins[i]}u] = ratio; }`,
        })),
        [
          ...piece.flatMap(i => [
            { name: `w${i}`, ref: input(i) },
            { name: `dy${i}`, ref: input(n + i) },
          ]),
          { name: 'c', ref: c },
        ],
        [...piece.map(i => ({ name: `dw${i}`, ref: output(i) })), { name: 'ratios', ref: scratch(0) }],
      )
    const counts = Array.from({ length: elements(inputs[2 * n].shape) }, (_, l) => (layers.includes(l) ? countOf(layers.indexOf(l)) : 0))
    return {
      scratch: [counts.reduce((a, b) => a + b, 0)],
      dispatches: [...pieces([...layers.keys()], 3, 2, gpu).map(kernelOf), boundsKernel(counts, c, output(n))],
    }
  },
  reference: (given, outputs, { inputs }, { per, layers }) => {
    const n = layers.length
    const c = given[2 * n]
    const dc = outputs[n].fill(0)
    for (const [i, layer] of layers.entries()) {
      const [w, dy, dw] = [given[i], given[n + i], outputs[i]]
      const { count, size, step, stride } = groups(inputs[i], per)
      const bound = softplusOf(c[layer])
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
      dc[layer] = total / (1 + Math.exp(-c[layer]))
    }
  },
}

/**
 * Matrices [in, out] times min(1, softplus(c) / sum |w|) of their group, each with its own number of c [matrices]. Per 'output' it is the paper's Eq. 9 (the sum runs
 * over an output's inputs), per 'input' the authors' code. Gradients reach the matrices, also through the sums, and c. Throws when sizes do not fit.
 */
export const lipschitzScales = (ws: readonly Tensor[], c: Tensor, per: LipschitzGroup): Tensor[] => apply(SCALE, [...ws, c], { per })

/** `lipschitzScales` of one matrix, c []. */
export const lipschitzScale = (w: Tensor, c: Tensor, per: LipschitzGroup): Tensor => lipschitzScales([w], reshape(c, [c.length]), per)[0]
