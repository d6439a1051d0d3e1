/** A multi-layer perceptron with ReLU hidden layers; the input may be concatenated again before one layer (HyperNeRF's skip). */
import { concat } from '../tensor/ops/concat.ts'
import type { Activation } from '../tensor/ops/dense.ts'
import { rowCount, type Tensor } from '../tensor/tensor.ts'
import { type LipschitzKind, linear, linearSpecs } from './linear.ts'
import type { Initializer, ParameterSet, ParameterSpecs } from './parameters.ts'

export interface MlpConfig {
  readonly nIn: number
  readonly depth: number
  readonly width: number
  /** Layer before which the input is concatenated again; none when ≥ depth. */
  readonly skip: number
  /** Output layer; without it the last hidden layer is the output. */
  readonly output?: { readonly size: number; readonly init?: Initializer }
  readonly lipschitz?: LipschitzKind
  readonly group: string
}

/** Layers are named as in the official code: hidden_0 …, logit. */
export function mlpSpecs(name: string, { nIn, depth, width, skip, output, lipschitz, group }: MlpConfig): ParameterSpecs {
  const layers: ParameterSpecs[] = []
  for (let l = 0; l < depth; l++) {
    const size = l === 0 ? nIn : l === skip ? width + nIn : width
    layers.push(linearSpecs(`${name}/hidden_${l}`, { nIn: size, nOut: width, lipschitz, group }))
  }
  if (output) layers.push(linearSpecs(`${name}/logit`, { nIn: depth > 0 ? width : nIn, nOut: output.size, init: output.init, lipschitz, group }))
  return Object.assign({}, ...layers)
}

/**
 * x [Q, in] -> [Q, output size], or [Q, width] without an output layer.
 * @param condition further inputs [Q, c] after x; [1, c] when they are the same for all rows, which then costs next to nothing.
 */
export function mlp(
  parameters: ParameterSet,
  name: string,
  x: Tensor,
  { depth, skip, output, lipschitz }: Pick<MlpConfig, 'depth' | 'skip' | 'output' | 'lipschitz'>,
  outputActivation: Activation = 'none',
  condition?: Tensor,
): Tensor {
  const shared = condition && rowCount(condition.shape) === 1 && rowCount(x.shape) > 1 && depth > 0 ? condition : undefined
  const full = condition && !shared ? concat([x, condition]) : x
  let h = full
  for (let l = 0; l < depth; l++) {
    const again = l === skip && l > 0
    h = linear(parameters, `${name}/hidden_${l}`, again ? concat([h, full]) : h, 'relu', lipschitz, again || l === 0 ? shared : undefined)
  }
  return output ? linear(parameters, `${name}/logit`, h, outputActivation, lipschitz) : h
}
