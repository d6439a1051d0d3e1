/** The general robust loss (Barron 2019, Eq. 13) of a squared residual, times its scale as the authors' code has it. */
import { apply1, type Op } from '../op.ts'
import { elements, input, output, type Tensor } from '../tensor.ts'
import { float, itemKernel } from './wgsl.ts'

export interface RobustOptions {
  /** Shape: 2 is half the square, 0 Cauchy, −2 Geman–McClure (bounded), −Infinity Welsch. */
  readonly alpha: number
  /** Residuals well below the scale count as squares, well above it as outliers. */
  readonly scale: number
}

/** One form of the loss with s = squared / scale²: js and WGSL, value and derivative by s. */
interface Form {
  readonly value: (s: number) => number
  readonly slope: (s: number) => number
  readonly wgsl: string
  readonly wgslSlope: string
}

function form(alpha: number): Form {
  if (alpha === 2) return { value: s => 0.5 * s, slope: () => 0.5, wgsl: '0.5 * s', wgslSlope: '0.5 + 0.0 * s' }
  if (alpha === 0)
    return { value: s => Math.log1p(0.5 * s), slope: s => 0.5 / (1 + 0.5 * s), wgsl: 'log(1.0 + 0.5 * s)', wgslSlope: '0.5 / (1.0 + 0.5 * s)' }
  // The general form with its subtraction carried out: exact for tiny residuals.
  if (alpha === -2)
    return { value: s => (2 * s) / (s + 4), slope: s => 8 / (s + 4) ** 2, wgsl: '2.0 * s / (s + 4.0)', wgslSlope: '8.0 / ((s + 4.0) * (s + 4.0))' }
  if (alpha === Number.NEGATIVE_INFINITY)
    return { value: s => -Math.expm1(-0.5 * s), slope: s => 0.5 * Math.exp(-0.5 * s), wgsl: '1.0 - exp(-0.5 * s)', wgslSlope: '0.5 * exp(-0.5 * s)' }
  const beta = Math.abs(alpha - 2)
  return {
    value: s => (beta / alpha) * ((s / beta + 1) ** (0.5 * alpha) - 1),
    slope: s => 0.5 * (s / beta + 1) ** (0.5 * alpha - 1),
    wgsl: `${float(beta / alpha)} * (pow(s * ${float(1 / beta)} + 1.0, ${float(0.5 * alpha)}) - 1.0)`,
    wgslSlope: `0.5 * pow(s * ${float(1 / beta)} + 1.0, ${float(0.5 * alpha - 1)})`,
  }
}

const ROBUST: Op<RobustOptions> = {
  name: 'robustLoss',
  shape: ([squared], { alpha, scale }) => {
    if (!(scale > 0) || Number.isNaN(alpha) || alpha > 2) throw new Error(`robustLoss: alpha ${alpha} must be at most 2 and scale ${scale} positive`)
    return [{ shape: squared.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [squared] }, { alpha, scale }) => ({
    dispatches: [
      itemKernel({
        label: 'robustLoss',
        reads: [{ name: 'squared', ref: input(0) }],
        writes: [{ name: 'y', ref: output(0) }],
        items: elements(squared.shape),
        body: `  let s = squared[i] * ${float(1 / scale ** 2)};\n  y[i] = ${float(scale)} * (${form(alpha).wgsl});`,
      }),
    ],
  }),
  reference: ([squared], [y], _, { alpha, scale }) => {
    const { value } = form(alpha)
    for (let i = 0; i < y.length; i++) y[i] = scale * value(squared[i] / scale ** 2)
  },
  backward: ({ inputs: [squared], grads: [dy], attrs }) => [dy && apply1(ROBUST_BACKWARD, [squared, dy], attrs)],
}

const ROBUST_BACKWARD: Op<RobustOptions> = {
  name: 'robustLossBackward',
  shape: ([squared]) => [{ shape: squared.shape, dtype: 'f32' }],
  wgsl: ({ inputs: [squared] }, { alpha, scale }) => ({
    dispatches: [
      itemKernel({
        label: 'robustLossBackward',
        reads: [
          { name: 'squared', ref: input(0) },
          { name: 'dy', ref: input(1) },
        ],
        writes: [{ name: 'dx', ref: output(0) }],
        items: elements(squared.shape),
        body: `  let s = squared[i] * ${float(1 / scale ** 2)};\n  dx[i] = dy[i] * ${float(1 / scale)} * (${form(alpha).wgslSlope});`,
      }),
    ],
  }),
  reference: ([squared, dy], [dx], _, { alpha, scale }) => {
    const { slope } = form(alpha)
    for (let i = 0; i < dx.length; i++) dx[i] = (dy[i] / scale) * slope(squared[i] / scale ** 2)
  },
}

/**
 * scale · ρ(√squared; alpha, scale), element by element: squared residuals [...] -> [...] (Barron 2019, Eq. 13). Geman–McClure saturates at 2 · scale.
 * Throws when alpha > 2 or scale <= 0.
 */
export function robustLoss(squared: Tensor, options: RobustOptions): Tensor {
  return apply1(ROBUST, [squared], options)
}
