/** Sums: over everything, over the last axis, over rows; with their broadcasts as gradients. */
import { apply1, type Op } from '../op.ts'
import { elements, input, lastAxis, output, reshape, rowCount, type Shape, scratch, type Tensor } from '../tensor.ts'
import { mul } from './elementwise.ts'
import { float, itemKernel } from './wgsl.ts'

/** Elements one invocation adds up before partial sums meet. */
const RUN = 256

const SUM: Op<{ scale: number }> = {
  name: 'sum',
  shape: () => [{ shape: [], dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, { scale }) => {
    const n = elements(x.shape)
    const runs = Math.ceil(n / RUN)
    const partial = itemKernel({
      label: 'sumRuns',
      reads: [{ name: 'x', ref: input(0) }],
      writes: [{ name: 'partial', ref: scratch(0) }],
      items: runs,
      // Strided so that neighbouring invocations read neighbouring elements.
      body: `  var s = 0.0;\n  for (var j = i; j < ${n}u; j += ${runs}u) { s += x[j]; }\n  partial[i] = s;`,
    })
    const total = itemKernel({
      label: 'sumPartials',
      reads: [{ name: 'partial', ref: scratch(0) }],
      writes: [{ name: 'y', ref: output(0) }],
      items: 1,
      body: `  var s = 0.0;\n  for (var j = 0u; j < ${runs}u; j++) { s += partial[j]; }\n  y[0] = s * ${float(scale)};`,
    })
    return { scratch: [runs], dispatches: [partial, total] }
  },
  reference: ([x], [y], _, { scale }) => {
    let s = 0
    for (let i = 0; i < x.length; i++) s += x[i]
    y[0] = s * scale
  },
  backward: ({ inputs: [x], grads: [dy], attrs: { scale } }) => [dy && apply1(BROADCAST, [dy], { shape: x.shape, scale })],
}

const BROADCAST: Op<{ shape: Shape; scale: number }> = {
  name: 'broadcast',
  shape: (_, { shape }) => [{ shape, dtype: 'f32' }],
  wgsl: (_, { shape, scale }) => ({
    dispatches: [
      itemKernel({
        label: 'broadcast',
        reads: [{ name: 's', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: elements(shape),
        body: `  y[i] = s[0] * ${float(scale)};`,
      }),
    ],
  }),
  reference: ([s], [y], _, { scale }) => {
    y.fill(s[0] * scale)
  },
  backward: ({ grads: [dy], attrs: { scale } }) => [dy && apply1(SUM, [dy], { scale })],
}

/** Σ x over all elements; a scalar []. */
export const sum = (x: Tensor): Tensor => apply1(SUM, [x], { scale: 1 })
/** Mean over all elements; a scalar []. */
export const mean = (x: Tensor): Tensor => apply1(SUM, [x], { scale: 1 / x.length })
/** A scalar [] spread over `shape`. */
export const broadcast = (s: Tensor, shape: Shape): Tensor => apply1(BROADCAST, [s], { shape, scale: 1 })

const SUM_LAST: Op<null> = {
  name: 'sumLast',
  shape: ([x]) => [{ shape: x.shape.slice(0, -1), dtype: 'f32' }],
  wgsl: ({ inputs: [x] }) => ({
    dispatches: [
      itemKernel({
        label: 'sumLast',
        reads: [{ name: 'x', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: rowCount(x.shape),
        body: `  var s = 0.0;\n  for (var c = 0u; c < ${lastAxis(x.shape)}u; c++) { s += x[i * ${lastAxis(x.shape)}u + c]; }\n  y[i] = s;`,
      }),
    ],
  }),
  reference: ([x], [y], { inputs }) => {
    const width = lastAxis(inputs[0].shape)
    for (let i = 0; i < y.length; i++) {
      let s = 0
      for (let c = 0; c < width; c++) s += x[i * width + c]
      y[i] = s
    }
  },
  backward: ({ inputs: [x], grads: [dy] }) => [dy && broadcastLast(dy, lastAxis(x.shape))],
}

const BROADCAST_LAST: Op<number> = {
  name: 'broadcastLast',
  shape: ([s], width) => [{ shape: [...s.shape, width], dtype: 'f32' }],
  wgsl: ({ outputs: [y] }, width) => ({
    dispatches: [
      itemKernel({
        label: 'broadcastLast',
        reads: [{ name: 's', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: elements(y.shape),
        body: `  y[i] = s[i / ${width}u];`,
      }),
    ],
  }),
  reference: ([s], [y], _, width) => {
    for (let i = 0; i < s.length; i++) y.fill(s[i], i * width, (i + 1) * width)
  },
  backward: ({ grads: [dy] }) => [dy && sumLast(dy)],
}

/** Σ over the last axis: [..., C] -> [...]. */
export const sumLast = (x: Tensor): Tensor => apply1(SUM_LAST, [x], null)
/** Each value repeated along a new last axis: [...] -> [..., width]. */
export const broadcastLast = (s: Tensor, width: number): Tensor => apply1(BROADCAST_LAST, [s], width)
/** Rows scaled one by one: x [..., C] times s [...]. */
export const mulRows = (x: Tensor, s: Tensor): Tensor => mul(x, reshape(broadcastLast(s, lastAxis(x.shape)), x.shape))
