/** SigLIP's pooling (Zhai et al. 2022, "Scaling Vision Transformers", the MAP head): a learnt probe looks at all tokens, x += fc2(gelu(fc1(norm x))) follows. */
import { attention } from '../tensor/ops/attention.ts'
import { sliceColumns } from '../tensor/ops/concat.ts'
import { type FrozenActivation, frozenDense } from '../tensor/ops/frozenDense.ts'
import { layerNorm } from '../tensor/ops/layerNorm.ts'
import { repeatAll } from '../tensor/ops/rows.ts'
import { reshape, type Tensor } from '../tensor/tensor.ts'
import type { TowerConfig } from './clipConfig.ts'
import { type ClipWeights, type LinearWeights, linear, type NormWeights } from './clipWeights.ts'

export interface AttentionPool {
  /** The probe's query [1, width]; no picture changes it, so it is computed once. */
  readonly query: Tensor
  readonly key: LinearWeights
  readonly value: LinearWeights
  readonly out: LinearWeights
  readonly norm: NormWeights
  readonly fc1: LinearWeights
  readonly fc2: LinearWeights
  readonly heads: number
  readonly activation: FrozenActivation
  readonly eps: number
}

/** Loads vision_model.head. Rejects, naming the tensor, when a weight is missing or of another shape. */
export async function loadAttentionPool(weights: ClipWeights, { width, hidden, heads, activation, eps }: TowerConfig): Promise<AttentionPool> {
  const at = 'vision_model.head'
  const projections = `${at}.attention.in_proj` // query, key and value above each other
  return {
    query: weights.upload(await probeQuery(weights, at, width), [1, width]),
    key: await weights.packedLinear(projections, width, width, 3, 1),
    value: await weights.packedLinear(projections, width, width, 3, 2),
    out: await weights.linear(`${at}.attention.out_proj`, width, width),
    norm: await weights.norm(`${at}.layernorm`, width),
    fc1: await weights.linear(`${at}.mlp.fc1`, width, hidden),
    fc2: await weights.linear(`${at}.mlp.fc2`, hidden, width),
    heads,
    activation,
    eps,
  }
}

async function probeQuery(weights: ClipWeights, at: string, width: number): Promise<Float32Array> {
  const probe = await weights.numbers(`${at}.probe`, [1, 1, width])
  const w = await weights.numbers(`${at}.attention.in_proj_weight`, [3 * width, width])
  const b = await weights.numbers(`${at}.attention.in_proj_bias`, [3 * width])
  return Float32Array.from({ length: width }, (_, o) => probe.reduce((sum, v, i) => sum + v * w[o * width + i], b[o]))
}

/** Records: token states after the last norm [B·T, width] -> features [B, width]. */
export function attentionPool(x: Tensor, batch: number, pool: AttentionPool): Tensor {
  const { query, key, value, out, norm, fc1, fc2, heads, activation, eps } = pool
  const [rows, width] = x.shape
  const tokens = rows / batch
  // the kernel wants a query per token: each asks the same, and the first one's answer is kept. That is as much attention as in one block.
  const attended = attention(repeatAll(query, rows), linear(x, key), linear(x, value), { batch, tokens, heads, causal: false })
  const y = linear(sliceColumns(reshape(attended, [batch, tokens * width]), 0, width), out) // [B, width]
  return frozenDense(y, linear(layerNorm(y, norm.gamma, norm.beta, eps), fc1), fc2, activation)
}
