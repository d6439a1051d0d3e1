/**
 * The image tower (Dosovitskiy et al. 2021): patches through pre-norm blocks. CLIP (Radford et al. 2021) puts a class token before them and projects its state;
 * SigLIP (Zhai et al. 2023) pools all of them by attention.
 */
import { concat, sliceColumns } from '../tensor/ops/concat.ts'
import { add } from '../tensor/ops/elementwise.ts'
import { layerNorm } from '../tensor/ops/layerNorm.ts'
import { patchify } from '../tensor/ops/patchify.ts'
import { repeatAll } from '../tensor/ops/rows.ts'
import { reshape, showShape, type Tensor } from '../tensor/tensor.ts'
import { type AttentionPool, attentionPool, loadAttentionPool } from './attentionPool.ts'
import type { ClipConfig, VisionConfig } from './clipConfig.ts'
import { type ClipWeights, type LinearWeights, linear, type NormWeights, transposed } from './clipWeights.ts'
import type { Preprocessing } from './preprocessing.ts'
import { loadBlocks, type TransformerBlock, transformer, transformerBlock } from './transformer.ts'

interface VisionWeights {
  readonly patchEmbedding: LinearWeights
  readonly positions: Tensor
  readonly blocks: readonly TransformerBlock[]
  readonly postNorm: NormWeights
  readonly pooling: ClassToken | AttentionPool
}

/** CLIP's pooling. */
interface ClassToken {
  readonly classToken: Tensor
  /** Before the first block. */
  readonly preNorm: NormWeights
  readonly projection: LinearWeights
}

/** Whole patches along a side of the image. */
const patchesAcross = ({ imageSize, patch }: VisionConfig): number => Math.floor(imageSize / patch)

/**
 * Loads the image tower. @param normalisation mean and std of the pixels, worked into the patch embedding; without it the tower expects normalised pixels.
 * Rejects, naming the tensor, when a weight is missing or of another shape.
 */
export async function loadVisionTransformer(
  weights: ClipWeights,
  { family, vision, embeddingSize }: ClipConfig,
  normalisation?: Pick<Preprocessing, 'mean' | 'std'>,
): Promise<VisionTransformer> {
  const { width } = vision
  const siglip = family === 'siglip'
  return new VisionTransformer(vision, {
    patchEmbedding: await loadPatchEmbedding(weights, vision, siglip, normalisation),
    positions: await weights.leaf('vision_model.embeddings.position_embedding.weight', [patchesAcross(vision) ** 2 + (siglip ? 0 : 1), width]),
    blocks: await loadBlocks(weights, 'vision_model', vision),
    postNorm: await weights.norm('vision_model.post_layernorm', width),
    pooling: siglip ? await loadAttentionPool(weights, vision) : await loadClassToken(weights, width, embeddingSize),
  })
}

async function loadClassToken(weights: ClipWeights, width: number, embeddingSize: number): Promise<ClassToken> {
  return {
    classToken: await weights.leaf('vision_model.embeddings.class_embedding', [width]),
    // the misspelt name is the one in every published file
    preNorm: await weights.norm('vision_model.pre_layrnorm', width),
    projection: await weights.linear('visual_projection', width, embeddingSize, false),
  }
}

export class VisionTransformer {
  private readonly tokens: number

  constructor(
    private readonly config: VisionConfig,
    private readonly weights: VisionWeights,
  ) {
    this.tokens = weights.positions.shape[0]
  }

  /** Records: pixels [B, S, S, 3] -> features [B, D], not normalised. Throws for another image size. */
  features(pixels: Tensor): Tensor {
    const { width, eps } = this.config
    const { blocks, postNorm, pooling } = this.weights
    const batch = pixels.shape[0]
    const run = (keep?: (x: Tensor) => Tensor): Tensor =>
      layerNorm(transformer(this.embed(pixels), blocks, this.shapeOf(batch), keep), postNorm.gamma, postNorm.beta, eps)
    if ('query' in pooling) return attentionPool(run(), batch, pooling)
    return linear(
      run(x => sliceColumns(reshape(x, [batch, this.tokens * width]), 0, width)), // the class tokens' states [B, width]
      pooling.projection,
    )
  }

