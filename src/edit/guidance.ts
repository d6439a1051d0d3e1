/** What an edit is steered by: a loss on the picture of one view. */
import { absoluteLoss, directionalLoss } from '../clip/losses.ts'
import { promptEmbedding, type TemplateOptions, textDirection } from '../clip/prompts.ts'
import type { TextImageEncoder } from '../clip/textImageEncoder.ts'
import { add } from '../tensor/ops/elementwise.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Picture -> scalar loss. `describe` says once per view what the loss will want to know of it: of the unedited picture, or what the view should show. */
export interface Guidance {
  readonly name: string
  /** Length of what `describe` returns per picture. */
  readonly featureSize: number
  /**
   * Unedited pictures [B, H, W, 3], sRGB 0..1, of the edit's views with numbers `views` (u32, [B]) -> [B, featureSize]. An edit also gives the surface that
   * their pixels show, [B · H · W, 3] in space units.
   */
  describe(pictures: Tensor, views: Tensor, surface?: Tensor): Tensor
  /** Loss [] of edited pictures [B, H, W, 3] beside the features [B, featureSize] of the same views. */
  loss(pictures: Tensor, reference: Tensor): Tensor
  /** Draws what is random about the loss for a step of the descent; absent where nothing is. */
  prepare?(step: number, seed: number): void
}

/** How pictures are compared with words. */
export interface TextGuidanceOptions extends TemplateOptions {
  /**
   * 'directional': the picture changes as the words do (the authors' code). 'absolute': the picture matches the words (paper Eq. 14). 'both', the
   * default, adds them: a change in the right direction alone is content with half of "closed eyes and opened mouth".
   */
  readonly kind?: 'directional' | 'absolute' | 'both'
  /**
   * As the authors' code: image features as the tower gives them and the words' mean or difference as it is, neither brought to unit norm. With
   * kind 'directional', templates 'imagenet' and an encoder loaded with renderResize 'coded' it is their loss. Default false.
   */
  readonly coded?: boolean
}

/** Guidance by a sentence. Rejects for an empty prompt. */
export async function textGuidance(
  encoder: TextImageEncoder,
  prompt: string,
  { kind = 'both', templates, coded = false }: TextGuidanceOptions = {},
): Promise<Guidance> {
  const name = `${kind}${coded ? ' (as coded)' : ''} "${prompt}"`
  const featureSize = encoder.embeddingSize
  const describe = (pictures: Tensor): Tensor => (coded ? encoder.imageFeatures(pictures) : encoder.encodeImage(pictures))
  const text = kind === 'directional' ? undefined : await promptEmbedding(encoder, prompt, { templates })
  const direction = kind === 'absolute' ? undefined : await textDirection(encoder, prompt, undefined, { templates })
  const loss = (pictures: Tensor, reference: Tensor): Tensor => {
    const features = describe(pictures)
    const terms = [text && absoluteLoss(features, text, { coded }), direction && directionalLoss(features, reference, direction, { coded })]
    return terms.filter(term => term !== undefined).reduce(add)
  }
  return { name, featureSize, describe, loss }
}
