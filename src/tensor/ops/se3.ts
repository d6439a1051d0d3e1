/**
 * Rigid motions by the exponential map of SE(3) (Paper §3.2, HyperNeRF's deformation field): the motion of the screw (w/θ, v/θ) by θ = |w| is
 * T(x) = x + A w×x + B w×(w×x) + v + B w×v + C w×(w×v) with A, B, C of se3Coefficients: smooth in w, the translation x + v at w = 0.
 */
import { apply, apply1, type Op } from '../op.ts'
import { input, output, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { COEFFICIENTS_WGSL, coefficients } from './se3Coefficients.ts'
import { itemKernel } from './wgsl.ts'

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
