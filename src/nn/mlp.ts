/** A multi-layer perceptron with ReLU hidden layers; the input may be concatenated again before one layer (HyperNeRF's skip). */
import { concat } from '../tensor/ops/concat.ts'
import type { Activation } from '../tensor/ops/dense.ts'
import { rowCount, type Tensor } from '../tensor/tensor.ts'
import { layerChain, type NamedHead, type NamedLayer } from './layers.ts'
import { type LayerInput, type LipschitzKind, linear, linearSpecs, type Weights, whole } from './linear.ts'
import type { Initializer, ParameterSpecs } from './parameters.ts'

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

type Hidden = Pick<MlpConfig, 'depth' | 'skip'>

/**
 * x [Q, in] -> [Q, output size], or [Q, width] without an output layer.
 * @param condition further inputs [Q, c] after x; [1, c] when they are the same for all rows, which then costs next to nothing.
 */
export function mlp(
  weights: Weights,
  name: string,
  x: Tensor,
  { output, ...hidden }: Hidden & Pick<MlpConfig, 'output'>,
  outputActivation: Activation = 'none',
  condition?: Tensor,
): Tensor {
  if (!output) return hiddenChain(weights, name, x, hidden, condition)
  return mlpHeads(weights, name, x, hidden, [{ name: `${name}/logit`, activation: outputActivation }], condition)[0]
}

/** Several output layers on the last hidden one: x [Q, in] -> [Q, size] each; see `mlp`. */
export function mlpHeads(weights: Weights, name: string, x: Tensor, hidden: Hidden, heads: readonly NamedHead[], condition?: Tensor): Tensor[] {
  const { depth, skip } = hidden
  if (depth > 0 && skip >= depth) {
    const { full, shared } = conditioned(x, condition)
    return layerChain(weights, full, hiddenLayers(name, depth, heads), shared)
  }
  const h = hiddenChain(weights, name, x, hidden, condition)
  return heads.map(head => linear(weights, head.name, h, head.activation))
}

/** The inputs that differ from row to row, and those that do not. */
function conditioned(x: Tensor, condition: Tensor | undefined): { full: LayerInput; shared?: Tensor } {
  if (!condition) return { full: x }
  if (rowCount(condition.shape) === 1 && rowCount(x.shape) > 1) return { full: x, shared: condition }
  return { full: [x, condition] }
}

function hiddenChain(weights: Weights, name: string, x: Tensor, { depth, skip }: Hidden, condition?: Tensor): Tensor {
  if (depth === 0) return condition ? concat([x, condition]) : x
  const { full, shared } = conditioned(x, condition)
  let h = linear(weights, `${name}/hidden_0`, full, 'relu', shared)
  for (let l = 1; l < depth; l++) {
    const again = l === skip
    h = linear(weights, `${name}/hidden_${l}`, again ? [h, whole(full)] : h, 'relu', again ? shared : undefined)
  }
  return h
}

/** The hidden layers of an MLP without a skip, for `layerChain`; `heads` see the last. */
export function hiddenLayers(name: string, depth: number, heads: readonly NamedHead[] = []): NamedLayer[] {
  return Array.from({ length: depth }, (_, l) => ({ name: `${name}/hidden_${l}`, heads: l === depth - 1 ? heads : [] }))
}
