/**
 * Compositing weights along rays (NeRF Eq. 3): with o = sigma · |d| · (z[i+1] − z[i]), alpha = 1 − e^−o,
 * weight i = alpha_i Π_{j<i} (1 − alpha_j + 1e-10). The 1e-10 keeps the gradient of what lies behind an opaque sample defined.
 */
import { apply1, type Op } from '../op.ts'
import { detach, elements, input, output, sameShape, showShape, type Tensor } from '../tensor.ts'
import { float, itemKernel } from './wgsl.ts'

const EPSILON = 1e-10
/** The last sample has no next one: it stands for everything behind it, or for nothing. */
const INFINITE_INTERVAL = 1e10
const NO_INTERVAL = 1e-19

export interface RayWeightOptions {
  /** The last sample reaches to infinity (HyperNeRF's sample_at_infinity). */
  readonly infinity: boolean
}

interface Attrs extends RayWeightOptions {
  readonly norm: boolean
}

const lastInterval = ({ infinity }: RayWeightOptions): number => (infinity ? INFINITE_INTERVAL : NO_INTERVAL)

/** Per ray r, sample m: `length` = interval times |direction|. */
const intervalWgsl = (samples: number, attrs: Attrs, norm: string): string => `    var length = ${float(lastInterval(attrs))};
    if (m + 1u < ${samples}u) { length = z[at + 1u] - z[at]; }
    ${attrs.norm ? `length *= ${norm}[i];` : ''}`

/** Rays per task on the CPU, and what its scratch memory holds. */
const GRAIN = 64
const MOST_SAMPLES = 16384

