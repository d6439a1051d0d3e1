/** What an edit is steered by: a loss on the picture of one view. */
import { directionalLoss, absoluteLoss } from '../clip/losses.ts'
import { FACE_TEMPLATES, fillTemplates, NEUTRAL_PROMPT } from '../clip/prompts.ts'
import type { TextImageEncoder } from '../clip/textImageEncoder.ts'
import { evaluate } from '../tensor/plan.ts'
import { tensor } from '../tensor/device.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Image(s) -> scalar loss. `reference` describes the unedited picture of the same view once, before the edit begins. */
export interface Guidance {
  readonly name: string
  readonly featureSize: number
  /** Pictures [B, H, W, 3] -> features [B, featureSize] kept of the unedited views. */
  describe(pictures: Tensor): Tensor
  /** Loss [] of an edited picture [1, H, W, 3] beside its unedited features [1, featureSize]. */
  loss(picture: Tensor, reference: Tensor): Tensor
}
