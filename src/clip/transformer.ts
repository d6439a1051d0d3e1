/** The pre-norm transformer block of all towers (Radford et al. 2021): x += out(attention(norm x)), x += fc2(gelu(fc1(norm x))). */
import { type AttentionShape, attention } from '../tensor/ops/attention.ts'
import { type FrozenActivation, frozenDense } from '../tensor/ops/frozenDense.ts'
import { layerNorm } from '../tensor/ops/layerNorm.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { TowerConfig } from './clipConfig.ts'
import { type ClipWeights, type LinearWeights, linear, type NormWeights } from './clipWeights.ts'

export interface TransformerBlock {
  readonly activation: FrozenActivation
  readonly eps: number
  readonly norm1: NormWeights
  readonly query: LinearWeights
  readonly key: LinearWeights
  readonly value: LinearWeights
  readonly out: LinearWeights
  readonly norm2: NormWeights
  readonly fc1: LinearWeights
  readonly fc2: LinearWeights
}

/** The blocks of a tower, `prefix` 'vision_model' or 'text_model'. Rejects, naming the tensor, when weights do not fit. */
export async function loadBlocks(
  weights: ClipWeights,
  prefix: string,
  { width, hidden, layers, activation, eps }: TowerConfig,
): Promise<TransformerBlock[]> {
  const blocks: TransformerBlock[] = []
  for (let layer = 0; layer < layers; layer++) {
    const at = `${prefix}.encoder.layers.${layer}`
    const projection = (name: string): Promise<LinearWeights> => weights.linear(`${at}.self_attn.${name}_proj`, width, width)
    blocks.push({
      activation,
      eps,
      norm1: await weights.norm(`${at}.layer_norm1`, width),
      query: await projection('q'),
      key: await projection('k'),
      value: await projection('v'),
      out: await projection('out'),
      norm2: await weights.norm(`${at}.layer_norm2`, width),
      fc1: await weights.linear(`${at}.mlp.fc1`, width, hidden),
      fc2: await weights.linear(`${at}.mlp.fc2`, hidden, width),
    })
  }
  return blocks
}

/**
 * One block: x [B·T, width] -> [B·T, width].
 * @param keep picks the rows that anything later reads, right after attention: what follows works row by row, so the last block need not compute the others.
 */
export function transformerBlock(x: Tensor, block: TransformerBlock, shape: AttentionShape, keep: (x: Tensor) => Tensor = all => all): Tensor {
  const { norm1, query, key, value, out, norm2, fc1, fc2, eps } = block
  const h = layerNorm(x, norm1.gamma, norm1.beta, eps)
  const attended = attention(linear(h, query), linear(h, key), linear(h, value), shape)
  const y = frozenDense(keep(x), keep(attended), out)
  const inner = linear(layerNorm(y, norm2.gamma, norm2.beta, eps), fc1)
  return frozenDense(y, inner, fc2, block.activation)
}

/** All blocks; `keep` applies to the last. */
export function transformer(x: Tensor, blocks: readonly TransformerBlock[], shape: AttentionShape, keep?: (x: Tensor) => Tensor): Tensor {
  return blocks.reduce((h, block, i) => transformerBlock(h, block, shape, i === blocks.length - 1 ? keep : undefined), x)
}
