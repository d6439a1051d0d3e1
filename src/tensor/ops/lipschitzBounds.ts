/** Products of the bounds of Lipschitz layers (paper Eq. 10), as they are and as a logarithm. */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Tensor } from '../tensor.ts'
import { SOFTPLUS_WGSL, softplusOf } from './lipschitz.ts'
import { float, itemKernel } from './wgsl.ts'

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

const LOG_BOUNDS: Op<null> = {
  name: 'logBounds',
  shape: () => [{ shape: [], dtype: 'f32' }],
  wgsl: ({ inputs: [c] }) => ({
    dispatches: [
      itemKernel({
        label: 'logBounds',
        reads: [{ name: 'c', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: 1,
        declarations: SOFTPLUS_WGSL,
        body: `  var s = 0.0;\n  for (var j = 0u; j < ${elements(c.shape)}u; j++) { s += log(softplus(c[j])); }\n  y[0] = s;`,
      }),
    ],
  }),
  reference: ([c], [y]) => {
    y[0] = 0
    for (const v of c) y[0] += Math.log(softplusOf(v))
  },
  backward: ({ inputs: [c], grads: [dy] }) => [dy && apply1(LOG_BOUNDS_BACKWARD, [c, dy], null)],
}

const LOG_BOUNDS_BACKWARD: Op<null> = {
  name: 'logBoundsBackward',
  shape: ([c]) => [{ shape: c.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [c] }) => ({
    dispatches: [
      itemKernel({
        label: 'logBoundsBackward',
        reads: [
          { name: 'c', ref: input(0) },
          { name: 'dy', ref: input(1) },
        ],
        writes: [{ name: 'dc', ref: output(0) }],
        items: elements(c.shape),
        declarations: SOFTPLUS_WGSL,
        body: '  dc[i] = dy[0] / ((1.0 + exp(-c[i])) * softplus(c[i]));',
      }),
    ],
  }),
  reference: ([c, dy], [dc]) => {
    for (let i = 0; i < dc.length; i++) dc[i] = dy[0] / ((1 + Math.exp(-c[i])) * softplusOf(c[i]))
  },
}

/** log Π softplus(c), a scalar []: the Lipschitz penalty of a handful of layers. */
export const logBounds = (c: Tensor): Tensor => apply1(LOG_BOUNDS, [c], null)
