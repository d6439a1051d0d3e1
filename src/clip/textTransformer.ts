/**
 * The text tower: pre-norm blocks over token embeddings, one token's state projected. CLIP's (Radford et al. 2021) are causal, SigLIP's (Zhai et al. 2023) see
 * all tokens, padding too.
 */
import { type Device, Storage } from '../tensor/device.ts'
import { gatherRows } from '../tensor/ops/gather.ts'
import { layerNorm } from '../tensor/ops/layerNorm.ts'
import { evaluate } from '../tensor/plan.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { ClipConfig, TextConfig } from './clipConfig.ts'
import { type ClipWeights, type LinearWeights, linear, type NormWeights, type RowTable } from './clipWeights.ts'
import { loadBlocks, type TransformerBlock, transformer } from './transformer.ts'

/** Tokenised texts, one row each: start token (CLIP), text, end token, padding. */
export interface TokenRows {
  /** [T, length] row-major. */
  readonly ids: Uint32Array
  readonly length: number
  /** Place of the token whose state is the text's: the first end token (CLIP), the last of the row (SigLIP). */
  readonly ends: readonly number[]
}

const TEXTS_AT_ONCE = 32

interface TextWeights {
  readonly tokenEmbedding: RowTable
  readonly positionEmbedding: Float32Array
  readonly blocks: readonly TransformerBlock[]
  readonly finalNorm: NormWeights
  readonly projection: LinearWeights
}

/** Loads the text tower. Rejects, naming the tensor, when a weight is missing or of another shape. */
export async function loadTextTransformer(weights: ClipWeights, { family, text, embeddingSize }: ClipConfig): Promise<TextTransformer> {
  const { width, vocabulary, context } = text
  const siglip = family === 'siglip'
  return new TextTransformer(weights.device, text, !siglip, {
    tokenEmbedding: await weights.table('text_model.embeddings.token_embedding.weight', vocabulary, width),
    // a copy: the numbers may be a view that would keep a whole file in memory
    positionEmbedding: (await weights.numbers('text_model.embeddings.position_embedding.weight', [context, width])).slice(),
    blocks: await loadBlocks(weights, 'text_model', text),
    finalNorm: await weights.norm('text_model.final_layer_norm', width),
    projection: siglip
      ? await weights.linear('text_model.head', width, embeddingSize)
      : await weights.linear('text_projection', width, embeddingSize, false),
  })
}

export class TextTransformer {
  constructor(
    private readonly device: Device,
    private readonly config: TextConfig,
    private readonly causal: boolean,
    private readonly weights: TextWeights,
  ) {}

  /** Features of the texts, not normalised: row-major [T, D]. Some texts at a time: eighty long ones would exceed a GPU's binding. */
  async features({ ids, length, ends }: TokenRows): Promise<Float32Array> {
    const parts: Float32Array[] = []
    for (let t = 0; t < ends.length; t += TEXTS_AT_ONCE) {
      const some = ends.slice(t, t + TEXTS_AT_ONCE)
      parts.push(await this.batchFeatures({ ids: ids.subarray(t * length, (t + some.length) * length), length, ends: some }))
    }
    const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
    for (const [i, part] of parts.entries()) all.set(part, i * parts[0].length)
    return all
  }

  private async batchFeatures({ ids, length, ends }: TokenRows): Promise<Float32Array> {
    const batch = ends.length
    // What follows CLIP's last end token cannot reach it through the causal mask, so it need not be computed; SigLIP's rows end with theirs.
    const used = Math.max(...ends) + 1
    const kept = new Uint32Array(batch * used)
    for (let t = 0; t < batch; t++) kept.set(ids.subarray(t * length, t * length + used), t * used)
    const { device } = this
    const { finalNorm, projection } = this.weights
    const embedded = new Storage(device, kept.length * this.config.width)
    const pool = new Storage(device, batch, 'u32')
    try {
      embedded.write(this.embed(kept, used))
      pool.write(Uint32Array.from(ends, (end, t) => t * used + end))
      const rows = pool.tensor([batch])
      const states = this.states(embedded.tensor([kept.length, this.config.width]), batch, x => gatherRows(x, rows)) // [T, width]
      const normed = layerNorm(states, finalNorm.gamma, finalNorm.beta, this.config.eps)
      const [features] = await evaluate(device, [linear(normed, projection)])
      return features
    } finally {
      embedded.release()
      pool.release()
    }
  }

  /** Records: embedded tokens [T·length, width] -> states after the last block, of the rows that `keep` picks (all by default). */
  states(embedded: Tensor, batch: number, keep?: (x: Tensor) => Tensor): Tensor {
    const shape = { batch, tokens: embedded.shape[0] / batch, heads: this.config.heads, causal: this.causal }
    return transformer(embedded, this.weights.blocks, shape, keep)
  }

  /** Token plus position embeddings of ids [T, length]: [T·length, width]. */
  embed(ids: Uint32Array, length: number): Float32Array {
    const { width } = this.config
    const { tokenEmbedding, positionEmbedding } = this.weights
    const x = new Float32Array(ids.length * width)
    for (const [row, id] of ids.entries()) {
      const token = tokenEmbedding(id)
      const place = (row % length) * width
      for (let c = 0; c < width; c++) x[row * width + c] = token[c] + positionEmbedding[place + c]
    }
    return x
  }
}