const RAY_WEIGHTS: Op<Attrs> = {
  name: 'rayWeights',
  shape: ([sigma, z, norm]) => {
    if (sigma.shape.length !== 2 || !sameShape(sigma.shape, z.shape))
      throw new Error(`rayWeights: sigma and z must both be [R, M], got ${showShape(sigma.shape)} and ${showShape(z.shape)}`)
    if (norm && elements(norm.shape) !== sigma.shape[0])
      throw new Error(`rayWeights: direction norms ${showShape(norm.shape)} for ${sigma.shape[0]} rays`)
    return [{ shape: sigma.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [sigma] }, attrs) => ({
    dispatches: [
      itemKernel({
        label: 'rayWeights',
        reads: reads(['sigma', 'z'], attrs),
        writes: [{ name: 'weights', ref: output(0) }],
        items: sigma.shape[0],
        body: `  var light = 1.0;
  for (var m = 0u; m < ${sigma.shape[1]}u; m++) {
    let at = i * ${sigma.shape[1]}u + m;
${intervalWgsl(sigma.shape[1], attrs, 'norm')}
    let through = exp(-sigma[at] * length);
    weights[at] = light * (1.0 - through);
    light *= through + ${float(EPSILON)};
  }`,
      }),
    ],
  }),
  simd: ({ inputs: [{ shape }] }, attrs) => {
    const args = [input(0), input(1), attrs.norm ? input(2) : { i32: 0 }, output(0), { i32: shape[1] }, { f32: lastInterval(attrs) }]
    return shape[1] > MOST_SAMPLES ? undefined : { calls: [{ kernel: 'rayWeights', items: shape[0], grain: GRAIN, args }] }
  },
  reference: ([sigma, z, norm], [weights], { inputs }, attrs) => {
    const [rays, samples] = inputs[0].shape
    for (let r = 0; r < rays; r++) {
      let light = 1
      for (let m = 0; m < samples; m++) {
        const at = r * samples + m
        const depth = sigma[at] * intervalOf(z, at, m, samples, attrs) * (norm ? norm[r] : 1)
        weights[at] = -light * Math.expm1(-depth)
        light *= Math.exp(-depth) + EPSILON
      }
    }
  },
  backward: ({ inputs, grads: [dy], attrs }) => {
    const [sigma, z, norm] = inputs
    return [dy && apply1(RAY_WEIGHTS_BACKWARD, norm ? [sigma, z, dy, norm] : [sigma, z, dy], attrs)]
  },
}

function intervalOf(z: ArrayLike<number>, at: number, m: number, samples: number, attrs: Attrs): number {
  return m + 1 < samples ? z[at + 1] - z[at] : lastInterval(attrs)
}

function reads(names: readonly string[], { norm }: Attrs): { name: string; ref: ReturnType<typeof input> }[] {
  return [...names, ...(norm ? ['norm'] : [])].map((name, index) => ({ name, ref: input(index) }))
}

/**
 * dsigma_i = length_i e_i (g_i T_i − Σ_{j>i} g_j w_j / (e_i + 1e-10)), e = e^−o, T = transmittance. One pass forward adds up g·w, a second takes
 * the sum behind each sample as what is left of it: O(M) per ray, nothing stored. The remainder is summed backwards instead of by
 * subtraction, because behind an opaque sample it is far below the rounding of the total.
 */
const RAY_WEIGHTS_BACKWARD: Op<Attrs> = {
  name: 'rayWeightsBackward',
  shape: ([sigma]) => [{ shape: sigma.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [sigma] }, attrs) => ({
    dispatches: [
      itemKernel({
        label: 'rayWeightsBackward',
        reads: reads(['sigma', 'z', 'dy'], attrs),
        writes: [{ name: 'dsigma', ref: output(0) }],
        items: sigma.shape[0],
        // The forward sweep leaves each transmittance in dsigma, the backward sweep replaces it by the gradient.
        body: `  var light = 1.0;
  for (var m = 0u; m < ${sigma.shape[1]}u; m++) {
    let at = i * ${sigma.shape[1]}u + m;
${intervalWgsl(sigma.shape[1], attrs, 'norm')}
    dsigma[at] = light;
    light *= exp(-sigma[at] * length) + ${float(EPSILON)};
  }
  var behind = 0.0;
  for (var step = 0u; step < ${sigma.shape[1]}u; step++) {
    let m = ${sigma.shape[1] - 1}u - step;
    let at = i * ${sigma.shape[1]}u + m;
${intervalWgsl(sigma.shape[1], attrs, 'norm')}
    let through = exp(-sigma[at] * length);
    let transmittance = dsigma[at];
    dsigma[at] = length * through * (dy[at] * transmittance - behind / (through + ${float(EPSILON)}));
    behind += dy[at] * transmittance * (1.0 - through);
  }`,
      }),
    ],
  }),
  simd: ({ inputs: [{ shape }] }, attrs) => {
    const args = [input(0), input(1), input(2), attrs.norm ? input(3) : { i32: 0 }, output(0), { i32: shape[1] }, { f32: lastInterval(attrs) }]
    return shape[1] > MOST_SAMPLES ? undefined : { calls: [{ kernel: 'rayWeightsBackward', items: shape[0], grain: GRAIN, args }] }
  },
  reference: ([sigma, z, dy, norm], [dsigma], { inputs }, attrs) => {
    const [rays, samples] = inputs[0].shape
    const transmittance = new Float64Array(samples)
    for (let r = 0; r < rays; r++) {
      const length = (m: number): number => intervalOf(z, r * samples + m, m, samples, attrs) * (norm ? norm[r] : 1)
      let light = 1
      for (let m = 0; m < samples; m++) {
        transmittance[m] = light
        light *= Math.exp(-sigma[r * samples + m] * length(m)) + EPSILON
      }
      let behind = 0
      for (let m = samples - 1; m >= 0; m--) {
        const at = r * samples + m
        const depth = sigma[at] * length(m)
        const through = Math.exp(-depth)
        dsigma[at] = length(m) * through * (dy[at] * transmittance[m] - behind / (through + EPSILON))
        behind -= dy[at] * transmittance[m] * Math.expm1(-depth)
      }
    }
  },
}

/**
 * sigma [R, M] >= 0 (per unit of z·|d|), z [R, M] ascending, |direction| [R] (undefined: 1) -> weights [R, M], each >= 0, their sum at most about 1.
 * The gradient goes to sigma alone. Throws when shapes differ.
 */
export function rayWeights(sigma: Tensor, z: Tensor, directionNorm: Tensor | undefined, { infinity }: RayWeightOptions): Tensor {
  const inputs = [sigma, detach(z), ...(directionNorm ? [detach(directionNorm)] : [])]
  return apply1(RAY_WEIGHTS, inputs, { infinity, norm: directionNorm !== undefined })
}