  /** Records the token states [B·T, width] before the first block and after each (transformers' hidden_states). */
  hiddenStates(pixels: Tensor): Tensor[] {
    const states = [this.embed(pixels)]
    for (const block of this.weights.blocks) states.push(transformerBlock(states[states.length - 1], block, this.shapeOf(pixels.shape[0])))
    return states
  }

  private shapeOf(batch: number) {
    return { batch, tokens: this.tokens, heads: this.config.heads, causal: false }
  }

  /** Pixels [B, S, S, 3] -> the tokens with their positions [B·T, width]: CLIP's class token comes first, and a norm follows. */
  private embed(pixels: Tensor): Tensor {
    const { width, imageSize: side, patch, eps } = this.config
    const [batch, height, across, channels] = pixels.shape
    if (pixels.shape.length !== 4 || height !== side || across !== side || channels !== 3)
      throw new Error(`visionTransformer: pixels ${showShape(pixels.shape)} are not [B, ${side}, ${side}, 3]; use encodeImage, which resizes`)
    const { patchEmbedding, positions, pooling } = this.weights
    const patches = linear(patchify(cropped(pixels, patchesAcross(this.config) * patch), patch), patchEmbedding) // [B·n, width]
    const places = repeat(positions, batch)
    if ('query' in pooling) return add(patches, places)
    const { classToken, preNorm } = pooling
    const classTokens = repeat(reshape(classToken, [1, width]), batch) // [B, width]
    const tokens = concat([classTokens, reshape(patches, [batch, (this.tokens - 1) * width])]) // [B, T·width]
    return layerNorm(add(reshape(tokens, [batch * this.tokens, width]), places), preNorm.gamma, preNorm.beta, eps)
  }
}

const repeat = (x: Tensor, times: number): Tensor => (times === 1 ? x : repeatAll(x, times))

/** Pixels [B, S, S, 3] -> the square [B, side, side, 3] at their upper left corner. */
function cropped(pixels: Tensor, side: number): Tensor {
  const [batch, height, width, channels] = pixels.shape
  if (height === side) return pixels
  const narrow = sliceColumns(reshape(pixels, [batch * height, width * channels]), 0, side * channels) // [B·S, side·3]
  const rows = sliceColumns(reshape(narrow, [batch, height * side * channels]), 0, side * side * channels)
  return reshape(rows, [batch, side, side, channels])
}

/** W·(x − mean)/std + b = (W/std)·x + (b − Σ W·mean/std): the normalisation costs nothing, and neither does its gradient. CLIP has no b. */
async function loadPatchEmbedding(
  weights: ClipWeights,
  { width, patch }: VisionConfig,
  hasBias: boolean,
  { mean, std }: Pick<Preprocessing, 'mean' | 'std'> = { mean: [0, 0, 0], std: [1, 1, 1] },
): Promise<LinearWeights> {
  const at = 'vision_model.embeddings.patch_embedding'
  const w = await weights.numbers(`${at}.weight`, [width, 3, patch, patch])
  const area = patch * patch
  const scaled = new Float32Array(w.length)
  const bias = Float64Array.from(hasBias ? await weights.numbers(`${at}.bias`, [width]) : new Float32Array(width))
  for (let i = 0; i < w.length; i++) {
    const channel = Math.floor(i / area) % 3
    scaled[i] = w[i] / std[channel]
    bias[Math.floor(i / (3 * area))] -= (w[i] * mean[channel]) / std[channel]
  }
  return { w: weights.upload(transposed(scaled, width), [3 * area, width]), b: weights.upload(Float32Array.from(bias), [width]) }
}
