/** Element by element: y = f(x) and y = f(a, b). Binary operands have one shape, or one of them is a scalar []. */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Shape, sameShape, showShape, type Tensor } from '../tensor.ts'
import { sum } from './reduce.ts'
import { float, itemKernel } from './wgsl.ts'

export interface Unary {
  /** y from x; p and q are the call's constants. */
  readonly js: (x: number, p: number, q: number) => number
  readonly wgsl: (p: string, q: string) => string
  /** dy/dx from x and y. */
  readonly slope: (x: number, y: number, p: number, q: number) => number
  readonly wgslSlope: (p: string, q: string) => string
}

/** erf by Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7: enough for f32 GELU. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-x * x)
  return x < 0 ? tail - 1 : 1 - tail
}
/** WGSL functions erf, sigmoid and softplus, which the rules use. */
export const RULE_FUNCTIONS = `fn erf(x: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * exp(-x * x);
  return select(1.0 - tail, tail - 1.0, x < 0.0);
}
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-x)); }
fn softplus(x: f32) -> f32 { return max(x, 0.0) + log(1.0 + exp(-abs(x))); }
`
const sigmoidOf = (x: number): number => 1 / (1 + Math.exp(-x))

const UNARY = {
  affine: { js: (x, p, q) => p * x + q, wgsl: (p, q) => `${p} * v + ${q}`, slope: (_, __, p) => p, wgslSlope: p => p },
  exp: { js: Math.exp, wgsl: () => 'exp(v)', slope: (_, y) => y, wgslSlope: () => 'r' },
  log: { js: Math.log, wgsl: () => 'log(v)', slope: x => 1 / x, wgslSlope: () => '1.0 / v' },
  sqrt: { js: Math.sqrt, wgsl: () => 'sqrt(v)', slope: (_, y) => 0.5 / y, wgslSlope: () => '0.5 / r' },
  square: { js: x => x * x, wgsl: () => 'v * v', slope: x => 2 * x, wgslSlope: () => '2.0 * v' },
  reciprocal: { js: x => 1 / x, wgsl: () => '1.0 / v', slope: (_, y) => -y * y, wgslSlope: () => '-r * r' },
  abs: { js: Math.abs, wgsl: () => 'abs(v)', slope: x => Math.sign(x), wgslSlope: () => 'sign(v)' },
  relu: { js: x => Math.max(x, 0), wgsl: () => 'max(v, 0.0)', slope: (_, y) => (y > 0 ? 1 : 0), wgslSlope: () => 'select(0.0, 1.0, r > 0.0)' },
  sigmoid: { js: sigmoidOf, wgsl: () => 'sigmoid(v)', slope: (_, y) => y * (1 - y), wgslSlope: () => 'r * (1.0 - r)' },
  softplus: {
    js: x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    wgsl: () => 'softplus(v)',
    slope: x => sigmoidOf(x),
    wgslSlope: () => 'sigmoid(v)',
  },
  quickGelu: {
    js: x => x * sigmoidOf(1.702 * x),
    wgsl: () => 'v * sigmoid(1.702 * v)',
    slope: x => sigmoidOf(1.702 * x) * (1 + 1.702 * x * (1 - sigmoidOf(1.702 * x))),
    wgslSlope: () => 'sigmoid(1.702 * v) * (1.0 + 1.702 * v * (1.0 - sigmoid(1.702 * v)))',
  },
  gelu: {
    js: x => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
    wgsl: () => '0.5 * v * (1.0 + erf(v * 0.70710678))',
    slope: x => 0.5 * (1 + erf(x * Math.SQRT1_2)) + x * Math.exp(-0.5 * x * x) * 0.3989422804,
    wgslSlope: () => '0.5 * (1.0 + erf(v * 0.70710678)) + v * exp(-0.5 * v * v) * 0.3989422804',
  },
  /** GELU's tanh form, 0.5·x·(1 + tanh(√(2/π)(x + 0.044715·x³))), by the sigmoid of twice that argument: some drivers' tanh is NaN far from zero. */
  geluTanh: {
    js: x => x * sigmoidOf(x * (1.5957691216 + 0.0713548163 * x * x)),
    wgsl: () => 'v * sigmoid(v * (1.5957691216 + 0.0713548163 * v * v))',
    slope: x => {
      const s = sigmoidOf(x * (1.5957691216 + 0.0713548163 * x * x))
      return s * (1 + x * (1 - s) * (1.5957691216 + 0.2140644488 * x * x))
    },
    wgslSlope: () => {
      const s = 'sigmoid(v * (1.5957691216 + 0.0713548163 * v * v))'
      return `${s} * (1.0 + v * (1.0 - ${s}) * (1.5957691216 + 0.2140644488 * v * v))`
    },
  },
  /** Clamp to [p, q]; the gradient is zero outside. */
  clamp: {
    js: (x, p, q) => Math.min(Math.max(x, p), q),
    wgsl: (p, q) => `clamp(v, ${p}, ${q})`,
    slope: (x, _, p, q) => (x >= p && x <= q ? 1 : 0),
    wgslSlope: (p, q) => `select(0.0, 1.0, v >= ${p} && v <= ${q})`,
  },
} satisfies Record<string, Unary>

