/** A dense layer, plain or Lipschitz-normalised (paper Eq. 9). */

import { concat } from '../tensor/ops/concat.ts'
import { type Activation, dense } from '../tensor/ops/dense.ts'
import { joinedDense } from '../tensor/ops/joinedDense.ts'
import { lipschitzScale } from '../tensor/ops/lipschitz.ts'
import { sliceRows } from '../tensor/ops/rows.ts'
import { lastAxis, reshape, type Tensor } from '../tensor/tensor.ts'
import { glorotUniform, type Initializer, type ParameterSet, type ParameterSpecs, zeros } from './parameters.ts'

/** 'output': Eq. 9, the row of an output is scaled, bounding the ∞-norm. 'input': as coded by the authors, bounding the 1-norm. */
export type LipschitzKind = 'none' | 'output' | 'input'

export interface LinearConfig {
  readonly nIn: number
  readonly nOut: number
  readonly init?: Initializer
  readonly lipschitz?: LipschitzKind
  readonly group: string
}

/** Kernel [in, out], bias [out] and, for a Lipschitz layer, the bound c [], high enough that training starts all but unscaled. */
export function linearSpecs(name: string, { nIn, nOut, init = glorotUniform, lipschitz = 'none', group }: LinearConfig): ParameterSpecs {
  const kernel = { shape: [nIn, nOut], init, group }
  const specs = { [`${name}/kernel`]: kernel, [`${name}/bias`]: { shape: [nOut], init: zeros, group } }
  if (lipschitz === 'none') return specs
  // A group's norm is a sum of n absolute uniforms below `limit`: mean limit · n/2, deviation limit · √(n/12). Two deviations leave 2 % above.
  const n = lipschitz === 'output' ? nIn : nOut
  const norm = Math.sqrt(6 / (nIn + nOut)) * Math.min(n / 2 + 2 * Math.sqrt(n / 12), n)
  const bound: Initializer = () => Float32Array.of(inverseSoftplus(norm))
  return { ...specs, [`${name}/lip_c`]: { shape: [], init: bound, group } }
}

/** x with softplus(x) = y, for y > 0. */
export function inverseSoftplus(y: number): number {
  return y > 20 ? y : Math.log(Math.expm1(y))
}

/** One tensor, or two side by side. */
export type LayerInput = Tensor | readonly [Tensor, Tensor]

/** The two joined. */
export const whole = (x: LayerInput): Tensor => ('shape' in x ? x : concat(x))

/**
 * The kernel W', which is W, or W scaled by Eq. 9 when the layer has a bound, and the bias.
 * @param condition [1, c] the last c inputs, the same for all rows: their part is added to the bias, and the kernel is that of the others.
 */
export function linearParameters(
  parameters: ParameterSet,
  name: string,
  lipschitz: LipschitzKind = 'none',
  condition?: Tensor,
): [kernel: Tensor, bias: Tensor] {
  const w = parameters.get(`${name}/kernel`)
  const kernel = lipschitz === 'none' ? w : lipschitzScale(w, parameters.get(`${name}/lip_c`), lipschitz)
  const bias = parameters.get(`${name}/bias`)
  if (!condition) return [kernel, bias]
  const [nIn] = kernel.shape
  const own = nIn - lastAxis(condition.shape)
  const rest = dense(condition, sliceRows(kernel, own, nIn), bias) // [1, out]
  return [sliceRows(kernel, 0, own), reshape(rest, bias.shape)]
}

/** act(x·W' + b); see `linearParameters`. */
export function linear(
  parameters: ParameterSet,
  name: string,
  x: LayerInput,
  activation: Activation = 'none',
  lipschitz: LipschitzKind = 'none',
  condition?: Tensor,
): Tensor {
  const [kernel, bias] = linearParameters(parameters, name, lipschitz, condition)
  return 'shape' in x ? dense(x, kernel, bias, activation) : joinedDense(x[0], x[1], kernel, bias, activation)
}
