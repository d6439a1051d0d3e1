/** Squared Euclidean distance of rows, as one operation: the difference, its square and the sum over the last axis. */
import { apply, apply1, type Op } from '../op.ts'
import { elements, input, lastAxis, output, rowCount, sameShape, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

const DISTANCE: Op<null> = {
  name: 'squaredDistance',
  shape: ([a, b]) => {
    if (a.shape.length === 0 || !sameShape(a.shape, b.shape))
      throw new Error(`squaredDistance: ${showShape(a.shape)} and ${showShape(b.shape)}; give two tensors of one shape with at least one axis`)
    return [{ shape: a.shape.slice(0, -1), dtype: 'f32' }]
  },
  wgsl: ({ inputs: [a] }) => ({
    dispatches: [
      itemKernel({
        label: 'squaredDistance',
        reads: [
          { name: 'a', ref: input(0) },
          { name: 'b', ref: input(1) },
        ],
        writes: [{ name: 'y', ref: output(0) }],
        items: rowCount(a.shape),
        body: `  var s = 0.0;
  for (var j = i * ${lastAxis(a.shape)}u; j < (i + 1u) * ${lastAxis(a.shape)}u; j++) { let d = a[j] - b[j]; s += d * d; }
  y[i] = s;`,
      }),
    ],
  }),
  reference: ([a, b], [y], { inputs }) => {
    const width = lastAxis(inputs[0].shape)
    for (let i = 0; i < y.length; i++) {
      let s = 0
      for (let j = i * width; j < (i + 1) * width; j++) s += (a[j] - b[j]) ** 2
      y[i] = s
    }
  },
  backward: ({ inputs: [a, b], grads: [dy], needs }) => {
    if (!dy) return []
    const made = apply(DISTANCE_BACKWARD, [a, b, dy], needs)
    return needs.map(need => (need ? made.shift() : undefined))
  },
}

/** 2 dy (a - b) for a, its negative for b: one output for each input that wants a gradient. */
const DISTANCE_BACKWARD: Op<readonly boolean[]> = {
  name: 'squaredDistanceBackward',
  shape: ([a], needs) => needs.filter(n => n).map((): TensorType => ({ shape: a.shape, dtype: 'f32' })),
  wgsl: ({ inputs: [a] }, needs) => {
    const signs = signsOf(needs)
    return {
      dispatches: [
        itemKernel({
          label: 'squaredDistanceBackward',
          reads: ['a', 'b', 'dy'].map((name, i) => ({ name, ref: input(i) })),
          writes: signs.map((_, o) => ({ name: `d${o}`, ref: output(o) })),
          items: elements(a.shape),
          body: `  let slope = 2.0 * dy[i / ${lastAxis(a.shape)}u] * (a[i] - b[i]);\n${signs.map((sign, o) => `  d${o}[i] = ${sign}slope;`).join('\n')}`,
        }),
      ],
    }
  },
  reference: ([a, b, dy], outputs, { inputs }, needs) => {
    const width = lastAxis(inputs[0].shape)
    for (const [o, sign] of signsOf(needs).entries())
      for (let i = 0; i < a.length; i++) outputs[o][i] = (sign === '-' ? -2 : 2) * dy[Math.floor(i / width)] * (a[i] - b[i])
  },
}

const signsOf = (needs: readonly boolean[]): ('' | '-')[] => needs.flatMap((need, i) => (need ? [i === 0 ? '' : '-'] : []))

/** Σ (a − b)² over the last axis: [..., C] each -> [...]. Throws when the shapes differ. */
export const squaredDistance = (a: Tensor, b: Tensor): Tensor => apply1(DISTANCE, [a, b], null)
