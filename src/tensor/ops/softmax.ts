/** Softmax over the last axis: y = e^(x - max) / sum; its gradient dx = y (dy - sum y dy). */
import { apply1, type Op } from '../op.ts'
import { input, lastAxis, output, rowCount, type Tensor } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

const GRAIN = 256

const SOFTMAX: Op<null> = {
  name: 'softmax',
  shape: ([x]) => {
    if (x.shape.length === 0) throw new Error('softmax: needs at least one axis, got a scalar')
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  // One invocation per row, three passes over it; the largest value is taken off so that e^x cannot overflow.
  wgsl: ({ inputs: [x] }) => {
    const width = lastAxis(x.shape)
    return {
      dispatches: [
        itemKernel({
          label: 'softmax',
          reads: [{ name: 'x', ref: input(0) }],
          writes: [{ name: 'y', ref: output(0) }],
          items: rowCount(x.shape),
          body: `  let begin = i * ${width}u;
  var top = x[begin];
  for (var c = 1u; c < ${width}u; c++) { top = max(top, x[begin + c]); }
  var s = 0.0;
  for (var c = 0u; c < ${width}u; c++) { s += exp(x[begin + c] - top); }
  for (var c = 0u; c < ${width}u; c++) { y[begin + c] = exp(x[begin + c] - top) / s; }`,
        }),
      ],
    }
  },
  reference: ([x], [y], { inputs }) => {
    const width = lastAxis(inputs[0].shape)
    for (let begin = 0; begin < x.length; begin += width) {
      let top = Number.NEGATIVE_INFINITY
      for (let c = 0; c < width; c++) top = Math.max(top, x[begin + c])
      let s = 0
      for (let c = 0; c < width; c++) s += Math.exp(x[begin + c] - top)
      for (let c = 0; c < width; c++) y[begin + c] = Math.exp(x[begin + c] - top) / s
    }
  },
  simd: ({ inputs: [x] }) => ({
    calls: [{ kernel: 'softmaxRows', items: rowCount(x.shape), grain: GRAIN, args: [input(0), output(0), { i32: lastAxis(x.shape) }] }],
  }),
  backward: ({ outputs: [y], grads: [dy] }) => [dy && apply1(SOFTMAX_BACKWARD, [y, dy], null)],
}

/** Inputs: y, dy. */
const SOFTMAX_BACKWARD: Op<null> = {
  name: 'softmaxBackward',
  shape: ([y]) => [{ shape: y.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [y] }) => {
    const width = lastAxis(y.shape)
    return {
      dispatches: [
        itemKernel({
          label: 'softmaxBackward',
          reads: [
            { name: 'y', ref: input(0) },
            { name: 'dy', ref: input(1) },
          ],
          writes: [{ name: 'dx', ref: output(0) }],
          items: rowCount(y.shape),
          body: `  let begin = i * ${width}u;
  var s = 0.0;
  for (var c = 0u; c < ${width}u; c++) { s += y[begin + c] * dy[begin + c]; }
  for (var c = 0u; c < ${width}u; c++) { dx[begin + c] = y[begin + c] * (dy[begin + c] - s); }`,
        }),
      ],
    }
  },
  reference: ([y, dy], [dx], { inputs }) => {
    const width = lastAxis(inputs[0].shape)
    for (let begin = 0; begin < y.length; begin += width) {
      let s = 0
      for (let c = 0; c < width; c++) s += y[begin + c] * dy[begin + c]
      for (let c = 0; c < width; c++) dx[begin + c] = y[begin + c] * (dy[begin + c] - s)
    }
  },
  simd: ({ inputs: [y] }) => ({
    calls: [
      { kernel: 'softmaxRowsBackward', items: rowCount(y.shape), grain: GRAIN, args: [input(0), input(1), output(0), { i32: lastAxis(y.shape) }] },
    ],
  }),
}

/** Softmax over the last axis: [..., C] -> [..., C], each row adding up to 1. */
export const softmax = (x: Tensor): Tensor => apply1(SOFTMAX, [x], null)