/** Elements per task on the CPU. */
const GRAIN = 1 << 13

type UnaryName = keyof typeof UNARY
/** Functions with SIMD kernels of their own, NAME and NAMEBackward. */
const VECTORISED: readonly UnaryName[] = ['quickGelu', 'gelu', 'geluTanh']
interface UnaryAttrs {
  readonly kind: UnaryName
  readonly p: number
  readonly q: number
}
/** How a function and its slope are computed, in JS and in WGSL; for operations that contain one. */
export const rule = (kind: UnaryName): Unary => UNARY[kind]

const UNARY_OP: Op<UnaryAttrs> = {
  name: 'unary',
  shape: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, { kind, p, q }) => ({
    dispatches: [
      itemKernel({
        label: kind,
        reads: [{ name: 'x', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        declarations: RULE_FUNCTIONS,
        items: elements(x.shape),
        body: `  let v = x[i];\n  y[i] = ${rule(kind).wgsl(float(p), float(q))};`,
      }),
    ],
  }),
  reference: ([x], [y], _, { kind, p, q }) => {
    const { js } = rule(kind)
    for (let i = 0; i < y.length; i++) y[i] = js(x[i], p, q)
  },
  simd: ({ inputs: [x] }, { kind, p, q }) => {
    const kernel = { items: elements(x.shape), grain: GRAIN }
    if (VECTORISED.includes(kind)) return { calls: [{ kernel: kind, ...kernel, args: [input(0), output(0)] }] }
    if (kind === 'affine' && q === 0) return { calls: [{ kernel: 'scaleTensor', ...kernel, args: [input(0), output(0), { f32: p }] }] }
    return undefined
  },
  backward: ({ inputs: [x], outputs: [y], grads: [dy], attrs }) => [dy && apply1(UNARY_BACKWARD, [x, y, dy], attrs)],
}

const UNARY_BACKWARD: Op<UnaryAttrs> = {
  name: 'unaryBackward',
  shape: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, { kind, p, q }) => ({
    dispatches: [
      itemKernel({
        label: `${kind}Backward`,
        reads: ['x', 'y', 'dy'].map((name, index) => ({ name, ref: input(index) })),
        writes: [{ name: 'dx', ref: output(0) }],
        declarations: RULE_FUNCTIONS,
        items: elements(x.shape),
        body: `  let v = x[i];\n  let r = y[i];\n  dx[i] = dy[i] * (${rule(kind).wgslSlope(float(p), float(q))});`,
      }),
    ],
  }),
  reference: ([x, y, dy], [dx], _, { kind, p, q }) => {
    const { slope } = rule(kind)
    for (let i = 0; i < dx.length; i++) dx[i] = dy[i] * slope(x[i], y[i], p, q)
  },
  simd: ({ inputs: [x] }, { kind }) => {
    if (!VECTORISED.includes(kind)) return undefined
    return { calls: [{ kernel: `${kind}Backward`, items: elements(x.shape), grain: GRAIN, args: [input(0), input(2), output(0)] }] }
  },
}

