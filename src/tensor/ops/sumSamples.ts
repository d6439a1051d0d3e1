/** Weighted sums along rays: colour, depth and ACR maps are Σ_m w_m value_m. */
import { apply, apply1, type Op } from '../op.ts'
import { elements, input, output, showShape, type Tensor, type TensorType } from '../tensor.ts'
import { itemKernel } from './wgsl.ts'

interface Sizes {
  readonly rays: number
  readonly samples: number
  readonly channels: number
}

function sizes([weights, values]: readonly TensorType[]): Sizes {
  const [rays, samples] = weights.shape
  return { rays, samples, channels: elements(values.shape) / (rays * samples) }
}

/** Rays per task on the CPU. */
const GRAIN = 128

const SUM_SAMPLES: Op<null> = {
  name: 'sumSamples',
  shape: inputs => {
    const [weights, values] = inputs
    const { rays, channels } = sizes(inputs)
    if (weights.shape.length !== 2 || values.shape.length < 2 || channels !== values.shape[values.shape.length - 1])
      throw new Error(`sumSamples: weights must be [R, M] and values [R·M, C], got ${showShape(weights.shape)} and ${showShape(values.shape)}`)
    return [{ shape: [rays, channels], dtype: 'f32' }]
  },
  wgsl: ({ inputs }) => {
    const { rays, samples, channels } = sizes(inputs)
    const body = `  let r = i / ${channels}u;
  var s = 0.0;
  for (var m = r * ${samples}u; m < (r + 1u) * ${samples}u; m++) { s += weights[m] * values[m * ${channels}u + i % ${channels}u]; }
  y[i] = s;`
    return { dispatches: [itemKernel({ label: 'sumSamples', reads: READS, writes: [{ name: 'y', ref: output(0) }], items: rays * channels, body })] }
  },
  simd: ({ inputs }) => {
    const { rays, samples, channels } = sizes(inputs)
    return {
      calls: [{ kernel: 'sumSamples', items: rays, grain: GRAIN, args: [input(0), input(1), output(0), { i32: samples }, { i32: channels }] }],
    }
  },
  reference: ([weights, values], [y], { inputs }) => {
    const { rays, samples, channels } = sizes(inputs)
    const total = new Float64Array(channels)
    for (let r = 0; r < rays; r++) {
      total.fill(0)
      for (let q = r * samples; q < (r + 1) * samples; q++) {
        const weight = weights[q]
        for (let c = 0; c < channels; c++) total[c] += weight * values[q * channels + c]
      }
      y.set(total, r * channels)
    }
  },
  backward: ({ inputs: [weights, values], grads: [dy], needs }) => {
    if (!dy) return []
    const wanted = { weights: needs[0], values: needs[1] }
    const grads = apply(SUM_SAMPLES_BACKWARD, [weights, values, dy], wanted)
    return [needs[0] ? grads[0] : undefined, needs[1] ? grads[needs[0] ? 1 : 0] : undefined]
  },
}

const READS = [
  { name: 'weights', ref: input(0) },
  { name: 'values', ref: input(1) },
]

interface Wanted {
  readonly weights: boolean
  readonly values: boolean
}

