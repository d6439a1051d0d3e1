/** Unbounded space into the ball of radius 2: x inside the unit ball, (2 − 1/|x|) x/|x| outside (mip-NeRF 360, Eq. 10). */
import { apply1, type Op } from '../op.ts'
import { input, output, rowCount, showShape, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

const loadWgsl = (name: string): string => `vec3f(${name}[3u * i], ${name}[3u * i + 1u], ${name}[3u * i + 2u])`
const storeWgsl = (name: string): string => [0, 1, 2].map(axis => `  ${name}[3u * i + ${axis}u] = t[${axis}];`).join('\n')

/** Contraction as a WGSL function, for kernels that look something up at a contracted point. */
export const CONTRACT_WGSL = `fn contractPoint(x: vec3f) -> vec3f {
  let n = length(x);
  return x * select(1.0, (2.0 - 1.0 / n) / n, n > 1.0);
}
`

/** What a point at distance n is multiplied with. */
export const contraction = (n: number): number => (n > 1 ? (2 - 1 / n) / n : 1)

/** Points per task on the CPU. */
const GRAIN = 2048

const CONTRACT: Op<null> = {
  name: 'contract',
  shape: ([x]) => {
    if (x.shape[x.shape.length - 1] !== 3) throw new Error(`contract: points must be [Q, 3], got ${showShape(x.shape)}`)
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [x] }) => ({
    dispatches: [
      itemKernel({
        label: 'contract',
        reads: [{ name: 'x', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        declarations: CONTRACT_WGSL,
        items: rowCount(x.shape),
        body: `  let t = contractPoint(${loadWgsl('x')});\n${storeWgsl('y')}`,
      }),
    ],
  }),
  simd: ({ inputs: [x] }) => ({ calls: [{ kernel: 'contract', items: rowCount(x.shape), grain: GRAIN, args: [input(0), output(0)] }] }),
  reference: ([x], [y]) => {
    for (let i = 0; i < x.length; i += 3) {
      const f = contraction(Math.hypot(x[i], x[i + 1], x[i + 2]))
      for (let axis = 0; axis < 3; axis++) y[i + axis] = f * x[i + axis]
    }
  },
  backward: ({ inputs: [x], grads: [dy] }) => [dy && apply1(CONTRACT_BACKWARD, [x, dy], null)],
}

/** With f = 2/n − 1/n²: dx = f g + (2/n⁴ − 2/n³) (g·x) x outside the unit ball. */
const CONTRACT_BACKWARD: Op<null> = {
  name: 'contractBackward',
  shape: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [x] }) => ({
    dispatches: [
      itemKernel({
        label: 'contractBackward',
        reads: [
          { name: 'x', ref: input(0) },
          { name: 'dy', ref: input(1) },
        ],
        writes: [{ name: 'dx', ref: output(0) }],
        items: rowCount(x.shape),
        body: `  let p = ${loadWgsl('x')};
  let g = ${loadWgsl('dy')};
  let n = length(p);
  var t = g;
  if (n > 1.0) {
    let r = 1.0 / n;
    t = r * (2.0 - r) * g + 2.0 * r * r * r * (r - 1.0) * dot(g, p) * p;
  }
${storeWgsl('dx')}`,
      }),
    ],
  }),
  simd: ({ inputs: [x] }) => ({
    calls: [{ kernel: 'contractBackward', items: rowCount(x.shape), grain: GRAIN, args: [input(0), input(1), output(0)] }],
  }),
  reference: ([x, dy], [dx]) => {
    for (let i = 0; i < x.length; i += 3) {
      const n = Math.hypot(x[i], x[i + 1], x[i + 2])
      const r = 1 / n
      const along = n > 1 ? 2 * r ** 3 * (r - 1) * (dy[i] * x[i] + dy[i + 1] * x[i + 1] + dy[i + 2] * x[i + 2]) : 0
      for (let axis = 0; axis < 3; axis++) dx[i + axis] = contraction(n) * dy[i + axis] + along * x[i + axis]
    }
  },
}

/** Contracted points [Q, 3] -> [Q, 3], within radius 2 (mip-NeRF 360, Eq. 10). Throws when the last axis is not 3. */
export function contract(x: Tensor): Tensor {
  return apply1(CONTRACT, [x], null)
}
