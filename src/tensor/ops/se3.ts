/**
 * Rigid motions by the exponential map of SE(3) (Paper §3.2, HyperNeRF's deformation field).
 * With s = |w|², A = sin θ/θ, B = (1 − cos θ)/θ², C = (θ − sin θ)/θ³ and θ = |w|, the motion of the screw (w/θ, v/θ) by θ is
 * T(x) = x + A w×x + B w×(w×x) + v + B w×v + C w×(w×v): smooth in w, the translation x + v at w = 0.
 */
import { apply, apply1, type Op } from '../op.ts'
import { input, output, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { float, itemKernel } from '../wgsl.ts'
import { SIN_COS_WGSL } from './sinCos.ts'

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
/** Coefficients of Σ (−s)^k / (2k + first)!, k < 10: below 1e-8 of A (first 1), B (2), C (3) for s <= π². */
const series = (first: number): number[] => Array.from({ length: 10 }, (_, k) => (-1) ** k / factorial(2 * k + first))
/** Twice the derivative by s: the factor of w in the gradient of A, B, C. */
const slopeSeries = (first: number): number[] =>
  Array.from({ length: 10 }, (_, k) => ((-1) ** (k + 1) * 2 * (k + 1)) / factorial(2 * (k + 1) + first))

interface Coefficients {
  readonly a: number
  readonly b: number
  readonly c: number
  /** Gradients by w are these times w. */
  readonly da: number
  readonly db: number
  readonly dc: number
}

const SERIES = [1, 2, 3].map(series)
const SLOPE_SERIES = [1, 2, 3].map(slopeSeries)
const horner = (coefficients: readonly number[], s: number): number => coefficients.reduceRight((sum, value) => value + s * sum, 0)

/** Series below θ² = 0.5, where the closed forms lose digits. */
function coefficients(s: number): Coefficients {
  if (s < 0.5) {
    const [a, b, c] = SERIES.map(row => horner(row, s))
    const [da, db, dc] = SLOPE_SERIES.map(row => horner(row, s))
    return { a, b, c, da, db, dc }
  }
  const theta = Math.sqrt(s)
  const a = Math.sin(theta) / theta
  const b = (1 - Math.cos(theta)) / s
  const c = (1 - a) / s
  return { a, b, c, da: (Math.cos(theta) - a) / s, db: (a - 2 * b) / s, dc: (b - 3 * c) / s }
}

const hornerWgsl = (row: readonly number[]): string =>
  row.reduceRight((inner, value) => (inner === '' ? float(value) : `(${float(value)} + s * ${inner})`), '')
/** f32 twin of `coefficients`: series up to θ = π (WGSL's own sin and cos are too coarse), beyond it the closed forms. */
const COEFFICIENTS_WGSL = `${SIN_COS_WGSL}struct Coefficients { a: f32, b: f32, c: f32, da: f32, db: f32, dc: f32 }
fn seriesA(s: f32) -> f32 { return ${hornerWgsl(SERIES[0])}; }
fn seriesB(s: f32) -> f32 { return ${hornerWgsl(SERIES[1])}; }
fn coefficients(s: f32) -> Coefficients {
  if (s <= 9.8696) {
    let c = ${hornerWgsl(SERIES[2])};
    let da = ${hornerWgsl(SLOPE_SERIES[0])};
    let db = ${hornerWgsl(SLOPE_SERIES[1])};
    let dc = ${hornerWgsl(SLOPE_SERIES[2])};
    return Coefficients(seriesA(s), seriesB(s), c, da, db, dc);
  }
  let theta = sqrt(s);
  let sc = sinCos(theta);
  let a = sc.x / theta;
  let b = (1.0 - sc.y) / s;
  let c = (1.0 - a) / s;
  return Coefficients(a, b, c, (sc.y - a) / s, (a - 2.0 * b) / s, (b - 3.0 * c) / s);
}
`

type Vector = readonly [number, number, number]
const vectorAt = (x: ArrayLike<number>, row: number): Vector => [x[row * 3], x[row * 3 + 1], x[row * 3 + 2]]
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
const vectorWgsl = (name: string): string => `vec3f(${name}[3u * i], ${name}[3u * i + 1u], ${name}[3u * i + 2u])`
const storeWgsl = (name: string, value: string): string =>
  `  { let t = ${value}; ${[0, 1, 2].map(axis => `${name}[3u * i + ${axis}u] = t[${axis}];`).join(' ')} }\n`

const LOAD_WGSL = `  let w = ${vectorWgsl('ws')};
  let v = ${vectorWgsl('vs')};
  let x = ${vectorWgsl('xs')};
  let k = coefficients(dot(w, w));\n`

/** Points per task on the CPU. */
const GRAIN = 1024

const TRANSFORM: Op<null> = {
  name: 'se3Transform',
  shape: inputs => {
    const [w, v, x] = inputs.map(t => showShape(t.shape))
    const rows = inputs[0].shape[0]
    if (inputs.some(t => t.shape.length !== 2 || t.shape[0] !== rows || t.shape[1] !== 3))
      throw new Error(`se3Transform: w, v and x must all be [Q, 3], got ${w}, ${v} and ${x}`)
    return [{ shape: inputs[2].shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [x] }) => ({
    dispatches: [
      itemKernel({
        label: 'se3Transform',
        reads: ['ws', 'vs', 'xs'].map((name, index) => ({ name, ref: input(index) })),
        writes: [{ name: 'ys', ref: output(0) }],
        declarations: COEFFICIENTS_WGSL,
        items: x.shape[0],
        body: `${LOAD_WGSL}${storeWgsl('ys', 'x + v + k.a * cross(w, x) + k.b * cross(w, cross(w, x) + v) + k.c * cross(w, cross(w, v))')}`,
      }),
    ],
  }),
  simd: ({ inputs: [x] }) => ({
    calls: [{ kernel: 'se3Transform', items: x.shape[0], grain: GRAIN, args: [input(0), input(1), input(2), output(0)] }],
  }),
  reference: ([ws, vs, xs], [ys]) => {
    for (let q = 0; q < xs.length / 3; q++) {
      const w = vectorAt(ws, q)
      const v = vectorAt(vs, q)
      const x = vectorAt(xs, q)
      const { a, b, c } = coefficients(dot(w, w))
      const wx = cross(w, x)
      const wv = cross(w, v)
      const wwx = cross(w, wx)
      const wwv = cross(w, wv)
      for (let axis = 0; axis < 3; axis++) ys[q * 3 + axis] = x[axis] + v[axis] + a * wx[axis] + b * (wwx[axis] + wv[axis]) + c * wwv[axis]
    }
  },
  backward: ({ inputs, grads: [dy], needs: [w, v, x] }) => {
    if (!dy) return []
    const wanted = { w, v, x }
    const grads = apply(TRANSFORM_BACKWARD, [...inputs, dy], wanted)
    return inNeedOrder(wanted, grads)
  },
}

interface Wanted {
  readonly w: boolean
  readonly v: boolean
  readonly x: boolean
}

function inNeedOrder({ w, v, x }: Wanted, grads: readonly Tensor[]): (Tensor | undefined)[] {
  let next = 0
  return [w, v, x].map(want => (want ? grads[next++] : undefined))
}

/** Outputs: dw, dv, dx, those wanted. With G(u) the form g·(w×(w×u)): ∂/∂w = g (w·u) + u (g·w) − 2 w (g·u). */
const TRANSFORM_BACKWARD: Op<Wanted> = {
  name: 'se3TransformBackward',
  shape: ([x], { w, v, x: wantX }) => [w, v, wantX].filter(want => want).map((): TensorType => ({ shape: x.shape, dtype: 'f32' })),
  wgsl: ({ inputs: [x] }, wanted) => {
    const names = [wanted.w ? 'dw' : '', wanted.v ? 'dv' : '', wanted.x ? 'dx' : ''].filter(name => name !== '')
    const dw = `k.a * cross(x, g) + k.b * (formSlope(g, w, x) + cross(v, g)) + k.c * formSlope(g, w, v)
    + (k.da * dot(g, cross(w, x)) + k.db * dot(g, cross(w, cross(w, x) + v)) + k.dc * dot(g, cross(w, cross(w, v)))) * w`
    const values: Record<string, string> = {
      dw,
      dv: 'g - k.b * cross(w, g) + k.c * cross(w, cross(w, g))',
      dx: 'g - k.a * cross(w, g) + k.b * cross(w, cross(w, g))',
    }
    return {
      dispatches: [
        itemKernel({
          label: 'se3TransformBackward',
          reads: ['ws', 'vs', 'xs', 'gs'].map((name, index) => ({ name, ref: input(index) })),
          writes: names.map((name, index) => ({ name, ref: output(index) })),
          declarations: `${COEFFICIENTS_WGSL}fn formSlope(g: vec3f, w: vec3f, u: vec3f) -> vec3f { return g * dot(w, u) + u * dot(g, w) - 2.0 * w * dot(g, u); }\n`,
          items: x.shape[0],
          body: `${LOAD_WGSL}  let g = ${vectorWgsl('gs')};\n${names.map(name => storeWgsl(name, values[name])).join('')}`,
        }),
      ],
    }
  },
  simd: ({ inputs: [x] }, wanted) => {
    let next = 0
    const targets = [wanted.w, wanted.v, wanted.x].map(want => (want ? output(next++) : { i32: 0 }))
    const args = [input(0), input(1), input(2), input(3), ...targets]
    return { calls: [{ kernel: 'se3TransformBackward', items: x.shape[0], grain: GRAIN, args }] }
  },
  reference: ([ws, vs, xs, gs], outputs, _, wanted) => {
    let next = 0
    const [dw, dv, dx] = [wanted.w, wanted.v, wanted.x].map(want => (want ? outputs[next++] : undefined))
    for (let q = 0; q < xs.length / 3; q++) {
      const w = vectorAt(ws, q)
      const v = vectorAt(vs, q)
      const x = vectorAt(xs, q)
      const g = vectorAt(gs, q)
      const { a, b, c, da, db, dc } = coefficients(dot(w, w))
      const wg = cross(w, g)
      const wwg = cross(w, wg)
      const xg = cross(x, g)
      const vg = cross(v, g)
      // g·(w×u) = w·(u×g) and g·(w×(w×u)) = u·(w×(w×g)).
      const along = da * dot(w, xg) + db * (dot(x, wwg) + dot(w, vg)) + dc * dot(v, wwg)
      const [wx, wv, gw, gx, gv] = [dot(w, x), dot(w, v), dot(g, w), dot(g, x), dot(g, v)]
      for (let axis = 0; axis < 3; axis++) {
        const i = q * 3 + axis
        const form = (u: Vector, wu: number, gu: number): number => g[axis] * wu + u[axis] * gw - 2 * w[axis] * gu
        if (dw) dw[i] = a * xg[axis] + b * (form(x, wx, gx) + vg[axis]) + c * form(v, wv, gv) + along * w[axis]
        if (dv) dv[i] = g[axis] - b * wg[axis] + c * wwg[axis]
        if (dx) dx[i] = g[axis] - a * wg[axis] + b * wwg[axis]
      }
    }
  },
}

/**
 * Moves points by screws: w [Q, 3] (radians · axis), v [Q, 3], x [Q, 3] -> [Q, 3] (Paper §3.2). No NaN at w = 0. Throws when shapes differ.
 */
export function se3Transform(w: Tensor, v: Tensor, x: Tensor): Tensor {
  return apply1(TRANSFORM, [w, v, x], null)
}

// ---- The 4 x 4 matrix itself. With W = [w]×, screw (w, v): R = I + sin θ W + (1 − cos θ) W², p = (θ I + (1 − cos θ) W + (θ − sin θ) W²) v.

/** Matrices as WGSL columns: W·u = w×u, so W² = outer(w, w) − |w|² I. */
const MATRIX_WGSL = `${COEFFICIENTS_WGSL}fn skew(w: vec3f) -> mat3x3f { return mat3x3f(0.0, w.z, -w.y, -w.z, 0.0, w.x, w.y, -w.x, 0.0); }
fn outer(a: vec3f, b: vec3f) -> mat3x3f { return mat3x3f(a * b.x, a * b.y, a * b.z); }
const identity = mat3x3f(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0);
`
const SCREW_WGSL = `  let w = vec3f(screw[6u * i], screw[6u * i + 1u], screw[6u * i + 2u]);
  let v = vec3f(screw[6u * i + 3u], screw[6u * i + 4u], screw[6u * i + 5u]);
  let angle = theta[i];
  let sc = sinCos(angle);
  let k = coefficients(angle * angle);
  let versine = angle * angle * k.b;
  let rest = angle * angle * angle * k.c;
  let W = skew(w);
  let W2 = W * W;\n`

const EXP_SE3: Op<null> = {
  name: 'expSe3',
  shape: ([screw, theta]) => {
    if (screw.shape.length !== 2 || screw.shape[1] !== 6 || theta.shape.length !== 1 || theta.shape[0] !== screw.shape[0])
      throw new Error(`expSe3: needs screw [N, 6] and theta [N], got ${showShape(screw.shape)} and ${showShape(theta.shape)}`)
    return [{ shape: [screw.shape[0], 16], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [screw] }) => ({
    dispatches: [
      itemKernel({
        label: 'expSe3',
        reads: [
          { name: 'screw', ref: input(0) },
          { name: 'theta', ref: input(1) },
        ],
        writes: [{ name: 'y', ref: output(0) }],
        declarations: MATRIX_WGSL,
        items: screw.shape[0],
        body: `${SCREW_WGSL}  let R = identity + sc.x * W + versine * W2;
  let p = angle * v + versine * (W * v) + rest * (W2 * v);
  for (var r = 0u; r < 3u; r++) {
    for (var c = 0u; c < 3u; c++) { y[16u * i + 4u * r + c] = R[c][r]; }
    y[16u * i + 4u * r + 3u] = p[r];
    y[16u * i + 12u + r] = 0.0;
  }
  y[16u * i + 15u] = 1.0;`,
      }),
    ],
  }),
  reference: ([screw, theta], [y]) => {
    for (let n = 0; n < theta.length; n++) {
      const { sine, versine, rest, W, W2, v } = screwTerms(screw, theta, n)
      for (let r = 0; r < 3; r++) {
        let p = theta[n] * v[r]
        for (let c = 0; c < 3; c++) {
          y[n * 16 + r * 4 + c] = (r === c ? 1 : 0) + sine * W[r * 3 + c] + versine * W2[r * 3 + c]
          p += (versine * W[r * 3 + c] + rest * W2[r * 3 + c]) * v[c]
        }
        y[n * 16 + r * 4 + 3] = p
      }
      y.set([0, 0, 0, 1], n * 16 + 12)
    }
  },
  backward: ({ inputs: [screw, theta], grads: [dy] }) => (dy ? apply(EXP_SE3_BACKWARD, [screw, theta, dy], null) : []),
}

interface ScrewTerms {
  readonly sine: number
  readonly cosine: number
  /** 1 − cos θ */
  readonly versine: number
  /** θ − sin θ */
  readonly rest: number
  /** Row-major 3 x 3. */
  readonly W: readonly number[]
  readonly W2: readonly number[]
  readonly v: readonly number[]
}

function screwTerms(screw: ArrayLike<number>, theta: ArrayLike<number>, n: number): ScrewTerms {
  const angle = theta[n]
  const [x, y, z, ...v] = Array.from({ length: 6 }, (_, c) => screw[n * 6 + c])
  const { b, c } = coefficients(angle * angle)
  const W = [0, -z, y, z, 0, -x, -y, x, 0]
  return { sine: Math.sin(angle), cosine: Math.cos(angle), versine: b * angle * angle, rest: c * angle ** 3, W, W2: product(W, W), v }
}

/** Row-major 3 x 3 product. */
const product = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: 9 }, (_, i) => {
    const [r, c] = [Math.floor(i / 3), i % 3]
    return a[r * 3] * b[c] + a[r * 3 + 1] * b[3 + c] + a[r * 3 + 2] * b[6 + c]
  })
const transpose = (a: readonly number[]): number[] => [0, 3, 6, 1, 4, 7, 2, 5, 8].map(i => a[i])

/** Outputs: dscrew, dtheta. With D = dR, G = dp vᵀ: dW = sin θ D + (1 − cos θ)(D Wᵀ + Wᵀ D + G) + (θ − sin θ)(G Wᵀ + Wᵀ G). */
const EXP_SE3_BACKWARD: Op<null> = {
  name: 'expSe3Backward',
  shape: ([screw, theta]) => [
    { shape: screw.shape, dtype: 'f32' },
    { shape: theta.shape, dtype: 'f32' },
  ],
  wgsl: ({ inputs: [screw] }) => ({
    dispatches: [
      itemKernel({
        label: 'expSe3Backward',
        reads: ['screw', 'theta', 'dy'].map((name, index) => ({ name, ref: input(index) })),
        writes: [
          { name: 'dscrew', ref: output(0) },
          { name: 'dtheta', ref: output(1) },
        ],
        declarations: MATRIX_WGSL,
        items: screw.shape[0],
        body: `${SCREW_WGSL}  var D: mat3x3f;
  var dp: vec3f;
  for (var r = 0u; r < 3u; r++) {
    for (var c = 0u; c < 3u; c++) { D[c][r] = dy[16u * i + 4u * r + c]; }
    dp[r] = dy[16u * i + 4u * r + 3u];
  }
  let G = outer(dp, v);
  let Wt = transpose(W);
  let dW = sc.x * D + versine * (D * Wt + Wt * D + G) + rest * (G * Wt + Wt * G);
  let dv = angle * dp + versine * (Wt * dp) + rest * (Wt * Wt * dp);
  dscrew[6u * i] = dW[1][2] - dW[2][1];
  dscrew[6u * i + 1u] = dW[2][0] - dW[0][2];
  dscrew[6u * i + 2u] = dW[0][1] - dW[1][0];
  for (var c = 0u; c < 3u; c++) { dscrew[6u * i + 3u + c] = dv[c]; }
  let S = sc.y * W + sc.x * W2;
  dtheta[i] = dot(D[0], S[0]) + dot(D[1], S[1]) + dot(D[2], S[2]) + dot(dp, v + sc.x * (W * v) + versine * (W2 * v));`,
      }),
    ],
  }),
  reference: ([screw, theta, dy], [dscrew, dtheta]) => {
    for (let n = 0; n < theta.length; n++) {
      const { sine, cosine, versine, rest, W, W2, v } = screwTerms(screw, theta, n)
      const D = Array.from({ length: 9 }, (_, i) => dy[n * 16 + Math.floor(i / 3) * 4 + (i % 3)])
      const dp = [0, 1, 2].map(r => dy[n * 16 + r * 4 + 3])
      const G = Array.from({ length: 9 }, (_, i) => dp[Math.floor(i / 3)] * v[i % 3])
      const Wt = transpose(W)
      const [DWt, WtD, GWt, WtG] = [product(D, Wt), product(Wt, D), product(G, Wt), product(Wt, G)]
      const dW = D.map((d, i) => sine * d + versine * (DWt[i] + WtD[i] + G[i]) + rest * (GWt[i] + WtG[i]))
      dscrew.set([dW[7] - dW[5], dW[2] - dW[6], dW[3] - dW[1]], n * 6)
      let angle = 0
      for (let r = 0; r < 3; r++) {
        let dv = theta[n] * dp[r]
        angle += dp[r] * v[r]
        for (let c = 0; c < 3; c++) {
          const [rc, cr] = [r * 3 + c, c * 3 + r]
          dv += (versine * W[cr] + rest * W2[cr]) * dp[c]
          angle += D[rc] * (cosine * W[rc] + sine * W2[rc]) + dp[r] * (sine * W[rc] + versine * W2[rc]) * v[c]
        }
        dscrew[n * 6 + 3 + r] = dv
      }
      dtheta[n] = angle
    }
  },
}

/** Motions as row-major 4 x 4 matrices acting on columns: screw [N, 6] = (unit axis, v), theta [N] in radians -> [N, 16]. Throws when shapes differ. */
export function expSe3(screw: Tensor, theta: Tensor): Tensor {
  return apply1(EXP_SE3, [screw, theta], null)
}