/** Outputs: dweights, dvalues, those wanted. One invocation per sample. */
const SUM_SAMPLES_BACKWARD: Op<Wanted> = {
  name: 'sumSamplesBackward',
  shape: ([weights, values], wanted) => {
    const types: TensorType[] = []
    if (wanted.weights) types.push({ shape: weights.shape, dtype: 'f32' })
    if (wanted.values) types.push({ shape: values.shape, dtype: 'f32' })
    return types
  },
  wgsl: ({ inputs }, wanted) => {
    const { rays, samples, channels } = sizes(inputs)
    const writes = [...(wanted.weights ? ['dweights'] : []), ...(wanted.values ? ['dvalues'] : [])].map((name, index) => ({
      name,
      ref: output(index),
    }))
    const body = `  let r = i / ${samples}u;
  var s = 0.0;
  for (var c = 0u; c < ${channels}u; c++) {
    let g = dy[r * ${channels}u + c];
    ${wanted.weights ? `s += g * values[i * ${channels}u + c];` : ''}
    ${wanted.values ? `dvalues[i * ${channels}u + c] = g * weights[i];` : ''}
  }
  ${wanted.weights ? 'dweights[i] = s;' : ''}`
    // A binding that the code never names would drop out of the pipeline's automatic layout: read only what is used.
    const used = [...(wanted.values ? [READS[0]] : []), ...(wanted.weights ? [READS[1]] : []), { name: 'dy', ref: input(2) }]
    return { dispatches: [itemKernel({ label: 'sumSamplesBackward', reads: used, writes, items: rays * samples, body })] }
  },
  simd: ({ inputs }, wanted) => {
    const { rays, samples, channels } = sizes(inputs)
    const targets = [wanted.weights ? output(0) : { i32: 0 }, wanted.values ? output(wanted.weights ? 1 : 0) : { i32: 0 }]
    const args = [input(0), input(1), input(2), ...targets, { i32: samples }, { i32: channels }]
    return { calls: [{ kernel: 'sumSamplesBackward', items: rays, grain: GRAIN, args }] }
  },
  reference: ([weights, values, dy], outputs, { inputs }, wanted) => {
    const { rays, samples, channels } = sizes(inputs)
    const dweights = wanted.weights ? outputs[0] : undefined
    const dvalues = wanted.values ? outputs[wanted.weights ? 1 : 0] : undefined
    for (let q = 0; q < rays * samples; q++) {
      const r = Math.floor(q / samples)
      let s = 0
      for (let c = 0; c < channels; c++) {
        const g = dy[r * channels + c]
        s += g * values[q * channels + c]
        if (dvalues) dvalues[q * channels + c] = g * weights[q]
      }
      if (dweights) dweights[q] = s
    }
  },
}

/** Σ_m weights[r, m] · values[r, m, c]: weights [R, M], values [R·M, C] or [R, M, C] -> [R, C]. Throws when the sample counts differ. */
export function sumSamples(weights: Tensor, values: Tensor): Tensor {
  return apply1(SUM_SAMPLES, [weights, values], null)
}

/** Attribute: how many leading samples count. */
const ACCUMULATION: Op<number> = {
  name: 'accumulation',
  shape: ([weights]) => {
    if (weights.shape.length !== 2) throw new Error(`accumulation: weights must be [R, M], got ${showShape(weights.shape)}`)
    return [{ shape: [weights.shape[0]], dtype: 'f32' }]
  },
  wgsl: ({ inputs: [weights] }, count) => ({
    dispatches: [
      itemKernel({
        label: 'accumulation',
        reads: [READS[0]],
        writes: [{ name: 'y', ref: output(0) }],
        items: weights.shape[0],
        body: `  var s = 0.0;\n  for (var m = 0u; m < ${count}u; m++) { s += weights[i * ${weights.shape[1]}u + m]; }\n  y[i] = s;`,
      }),
    ],
  }),
  reference: ([weights], [y], { inputs }, count) => {
    const samples = inputs[0].shape[1]
    for (let r = 0; r < y.length; r++) {
      let s = 0
      for (let m = 0; m < count; m++) s += weights[r * samples + m]
      y[r] = s
    }
  },
  backward: ({ inputs: [weights], grads: [dy], attrs: count }) => [dy && apply1(ACCUMULATION_BACKWARD, [dy], { count, samples: weights.shape[1] })],
}

const ACCUMULATION_BACKWARD: Op<{ count: number; samples: number }> = {
  name: 'accumulationBackward',
  shape: ([dy], { samples }) => [{ shape: [dy.shape[0], samples], dtype: 'f32' }],
  wgsl: ({ outputs: [dweights] }, { count, samples }) => ({
    dispatches: [
      itemKernel({
        label: 'accumulationBackward',
        reads: [{ name: 'dy', ref: input(0) }],
        writes: [{ name: 'dweights', ref: output(0) }],
        items: elements(dweights.shape),
        body: `  dweights[i] = select(0.0, dy[i / ${samples}u], i % ${samples}u < ${count}u);`,
      }),
    ],
  }),
  reference: ([dy], [dweights], _, { count, samples }) => {
    dweights.fill(0)
    for (let r = 0; r < dy.length; r++) dweights.fill(dy[r], r * samples, r * samples + count)
  },
}

/**
 * How much of each ray is covered: Σ weights [R, M] -> [R]. With `infinity` the last sample, which stands for the background, is left out
 * (HyperNeRF's acc). Throws when weights are not [R, M].
 */
export function accumulation(weights: Tensor, { infinity }: { readonly infinity: boolean }): Tensor {
  return apply1(ACCUMULATION, [weights], weights.shape[1] - (infinity ? 1 : 0))
}