const unary =
  (kind: UnaryName) =>
  (x: Tensor): Tensor =>
    apply1(UNARY_OP, [x], { kind, p: 0, q: 0 })

export const exp = unary('exp')
export const log = unary('log')
export const sqrt = unary('sqrt')
export const square = unary('square')
export const reciprocal = unary('reciprocal')
export const abs = unary('abs')
export const relu = unary('relu')
export const sigmoid = unary('sigmoid')
export const softplus = unary('softplus')
export const quickGelu = unary('quickGelu')
export const gelu = unary('gelu')
export const geluTanh = unary('geluTanh')
/** p·x + q. */
export const affine = (x: Tensor, p: number, q = 0): Tensor => apply1(UNARY_OP, [x], { kind: 'affine', p, q })
/** x limited to [low, high]. */
export const clamp = (x: Tensor, low: number, high: number): Tensor => apply1(UNARY_OP, [x], { kind: 'clamp', p: low, q: high })

const BINARY = {
  add: { js: (a: number, b: number) => a + b, wgsl: 'u + v' },
  sub: { js: (a: number, b: number) => a - b, wgsl: 'u - v' },
  mul: { js: (a: number, b: number) => a * b, wgsl: 'u * v' },
  min: { js: (a: number, b: number) => Math.min(a, b), wgsl: 'min(u, v)' },
}
type BinaryName = keyof typeof BINARY

const BINARY_OP: Op<BinaryName> = {
  name: 'binary',
  shape: ([a, b], kind) => {
    if (!sameShape(a.shape, b.shape) && a.shape.length > 0 && b.shape.length > 0) {
      throw new Error(`${kind}: shapes differ, ${showShape(a.shape)} and ${showShape(b.shape)}; only scalars [] broadcast`)
    }
    return [{ shape: a.shape.length === 0 ? b.shape : a.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [a, b], outputs: [y] }, kind) => ({
    dispatches: [
      itemKernel({
        label: kind,
        reads: [
          { name: 'a', ref: input(0) },
          { name: 'b', ref: input(1) },
        ],
        writes: [{ name: 'y', ref: output(0) }],
        items: elements(y.shape),
        body: `  let u = a[${a.shape.length === 0 ? '0' : 'i'}];\n  let v = b[${b.shape.length === 0 ? '0' : 'i'}];\n  y[i] = ${BINARY[kind].wgsl};`,
      }),
    ],
  }),
  reference: ([a, b], [y], { inputs }, kind) => {
    const { js } = BINARY[kind]
    const strideA = inputs[0].shape.length === 0 ? 0 : 1
    const strideB = inputs[1].shape.length === 0 ? 0 : 1
    for (let i = 0; i < y.length; i++) y[i] = js(a[i * strideA], b[i * strideB])
  },
  simd: ({ inputs: [a, b], outputs: [y] }, kind) => {
    if (!sameShape(a.shape, b.shape) || (kind !== 'add' && kind !== 'mul')) return undefined
    return {
      calls: [
        { kernel: kind === 'add' ? 'addTensors' : 'mulTensors', items: elements(y.shape), grain: 1 << 14, args: [input(0), input(1), output(0)] },
      ],
    }
  },
  backward: ({ inputs: [a, b], grads: [dy], needs, attrs: kind }) => {
    if (!dy) return []
    const da = (): Tensor => toShape(kind === 'mul' ? mul(dy, b) : dy, a.shape)
    const db = (): Tensor => toShape(kind === 'mul' ? mul(dy, a) : kind === 'sub' ? affine(dy, -1) : dy, b.shape)
    if (kind === 'min') throw new Error('min: has no gradient')
    return [needs[0] ? da() : undefined, needs[1] ? db() : undefined]
  },
}

/** The gradient of a broadcast scalar is the sum over where it went. */
function toShape(g: Tensor, shape: Shape): Tensor {
  return shape.length === 0 && g.shape.length > 0 ? sum(g) : g
}

const binary =
  (kind: BinaryName) =>
  (a: Tensor, b: Tensor): Tensor =>
    apply1(BINARY_OP, [a, b], kind)

export const add = binary('add')
export const sub = binary('sub')
export const mul = binary('mul')
export const min = binary('min')
