/** A chain of dense layers with outputs on any of them: one fused operation where the device has one for these widths, else layer by layer. */

import type { Activation } from '../tensor/ops/dense.ts'
import { fusedMlp, type MlpLayer } from '../tensor/ops/fusedMlp.ts'
import { hasRoomForSecond, mlpTiling } from '../tensor/ops/mlpTiling.ts'
import { beforeRepeat } from '../tensor/ops/rows.ts'
import { lastAxis, rowCount, type Tensor } from '../tensor/tensor.ts'
import { type LayerInput, linear, linearParameters, type Weights, whole } from './linear.ts'

/** An output layer. */
export interface NamedHead {
  readonly name: string
  readonly activation?: Activation
}

/** A hidden layer, and the outputs that see it. */
export interface NamedLayer {
  readonly name: string
  readonly activation?: 'relu' | 'none'
  readonly heads?: readonly NamedHead[]
}

/**
 * x [Q, in] through the layers -> the outputs [Q, size] of their heads, in order.
 * @param condition further inputs [1, c] of the first layer, the same for all rows
 */
export function layerChain(weights: Weights, x: LayerInput, layers: readonly NamedLayer[], condition?: Tensor): Tensor[] {
  const parts: readonly Tensor[] = 'shape' in x ? [x] : x
  const widthOf = (name: string): number => weights.get(`${name}/bias`).length
  const shape = {
    nIn: parts.reduce((sum, { shape }) => sum + lastAxis(shape), 0),
    layers: layers.map(
      ({ name, activation = 'relu', heads = [] }): MlpLayer => ({
        nOut: widthOf(name),
        activation,
        heads: heads.map(h => ({ nOut: widthOf(h.name), activation: h.activation ?? 'none' })),
      }),
    ),
  }
  const tiling = mlpTiling(weights.device, shape, rowCount(parts[0].shape))
  if (tiling) {
    const names = layers.flatMap(({ name, heads = [] }) => [name, ...heads.map(h => h.name)])
    const matrices = names.flatMap((name, i) => linearParameters(weights, name, i === 0 ? condition : undefined))
    const [first, second] = parts
    if (parts.length !== 2 || !hasRoomForSecond(weights.device, shape)) return fusedMlp(whole(x), matrices, shape, tiling)
    const { rows, times } = beforeRepeat(second)
    return fusedMlp(first, matrices, { ...shape, second: { nIn: lastAxis(rows.shape), times } }, tiling, rows)
  }
  let h: LayerInput = x
  return layers.flatMap(({ name, activation = 'relu', heads = [] }, l) => {
    const y = linear(weights, name, h, activation, l === 0 ? condition : undefined)
    h = y
    return heads.map(head => linear(weights, head.name, y, head.activation))
  })
}
