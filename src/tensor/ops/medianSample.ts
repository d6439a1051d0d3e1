/** The sample at which a ray becomes half opaque, and the value of one chosen sample per ray. */
import { apply, apply1, type Op } from '../op.ts'
import { detach, elements, input, lastAxis, output, reshape, rowCount, type Shape, showShape, type Tensor } from '../tensor.ts'
import { mul } from './elementwise.ts'
import { itemKernel } from './wgsl.ts'

/** Outputs: index u32 [R], found f32 [R]. */
const MEDIAN: Op<null> = {
  name: 'medianSample',
  shape: ([weights]) => {
    if (weights.shape.length !== 2) throw new Error(`medianSample: weights must be [R, M], got ${showShape(weights.shape)}`)
    const shape = [weights.shape[0]]
    return [
      { shape, dtype: 'u32' },
      { shape, dtype: 'f32' },
    ]
  },
  wgsl: ({ inputs: [weights] }) => ({
    dispatches: [
      itemKernel({
        label: 'medianSample',
        reads: [{ name: 'weights', ref: input(0) }],
        writes: [
          { name: 'index', ref: output(0), dtype: 'u32' },
          { name: 'found', ref: output(1) },
        ],
        items: weights.shape[0],
        body: `  index[i] = 0u;
  found[i] = 0.0;
  var covered = 0.0;
  for (var m = 0u; m < ${weights.shape[1]}u; m++) {
    covered += weights[i * ${weights.shape[1]}u + m];
    if (covered >= 0.5) {
      index[i] = m;
      found[i] = 1.0;
      break;
    }
  }`,
      }),
    ],
  }),
  reference: ([weights], [index, found], { inputs }) => {
    const [rays, samples] = inputs[0].shape
    for (let r = 0; r < rays; r++) {
      let covered = 0
      let m = 0
      while (m < samples) {
        covered += weights[r * samples + m]
        if (covered >= 0.5) break
        m++
      }
      index[r] = m < samples ? m : 0
      found[r] = m < samples ? 1 : 0
    }
  },
}

/** First sample where the running weight reaches 0.5, or 0 if none does: weights [R, M] -> u32 [R]. Carries no gradient. */
export function medianSample(weights: Tensor): Tensor {
  return apply(MEDIAN, [detach(weights)], null)[0]
}

/** z at the median sample, and 0 where the weight never reaches 0.5: weights [R, M], z [R, M] -> [R]. No gradient to the weights. */
export function medianDepth(weights: Tensor, z: Tensor): Tensor {
  const [index, found] = apply(MEDIAN, [detach(weights)], null)
  return mul(reshape(pickSample(reshape(z, [z.length, 1]), index), found.shape), found)
}

const PICK: Op<null> = {
  name: 'pickSample',
  shape: ([values, index]) => {
    const rays = elements(index.shape)
    if (index.dtype !== 'u32' || rowCount(values.shape) % rays !== 0)
      throw new Error(
        `pickSample: needs values [R·M, C] and u32 index [R], got ${showShape(values.shape)} and ${index.dtype} ${showShape(index.shape)}`,
      )
    return [{ shape: [rays, lastAxis(values.shape)], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [values, index], outputs: [y] }) => {
    const channels = lastAxis(values.shape)
    const samples = rowCount(values.shape) / elements(index.shape)
    return {
      dispatches: [
        itemKernel({
          label: 'pickSample',
          reads: [
            { name: 'values', ref: input(0) },
            { name: 'index', ref: input(1), dtype: 'u32' },
          ],
          writes: [{ name: 'y', ref: output(0) }],
          items: elements(y.shape),
          body: `  let r = i / ${channels}u;\n  y[i] = values[(r * ${samples}u + min(index[r], ${samples - 1}u)) * ${channels}u + i % ${channels}u];`,
        }),
      ],
    }
  },
  reference: ([values, index], [y], { inputs }) => {
    const channels = lastAxis(inputs[0].shape)
    const samples = rowCount(inputs[0].shape) / index.length
    for (let r = 0; r < index.length; r++) {
      const at = (r * samples + index[r]) * channels
      y.set(values.subarray(at, at + channels), r * channels)
    }
  },
  backward: ({ inputs: [values, index], grads: [dy], needs }) => [dy && needs[0] ? apply1(PICK_BACKWARD, [dy, index], values.shape) : undefined],
}

const PICK_BACKWARD: Op<Shape> = {
  name: 'pickSampleBackward',
  shape: (_, shape) => [{ shape, dtype: 'f32' }],
  wgsl: ({ inputs: [, index] }, shape) => {
    const channels = lastAxis(shape)
    const samples = rowCount(shape) / elements(index.shape)
    return {
      dispatches: [
        itemKernel({
          label: 'pickSampleBackward',
          reads: [
            { name: 'dy', ref: input(0) },
            { name: 'index', ref: input(1), dtype: 'u32' },
          ],
          writes: [{ name: 'dvalues', ref: output(0) }],
          items: elements(shape),
          body: `  let q = i / ${channels}u;
  let r = q / ${samples}u;
  dvalues[i] = select(0.0, dy[r * ${channels}u + i % ${channels}u], index[r] == q % ${samples}u);`,
        }),
      ],
    }
  },
  reference: ([dy, index], [dvalues], _, shape) => {
    const channels = lastAxis(shape)
    const samples = rowCount(shape) / index.length
    dvalues.fill(0)
    for (let r = 0; r < index.length; r++) dvalues.set(dy.subarray(r * channels, (r + 1) * channels), (r * samples + index[r]) * channels)
  },
}

/** One sample per ray: values [R·M, C] (or [R, M, C]), index u32 [R] -> [R, C]. An index must be below M. Throws when R does not divide the rows. */
export function pickSample(values: Tensor, index: Tensor): Tensor {
  return apply1(PICK, [values, index], null)
}
