/** y = γ·(x − mean)/√(var + ε) + β over the last axis (Ba et al. 2016). The gradient takes mean and variance again instead of keeping them. */
import { apply, apply1, type Op } from '../op.ts'
import { elements, input, lastAxis, type Numbers, output, rowCount, scratch, showShape, type Tensor } from '../tensor.ts'
import { LANES, rowKernel } from './rowKernel.ts'
import { float, itemKernel } from './wgsl.ts'

interface Attrs {
  readonly eps: number
}

/** Rows per task on the CPU. */
const GRAIN = 32

const LAYER_NORM: Op<Attrs> = {
  name: 'layerNorm',
  shape: ([x, gamma, beta]) => {
    const width = lastAxis(x.shape)
    for (const [name, p] of [['gamma', gamma] as const, ['beta', beta] as const]) {
      if (elements(p.shape) !== width) throw new Error(`layerNorm: ${name} ${showShape(p.shape)} for rows of ${width}, ${showShape(x.shape)}`)
    }
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [x] }, { eps }) => {
    const width = lastAxis(x.shape)
    return {
      dispatches: [
        rowKernel({
          label: 'layerNorm',
          count: lanesFor(width),
          reads: ['x', 'gamma', 'beta'].map((name, index) => ({ name, ref: input(index) })),
          writes: [{ name: 'y', ref: output(0) }],
          rows: rowCount(x.shape),
          body: `${statistics(width, eps)}
  for (var c = lane; c < ${width}u; c += ${lanesFor(width)}u) { y[base + c] = (x[base + c] - mean) * r * gamma[c] + beta[c]; }`,
        }),
      ],
    }
  },
  reference: ([x, gamma, beta], [y], { inputs }, { eps }) => {
    const width = lastAxis(inputs[0].shape)
    for (let base = 0; base < x.length; base += width) {
      const { mean, r } = moments(x, base, width, eps)
      for (let c = 0; c < width; c++) y[base + c] = (x[base + c] - mean) * r * gamma[c] + beta[c]
    }
  },
  simd: ({ inputs: [x] }, { eps }) => ({
    calls: [
      {
        kernel: 'layerNorm',
        items: rowCount(x.shape),
        grain: GRAIN,
        args: [input(0), input(1), input(2), output(0), { i32: lastAxis(x.shape) }, { f32: eps }],
      },
    ],
  }),
  backward: ({ inputs: [x, gamma], grads: [dy], needs, attrs }) => {
    if (!dy) return []
    const [dgamma, dbeta] = needs[1] || needs[2] ? apply(LAYER_NORM_BACKWARD_PARAMS, [x, gamma, dy], attrs) : []
    return [needs[0] ? apply1(LAYER_NORM_BACKWARD_INPUT, [x, gamma, dy], attrs) : undefined, dgamma, dbeta]
  },
}

/** With g = γ·dy and x̂ the normalised row: dx = (g − mean(g) − x̂·mean(g·x̂))/√(var + ε). */
const LAYER_NORM_BACKWARD_INPUT: Op<Attrs> = {
  name: 'layerNormBackwardInput',
  shape: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [x] }, { eps }) => {
    const width = lastAxis(x.shape)
    return {
      dispatches: [
        rowKernel({
          label: 'layerNormBackwardInput',
          count: lanesFor(width),
          reads: ['x', 'gamma', 'dy'].map((name, index) => ({ name, ref: input(index) })),
          writes: [{ name: 'dx', ref: output(0) }],
          rows: rowCount(x.shape),
          body: `${statistics(width, eps)}
  var g = 0.0;
  var gx = 0.0;
  for (var c = lane; c < ${width}u; c += ${lanesFor(width)}u) {
    let u = gamma[c] * dy[base + c];
    g += u;
    gx += u * (x[base + c] - mean) * r;
  }
  let meanG = sumLanes(lane, g) * ${float(1 / width)};
  let meanGx = sumLanes(lane, gx) * ${float(1 / width)};
  for (var c = lane; c < ${width}u; c += ${lanesFor(width)}u) {
    dx[base + c] = r * (gamma[c] * dy[base + c] - meanG - (x[base + c] - mean) * r * meanGx);
  }`,
        }),
      ],
    }
  },
  reference: ([x, gamma, dy], [dx], { inputs }, { eps }) => {
    const width = lastAxis(inputs[0].shape)
    for (let base = 0; base < x.length; base += width) {
      const { mean, r } = moments(x, base, width, eps)
      let g = 0
      let gx = 0
      for (let c = 0; c < width; c++) {
        const u = gamma[c] * dy[base + c]
        g += u
        gx += u * (x[base + c] - mean) * r
      }
      for (let c = 0; c < width; c++) dx[base + c] = r * (gamma[c] * dy[base + c] - g / width - ((x[base + c] - mean) * r * gx) / width)
    }
  },
  simd: ({ inputs: [x] }, { eps }) => ({
    calls: [
      {
        kernel: 'layerNormBackwardInput',
        items: rowCount(x.shape),
        grain: GRAIN,
        args: [input(0), input(1), input(2), output(0), { i32: lastAxis(x.shape) }, { f32: eps }],
      },
    ],
  }),
}

