/** CLIP's text tower (Radford et al. 2021): causal pre-norm blocks over token embeddings, the end token's state projected. */
import { Storage } from '../tensor/device.ts'
import { dense } from '../tensor/ops/dense.ts'
import { gatherRows } from '../tensor/ops/gather.ts'
import { layerNorm } from '../tensor/ops/layerNorm.ts'
import { evaluate } from '../tensor/plan.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { ClipConfig, TextConfig } from './clipConfig.ts'
import type { ClipWeights, LinearWeights, NormWeights } from './clipWeights.ts'
import { loadBlocks, type TransformerBlock, transformer } from './transformer.ts'

/** Tokenised texts, one row each: start token, text, end token, padding. */
export interface TokenRows {
  /** [T, length] row-major. */
  readonly ids: Uint32Array
  readonly length: number
  /** Place of each text's first end token. */
  readonly ends: readonly number[]
}

export class TextTransformer {
  /** Embedding tables stay on the host: a text touches a few rows, and a large table would not fit one binding of a GPU. */
  private readonly tokenEmbedding: Float32Array
  private readonly positionEmbedding: Float32Array
  private readonly blocks: readonly TransformerBlock[]
  private readonly finalNorm: NormWeights
  private readonly projection: LinearWeights
  private readonly config: TextConfig

  /** Throws, naming the tensor, when a weight is missing or of another shape. */
  constructor(
    private readonly weights: ClipWeights,
    { text, embeddingSize }: ClipConfig,
  ) {
    const { width, vocabulary, context } = text
    this.config = text
    // copies: the numbers may be views that would keep the whole weight file in memory
    this.tokenEmbedding = weights.numbers('text_model.embeddings.token_embedding.weight', [vocabulary, width]).slice()
    this.positionEmbedding = weights.numbers('text_model.embeddings.position_embedding.weight', [context, width]).slice()
    this.blocks = loadBlocks(weights, 'text_model', text)
    this.finalNorm = weights.norm('text_model.final_layer_norm', width)
    this.projection = weights.linear('text_projection', width, embeddingSize, false)
  }

  /** Features of the texts, not normalised: row-major [T, D]. */
  async features({ ids, length, ends }: TokenRows): Promise<Float32Array> {
    const batch = ends.length
    // What follows the last end token cannot reach it through the causal mask, so it need not be computed.
    const used = Math.max(...ends) + 1
    const kept = new Uint32Array(batch * used)
    for (let t = 0; t < batch; t++) kept.set(ids.subarray(t * length, t * length + used), t * used)
    const { device } = this.weights
    const embedded = new Storage(device, kept.length * this.config.width)
    const pool = new Storage(device, batch, 'u32')
    try {
      embedded.write(this.embed(kept, used))
      pool.write(Uint32Array.from(ends, (end, t) => t * used + end))
      const rows = pool.tensor([batch])
      const states = this.states(embedded.tensor([kept.length, this.config.width]), batch, x => gatherRows(x, rows)) // [T, width]
      const normed = layerNorm(states, this.finalNorm.gamma, this.finalNorm.beta, this.config.eps)
      const [features] = await evaluate(device, [dense(normed, this.projection.w)])
      return features
    } finally {
      embedded.release()
      pool.release()
    }
  }

  /** Records: embedded tokens [T·length, width] -> states after the last block, of the rows that `keep` picks (all by default). */
  states(embedded: Tensor, batch: number, keep?: (x: Tensor) => Tensor): Tensor {
    const shape = { batch, tokens: embedded.shape[0] / batch, heads: this.config.heads, causal: true }
    return transformer(embedded, this.blocks, shape, keep)
  }

  /** Token plus position embeddings of ids [T, length]: [T·length, width]. */
  embed(ids: Uint32Array, length: number): Float32Array {
    const { width } = this.config
    const x = new Float32Array(ids.length * width)
    for (const [row, id] of ids.entries()) {
      const place = row % length
      for (let c = 0; c < width; c++) x[row * width + c] = this.tokenEmbedding[id * width + c] + this.positionEmbedding[place * width + c]
    }
    return x
  }
}
