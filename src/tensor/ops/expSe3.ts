/**
 * Rigid motions as 4 x 4 matrices: the exponential of a screw (w, v) with unit axis w by the angle θ. With W = [w]×:
 * R = I + sin θ W + (1 − cos θ) W², p = (θ I + (1 − cos θ) W + (θ − sin θ) W²) v.
 */
import { apply, apply1, type Op } from '../op.ts'
import { input, output, showShape, type Tensor } from '../tensor.ts'
import { COEFFICIENTS_WGSL, coefficients } from './se3Coefficients.ts'
import { itemKernel } from './wgsl.ts'

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