/** dγ = Σ rows of dy·x̂, dβ = Σ rows of dy. */
const LAYER_NORM_BACKWARD_PARAMS: Op<Attrs> = {
  name: 'layerNormBackwardParams',
  shape: ([, gamma]) => [
    { shape: [elements(gamma.shape)], dtype: 'f32' },
    { shape: [elements(gamma.shape)], dtype: 'f32' },
  ],
  wgsl: ({ inputs: [x] }, { eps }) => {
    const width = lastAxis(x.shape)
    const rows = rowCount(x.shape)
    return {
      scratch: [rows * 2],
      dispatches: [
        rowKernel({
          label: 'layerNormMoments',
          count: lanesFor(width),
          reads: [{ name: 'x', ref: input(0) }],
          writes: [{ name: 'moments', ref: scratch(0) }],
          rows,
          body: `${statistics(width, eps)}
  if (lane == 0u) {
    moments[row * 2u] = mean;
    moments[row * 2u + 1u] = r;
  }`,
        }),
        itemKernel({
          label: 'layerNormBackwardParams',
          reads: [
            { name: 'x', ref: input(0) },
            { name: 'dy', ref: input(2) },
            { name: 'moments', ref: scratch(0) },
          ],
          writes: [
            { name: 'dgamma', ref: output(0) },
            { name: 'dbeta', ref: output(1) },
          ],
          items: width,
          body: `  var g = 0.0;
  var b = 0.0;
  for (var row = 0u; row < ${rows}u; row++) {
    let d = dy[row * ${width}u + i];
    g += d * (x[row * ${width}u + i] - moments[row * 2u]) * moments[row * 2u + 1u];
    b += d;
  }
  dgamma[i] = g;
  dbeta[i] = b;`,
        }),
      ],
    }
  },
  reference: ([x, , dy], [dgamma, dbeta], { inputs }, { eps }) => {
    const width = lastAxis(inputs[0].shape)
    const g = new Float64Array(width)
    const b = new Float64Array(width)
    for (let base = 0; base < x.length; base += width) {
      const { mean, r } = moments(x, base, width, eps)
      for (let c = 0; c < width; c++) {
        g[c] += dy[base + c] * (x[base + c] - mean) * r
        b[c] += dy[base + c]
      }
    }
    dgamma.set(g)
    dbeta.set(b)
  },
}

/** A transformer's few rows wait for memory: the fewer turns a lane takes, the sooner they are done. */
const lanesFor = (width: number): number => (width >= 256 ? 256 : LANES)

/** WGSL for `base`, `mean` and r = 1/√(var + ε) of a row; the variance in a second pass, where it does not cancel. */
function statistics(width: number, eps: number): string {
  return `  let base = row * ${width}u;
  var s = 0.0;
  for (var c = lane; c < ${width}u; c += ${lanesFor(width)}u) { s += x[base + c]; }
  let mean = sumLanes(lane, s) * ${float(1 / width)};
  var q = 0.0;
  for (var c = lane; c < ${width}u; c += ${lanesFor(width)}u) { let d = x[base + c] - mean; q += d * d; }
  let r = 1.0 / sqrt(sumLanes(lane, q) * ${float(1 / width)} + ${float(eps)});`
}

function moments(x: Numbers, base: number, width: number, eps: number): { mean: number; r: number } {
  let s = 0
  for (let c = 0; c < width; c++) s += x[base + c]
  const mean = s / width
  let q = 0
  for (let c = 0; c < width; c++) q += (x[base + c] - mean) ** 2
  return { mean, r: 1 / Math.sqrt(q / width + eps) }
}

/**
 * Layer norm over the last axis: x [..., C], gamma [C], beta [C] -> [..., C]. Throws when gamma or beta is not one value per column.
 * @param eps added to the variance (1e-5 in CLIP).
 */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, eps = 1e-5): Tensor {
  return apply1(LAYER_NORM, [x, gamma, beta], { eps })
}
