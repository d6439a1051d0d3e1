/** The pre-norm transformer block of both CLIP towers (Radford et al. 2021): x += out(attention(norm x)), x += fc2(gelu(fc1(norm x))). */
import { type AttentionShape, attention } from '../tensor/ops/attention.ts'
import { dense } from '../tensor/ops/dense.ts'
import { add, gelu, quickGelu } from '../tensor/ops/elementwise.ts'
import { layerNorm } from '../tensor/ops/layerNorm.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { ClipActivation, TowerConfig } from './clipConfig.ts'
import type { ClipWeights, LinearWeights, NormWeights } from './clipWeights.ts'

export interface TransformerBlock {
  readonly activation: ClipActivation
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

/** The blocks of a tower, `prefix` 'vision_model' or 'text_model'. Throws, naming the tensor, when weights do not fit. */
export function loadBlocks(weights: ClipWeights, prefix: string, { width, hidden, layers, activation, eps }: TowerConfig): TransformerBlock[] {
  return Array.from({ length: layers }, (_, layer) => {
    const at = `${prefix}.encoder.layers.${layer}`
    const projection = (name: string): LinearWeights => weights.linear(`${at}.self_attn.${name}_proj`, width, width)
    return {
      activation,
      eps,
      norm1: weights.norm(`${at}.layer_norm1`, width),
      query: projection('q'),
      key: projection('k'),
      value: projection('v'),
      out: projection('out'),
      norm2: weights.norm(`${at}.layer_norm2`, width),
      fc1: weights.linear(`${at}.mlp.fc1`, width, hidden),
      fc2: weights.linear(`${at}.mlp.fc2`, hidden, width),
    }
  })
}

/**
 * One block: x [B·T, width] -> [B·T, width].
 * @param keep picks the rows that anything later reads, right after attention: what follows works row by row, so the last block need not compute the others.
 */
export function transformerBlock(x: Tensor, block: TransformerBlock, shape: AttentionShape, keep: (x: Tensor) => Tensor = all => all): Tensor {
  const { norm1, query, key, value, out, norm2, fc1, fc2, eps } = block
  const h = layerNorm(x, norm1.gamma, norm1.beta, eps)
  const attended = attention(dense(h, query.w, query.b), dense(h, key.w, key.b), dense(h, value.w, value.b), shape)
  const y = add(keep(x), dense(keep(attended), out.w, out.b))
  const inner = dense(layerNorm(y, norm2.gamma, norm2.beta, eps), fc1.w, fc1.b)
  return add(y, dense(block.activation === 'gelu' ? gelu(inner) : quickGelu(inner), fc2.w, fc2.b))
}

/** All blocks; `keep` applies to the last. */
export function transformer(x: Tensor, blocks: readonly TransformerBlock[], shape: AttentionShape, keep?: (x: Tensor) => Tensor): Tensor {
  return blocks.reduce((h, block, i) => transformerBlock(h, block, shape, i === blocks.length - 1 ? keep : undefined), x)
}
