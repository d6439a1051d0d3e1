/** CLIP's image tower (Radford et al. 2021; Dosovitskiy et al. 2021): patches and a class token through pre-norm blocks, the class token projected. */
import { tensor } from '../tensor/device.ts'
import { concat, sliceColumns } from '../tensor/ops/concat.ts'
import { dense } from '../tensor/ops/dense.ts'
import { add } from '../tensor/ops/elementwise.ts'
import { layerNorm } from '../tensor/ops/layerNorm.ts'
import { patchify } from '../tensor/ops/patchify.ts'
import { repeatAll } from '../tensor/ops/rows.ts'
import { reshape, showShape, type Tensor } from '../tensor/tensor.ts'
import type { ClipConfig, Preprocessing, VisionConfig } from './clipConfig.ts'
import { type ClipWeights, type LinearWeights, type NormWeights, transposed } from './clipWeights.ts'
import { loadBlocks, type TransformerBlock, transformer, transformerBlock } from './transformer.ts'

export class VisionTransformer {
  private readonly patchEmbedding: LinearWeights
  private readonly classToken: Tensor
  private readonly positions: Tensor
  private readonly preNorm: NormWeights
  private readonly blocks: readonly TransformerBlock[]
  private readonly postNorm: NormWeights
  private readonly projection: LinearWeights
  private readonly config: VisionConfig
  /** Patches per image. */
  private readonly patches: number

  /**
   * @param normalisation mean and std of the pixels, worked into the patch embedding; without it the tower expects normalised pixels.
   * Throws, naming the tensor, when a weight is missing or of another shape.
   */
  constructor(weights: ClipWeights, { vision, embeddingSize }: ClipConfig, normalisation?: Pick<Preprocessing, 'mean' | 'std'>) {
    const { width, imageSize, patch } = vision
    this.config = vision
    this.patches = (imageSize / patch) ** 2
    this.patchEmbedding = foldNormalisation(weights, vision, normalisation)
    this.classToken = weights.leaf('vision_model.embeddings.class_embedding', [width])
    this.positions = weights.leaf('vision_model.embeddings.position_embedding.weight', [this.patches + 1, width])
    // the misspelt name is the one in every published file
    this.preNorm = weights.norm('vision_model.pre_layrnorm', width)
    this.blocks = loadBlocks(weights, 'vision_model', vision)
    this.postNorm = weights.norm('vision_model.post_layernorm', width)
    this.projection = weights.linear('visual_projection', width, embeddingSize, false)
  }

  /** Records: pixels [B, S, S, 3] -> features [B, D], not normalised. Throws for another image size. */
  features(pixels: Tensor): Tensor {
    const { width, eps } = this.config
    const batch = pixels.shape[0]
    const tokens = this.patches + 1
    const classRows = (x: Tensor): Tensor => sliceColumns(reshape(x, [batch, tokens * width]), 0, width) // [B, width]
    const x = transformer(this.embed(pixels), this.blocks, this.shapeOf(batch), classRows)
    return dense(layerNorm(x, this.postNorm.gamma, this.postNorm.beta, eps), this.projection.w)
  }

  /** Records the token states [B·T, width] before the first block and after each (transformers' hidden_states). */
  hiddenStates(pixels: Tensor): Tensor[] {
    const states = [this.embed(pixels)]
    for (const block of this.blocks) states.push(transformerBlock(states[states.length - 1], block, this.shapeOf(pixels.shape[0])))
    return states
  }

  private shapeOf(batch: number) {
    return { batch, tokens: this.patches + 1, heads: this.config.heads, causal: false }
  }

  /** Pixels [B, S, S, 3] -> class token and patches with their positions, after the first norm [B·T, width]. */
  private embed(pixels: Tensor): Tensor {
    const { width, imageSize: side, patch, eps } = this.config
    const [batch, height, across, channels] = pixels.shape
    if (pixels.shape.length !== 4 || height !== side || across !== side || channels !== 3)
      throw new Error(`visionTransformer: pixels ${showShape(pixels.shape)} are not [B, ${side}, ${side}, 3]; use encodeImage, which resizes`)
    const patches = dense(patchify(pixels, patch), this.patchEmbedding.w, this.patchEmbedding.b) // [B·n, width]
    const classTokens = repeat(reshape(this.classToken, [1, width]), batch) // [B, width]
    const tokens = concat([classTokens, reshape(patches, [batch, this.patches * width])]) // [B, T·width]
    const x = add(reshape(tokens, [batch * (this.patches + 1), width]), repeat(this.positions, batch))
    return layerNorm(x, this.preNorm.gamma, this.preNorm.beta, eps)
  }
}

const repeat = (x: Tensor, times: number): Tensor => (times === 1 ? x : repeatAll(x, times))

/** W·(x − mean)/std = (W/std)·x − Σ W·mean/std: the normalisation costs nothing, and neither does its gradient. */
function foldNormalisation(
  weights: ClipWeights,
  { width, patch }: VisionConfig,
  { mean, std }: Pick<Preprocessing, 'mean' | 'std'> = { mean: [0, 0, 0], std: [1, 1, 1] },
): LinearWeights {
  const w = weights.numbers('vision_model.embeddings.patch_embedding.weight', [width, 3, patch, patch])
  const area = patch * patch
  const scaled = new Float32Array(w.length)
  const bias = new Float64Array(width)
  for (let i = 0; i < w.length; i++) {
    const channel = Math.floor(i / area) % 3
    scaled[i] = w[i] / std[channel]
    bias[Math.floor(i / (3 * area))] -= (w[i] * mean[channel]) / std[channel]
  }
  const { device } = weights
  return { w: tensor(device, transposed(scaled, width), [3 * area, width]), b: tensor(device, Float32Array.from(bias), [width]) }
}
