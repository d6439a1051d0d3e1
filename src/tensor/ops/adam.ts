/** Adam (Kingma and Ba 2015, algorithm 1) over one flat parameter buffer, and clipping of a gradient by its global norm. */
import { type Op, record } from '../op.ts'
import { elements, type GraphNode, input, scratch, showShape, type Tensor } from '../tensor.ts'
import { float, itemKernel } from './wgsl.ts'

/** Order of the 7 scalars of each group that the host rewrites before each step. */
export const ADAM_SCALARS = ['learning rate', 'beta1', 'beta2', 'eps', '1 - beta1^t', '1 - beta2^t', 'gradient scale'] as const

/** First elements of the groups, ascending from 0. */
const ADAM: Op<readonly number[]> = {
  name: 'adam',
  effect: true,
  shape: ([param, grad, m, v, scalars], begins) => {
    for (const x of [grad, m, v])
      if (elements(x.shape) !== elements(param.shape)) throw new Error(`adam: ${showShape(x.shape)} beside parameters ${showShape(param.shape)}`)
    const n = elements(param.shape)
    if (begins[0] !== 0 || begins.some((begin, g) => !(begin < (begins[g + 1] ?? n))))
      throw new Error(`adam: groups begin at ${begins.join(', ')} of ${n} parameters; give ascending places from 0`)
    const need = begins.length * ADAM_SCALARS.length
    if (elements(scalars.shape) !== need)
      throw new Error(`adam: scalars ${showShape(scalars.shape)}; need [${need}], for each group ${ADAM_SCALARS.join(', ')}`)
    return []
  },
  wgsl: ({ inputs: [param] }, begins) => ({
    dispatches: [
      itemKernel({
        label: 'adam',
        reads: [
          { name: 'grad', ref: input(1) },
          { name: 'scalars', ref: input(4) },
        ],
        writes: [
          { name: 'param', ref: input(0) },
          { name: 'm', ref: input(2) },
          { name: 'v', ref: input(3) },
        ],
        items: elements(param.shape),
        body: `  let s = ${ADAM_SCALARS.length}u * (${['0u', ...begins.slice(1).map(begin => `u32(i >= ${begin}u)`)].join(' + ')});
  let g = grad[i] * scalars[s + 6u];
  let mean = scalars[s + 1u] * m[i] + (1.0 - scalars[s + 1u]) * g;
  let spread = scalars[s + 2u] * v[i] + (1.0 - scalars[s + 2u]) * g * g;
  m[i] = mean;
  v[i] = spread;
  param[i] -= scalars[s] * (mean / scalars[s + 4u]) / (sqrt(spread / scalars[s + 5u]) + scalars[s + 3u]);`,
      }),
    ],
  }),
  reference: ([param, grad, m, v, scalars], _, __, begins) => {
    for (const [group, begin] of begins.entries()) {
      const [rate, beta1, beta2, eps, correction1, correction2, scale] = scalars.subarray(group * ADAM_SCALARS.length)
      for (let i = begin; i < (begins[group + 1] ?? param.length); i++) {
        const g = grad[i] * scale
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * g * g
        param[i] -= (rate * (m[i] / correction1)) / (Math.sqrt(v[i] / correction2) + eps)
      }
    }
  },
  simd: ({ inputs: [param] }, begins) => ({
    calls: begins.map((begin, group) => ({
      kernel: 'adam',
      items: (begins[group + 1] ?? elements(param.shape)) - begin,
      grain: 1 << 14,
      args: [...[0, 1, 2, 3, 4].map(input), { i32: begin }, { i32: group }],
    })),
  }),
}

/**
 * An effect: m, v and param take one step, p -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps), with gradScale * grad as gradient.
 * All five are leaves; param, grad, m and v have equal lengths; `scalars` [7 · groups] are lr, beta1, beta2, eps, 1 - beta1^t, 1 - beta2^t, gradScale of each group.
 * @param begins first elements of the groups, ascending from 0; one group by default. All of them take one dispatch.
 */
export function adam(param: Tensor, grad: Tensor, m: Tensor, v: Tensor, scalars: Tensor, begins: readonly number[] = [0]): GraphNode {
  const inputs = [param, grad, m, v, scalars]
  for (const [index, x] of inputs.entries()) if (index !== 1) requireLeaf('adam', x)
  return record(ADAM, inputs, begins)
}

function requireLeaf(name: string, x: Tensor): void {
  if (x.source.kind !== 'storage')
    throw new Error(`${name}: ${showShape(x.shape)} is computed by ${x.source.node.name}; it must be a leaf, for it is written in place`)
}

/** Numbers one invocation adds up before partial sums meet. */
const RUN = 256

const CLIP: Op<number> = {
  name: 'clipGradientNorm',
  effect: true,
  shape: (_, maxNorm) => {
    if (!(maxNorm > 0)) throw new Error(`clipGradientNorm: largest norm ${maxNorm}; give a number above 0`)
    return []
  },
  wgsl: ({ inputs: [grad] }, maxNorm) => {
    const n = elements(grad.shape)
    const runs = Math.ceil(n / RUN)
    const partial = itemKernel({
      label: 'gradientNormRuns',
      reads: [{ name: 'grad', ref: input(0) }],
      writes: [{ name: 'partial', ref: scratch(0) }],
      items: runs,
      body: `  var s = 0.0;\n  for (var j = i; j < ${n}u; j += ${runs}u) { s += grad[j] * grad[j]; }\n  partial[i] = s;`,
    })
    const factor = itemKernel({
      label: 'gradientNorm',
      reads: [{ name: 'partial', ref: scratch(0) }],
      writes: [{ name: 'factor', ref: scratch(1) }],
      items: 1,
      body: `  var s = 0.0;\n  for (var j = 0u; j < ${runs}u; j++) { s += partial[j]; }\n  let norm = sqrt(s);
  factor[0] = select(1.0, ${float(maxNorm)} / norm, norm > ${float(maxNorm)});`,
    })
    const shrink = itemKernel({
      label: 'clipGradientNorm',
      reads: [{ name: 'factor', ref: scratch(1) }],
      writes: [{ name: 'grad', ref: input(0) }],
      items: n,
      body: '  grad[i] *= factor[0];',
    })
    return { scratch: [runs, 1], dispatches: [partial, factor, shrink] }
  },
  reference: ([grad], _, __, maxNorm) => {
    let s = 0
    for (let i = 0; i < grad.length; i++) s += grad[i] * grad[i]
    const norm = Math.sqrt(s)
    if (norm > maxNorm) for (let i = 0; i < grad.length; i++) grad[i] *= maxNorm / norm
  },
}

/** An effect: scales the leaf `grad` in place so that its Euclidean norm over all elements is at most `maxNorm`. Throws unless maxNorm > 0. */
export function clipGradientNorm(grad: Tensor, maxNorm: number): GraphNode {
  requireLeaf('clipGradientNorm', grad)
  return record(CLIP, [grad], maxNorm)
}
