/** The layers of a network with their norms bounded (paper Eq. 8-9), and the penalty on their bounds (Eq. 10). */
import { concat } from '../tensor/ops/concat.ts'
import { softplus } from '../tensor/ops/elementwise.ts'
import { lipschitzScales } from '../tensor/ops/lipschitz.ts'
import { logBounds, product } from '../tensor/ops/lipschitzBounds.ts'
import { reshape, type Tensor } from '../tensor/tensor.ts'
import type { LipschitzKind, Weights } from './linear.ts'
import type { ParameterSet } from './parameters.ts'

/** The c of each layer of some networks, side by side: one tensor for whoever asks, so that its gradient comes back through one place. */
const joined = new WeakMap<ParameterSet, Map<string, Tensor>>()

const bounded = (parameters: ParameterSet, networks: readonly string[]): string[] =>
  networks.flatMap(network =>
    parameters.names.filter(n => n.startsWith(`${network}/`) && n.endsWith('/lip_c')).map(n => n.slice(0, -'/lip_c'.length)),
  )

function boundsOf(parameters: ParameterSet, networks: readonly string[]): Tensor {
  const known = joined.get(parameters) ?? new Map<string, Tensor>()
  joined.set(parameters, known)
  const key = networks.join(' ')
  const found = known.get(key)
  if (found) return found
  const layers = bounded(parameters, networks)
  if (layers.length === 0) throw new Error(`${key} has no Lipschitz layer; choose 'output' or 'input' as its lipschitz kind`)
  const made = concat(layers.map(layer => reshape(parameters.get(`${layer}/lip_c`), [1])))
  known.set(key, made)
  return made
}

/** The parameters, with the kernels of the networks' layers scaled by Eq. 9, as one operation. Throws when none of them has a bound. */
export function boundedWeights(parameters: ParameterSet, networks: readonly string[], kind: LipschitzKind): Weights {
  if (kind === 'none') return parameters
  const names = bounded(parameters, networks).map(layer => `${layer}/kernel`)
  const scaled = lipschitzScales(
    names.map(name => parameters.get(name)),
    boundsOf(parameters, networks),
    kind,
  )
  const kernels = new Map(names.map((name, i) => [name, scaled[i]]))
  return { device: parameters.device, get: name => kernels.get(name) ?? parameters.get(name) }
}

/** Π softplus(c) over the networks' Lipschitz layers, a scalar [] (paper Eq. 10 as the authors train it: ~1e23 at full size). Throws when there is none. */
export const lipschitzProduct = (parameters: ParameterSet, networks: readonly string[]): Tensor => product(softplus(boundsOf(parameters, networks)))

/** log Π softplus(c), a scalar [] (paper Eq. 10 in the log: the square of the product's gradient overflows f32 in Adam). Throws when there is no Lipschitz layer. */
export const logLipschitz = (parameters: ParameterSet, networks: readonly string[]): Tensor => logBounds(boundsOf(parameters, networks))
