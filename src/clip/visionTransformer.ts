/** CLIP's image tower (Radford et al. 2021; Dosovitskiy et al. 2021): patches and a class token through pre-norm blocks, the class token projected. */
import { concat, sliceColumns } from '../tensor/ops/concat.ts'
import { add } from '../tensor/ops/elementwise.ts'
import { layerNorm } from '../tensor/ops/layerNorm.ts'
import { patchify } from '../tensor/ops/patchify.ts'
import { repeatAll } from '../tensor/ops/rows.ts'
import { reshape, showShape, type Tensor } from '../tensor/tensor.ts'
import type { ClipConfig, Preprocessing, VisionConfig } from './clipConfig.ts'
import { type ClipWeights, type LinearWeights, linear, type NormWeights, transposed } from './clipWeights.ts'
import { loadBlocks, type TransformerBlock, transformer, transformerBlock } from './transformer.ts'

interface VisionWeights {
  readonly patchEmbedding: LinearWeights
  readonly classToken: Tensor
  readonly positions: Tensor
  readonly preNorm: NormWeights
  readonly blocks: readonly TransformerBlock[]
  readonly postNorm: NormWeights
  readonly projection: LinearWeights
}

/** Patches per image. */
const patchesOf = ({ imageSize, patch }: VisionConfig): number => (imageSize / patch) ** 2

/**
 * Loads the image tower. @param normalisation mean and std of the pixels, worked into the patch embedding; without it the tower expects normalised pixels.
 * Rejects, naming the tensor, when a weight is missing or of another shape.
 */
export async function loadVisionTransformer(
  weights: ClipWeights,
  { vision, embeddingSize }: ClipConfig,
  normalisation?: Pick<Preprocessing, 'mean' | 'std'>,
): Promise<VisionTransformer> {
  const { width } = vision
  return new VisionTransformer(vision, {
    patchEmbedding: await foldNormalisation(weights, vision, normalisation),
    classToken: await weights.leaf('vision_model.embeddings.class_embedding', [width]),
    positions: await weights.leaf('vision_model.embeddings.position_embedding.weight', [patchesOf(vision) + 1, width]),
    // the misspelt name is the one in every published file
    preNorm: await weights.norm('vision_model.pre_layrnorm', width),
    blocks: await loadBlocks(weights, 'vision_model', vision),
    postNorm: await weights.norm('vision_model.post_layernorm', width),
    projection: await weights.linear('visual_projection', width, embeddingSize, false),
  })
}

export class VisionTransformer {
  private readonly patches: number

  constructor(
    private readonly config: VisionConfig,
    private readonly weights: VisionWeights,
  ) {
    this.patches = patchesOf(config)
  }

  /** Records: pixels [B, S, S, 3] -> features [B, D], not normalised. Throws for another image size. */
  features(pixels: Tensor): Tensor {
    const { width, eps } = this.config
    const { blocks, postNorm, projection } = this.weights
    const batch = pixels.shape[0]
    const tokens = this.patches + 1
    const classRows = (x: Tensor): Tensor => sliceColumns(reshape(x, [batch, tokens * width]), 0, width) // [B, width]
    const x = transformer(this.embed(pixels), blocks, this.shapeOf(batch), classRows)
    return linear(layerNorm(x, postNorm.gamma, postNorm.beta, eps), projection)
  }

  /** Records the token states [B·T, width] before the first block and after each (transformers' hidden_states). */
  hiddenStates(pixels: Tensor): Tensor[] {
    const states = [this.embed(pixels)]
    for (const block of this.weights.blocks) states.push(transformerBlock(states[states.length - 1], block, this.shapeOf(pixels.shape[0])))
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
    const { patchEmbedding, classToken, positions, preNorm } = this.weights
    const patches = linear(patchify(pixels, patch), patchEmbedding) // [B·n, width]
    const classTokens = repeat(reshape(classToken, [1, width]), batch) // [B, width]
    const tokens = concat([classTokens, reshape(patches, [batch, this.patches * width])]) // [B, T·width]
    const x = add(reshape(tokens, [batch * (this.patches + 1), width]), repeat(positions, batch))
    return layerNorm(x, preNorm.gamma, preNorm.beta, eps)
  }
}

const repeat = (x: Tensor, times: number): Tensor => (times === 1 ? x : repeatAll(x, times))

/** W·(x − mean)/std = (W/std)·x − Σ W·mean/std: the normalisation costs nothing, and neither does its gradient. */
async function foldNormalisation(
  weights: ClipWeights,
  { width, patch }: VisionConfig,
  { mean, std }: Pick<Preprocessing, 'mean' | 'std'> = { mean: [0, 0, 0], std: [1, 1, 1] },
): Promise<LinearWeights> {
  const w = await weights.numbers('vision_model.embeddings.patch_embedding.weight', [width, 3, patch, patch])
  const area = patch * patch
  const scaled = new Float32Array(w.length)
  const bias = new Float64Array(width)
  for (let i = 0; i < w.length; i++) {
    const channel = Math.floor(i / area) % 3
    scaled[i] = w[i] / std[channel]
    bias[Math.floor(i / (3 * area))] -= (w[i] * mean[channel]) / std[channel]
  }
  return { w: weights.upload(transposed(scaled, width), [3 * area, width]), b: weights.upload(Float32Array.from(bias), [width]) }
}
