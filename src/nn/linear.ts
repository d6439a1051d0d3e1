/** A dense layer: what it declares, and how it is applied. */

import type { Device } from '../tensor/device.ts'
import { concat } from '../tensor/ops/concat.ts'
import { type Activation, dense } from '../tensor/ops/dense.ts'
import { joinedDense } from '../tensor/ops/joinedDense.ts'
import { sliceRows } from '../tensor/ops/rows.ts'
import { lastAxis, reshape, type Tensor } from '../tensor/tensor.ts'
import { glorotUniform, type Initializer, type ParameterSpecs, zeros } from './parameters.ts'

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

/** What layers take their numbers from: a set of parameters, or one with kernels made of them (see lipschitz.ts). */
export interface Weights {
  readonly device: Device
  /** Throws for an unknown name. */
  get(name: string): Tensor
}

/**
 * The kernel and the bias.
 * @param condition [1, c] the last c inputs, the same for all rows: their part is added to the bias, and the kernel is that of the others.
 */
export function linearParameters(weights: Weights, name: string, condition?: Tensor): [kernel: Tensor, bias: Tensor] {
  const kernel = weights.get(`${name}/kernel`)
  const bias = weights.get(`${name}/bias`)
  if (!condition) return [kernel, bias]
  const [nIn] = kernel.shape
  const own = nIn - lastAxis(condition.shape)
  const rest = dense(condition, sliceRows(kernel, own, nIn), bias) // [1, out]
  return [sliceRows(kernel, 0, own), reshape(rest, bias.shape)]
}

/** act(x·W + b); see `linearParameters`. */
export function linear(weights: Weights, name: string, x: LayerInput, activation: Activation = 'none', condition?: Tensor): Tensor {
  const [kernel, bias] = linearParameters(weights, name, condition)
  return 'shape' in x ? dense(x, kernel, bias, activation) : joinedDense(x[0], x[1], kernel, bias, activation)
}
