/** What an edit trains: a code field with parameters. The edit loop never asks whether it is the compositor (Eq. 13) or one code (Eq. 12). */
import type { CodeField } from '../nerf/codeField.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import type { ParameterSet } from '../nn/parameters.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Guidance } from './guidance.ts'
import type { ViewCache } from './viewCache.ts'

/** A code field with parameters, which `edit` trains: the compositor (Eq. 13) or one free code (Eq. 12). */
export interface EditableCodes {
  readonly scene: SceneManipulator
  readonly parameters: ParameterSet
  /** What renders the edit. */
  readonly codes: CodeField
  /** T's codes, which renders it too; absent where T keeps w_R, as in every edit but the baselines that train T's code or weights. */
  readonly warp?: CodeField
  /** What it starts from and is guided beside, instead of the unedited face: the codes of an earlier edit. */
  readonly earlier?: CodeField
  /** Learning rates of an edit's first and last step, unless told otherwise. */
  readonly rates: readonly [number, number]
  /**
   * The same where a good start was found or taken over: Adam's first step moves every weight by its rate, and at `rates` it can throw away what a
   * search has found. Default `rates`.
   */
  readonly refiningRates?: readonly [number, number]
  /** The codes at points [Q, 3], in the recording of an edit step. */
  at(x: Tensor): CodesAt
  /** Moves to a good start for the guidance; absent when there is nothing to search. Ends early, and changes nothing, when the signal aborts. */
  search?(guidance: Guidance, views: ViewCache, options: { seed: number; signal?: AbortSignal }): AsyncGenerator<SearchStep>
  /** Gives its memory back; its fields must no longer be used. */
  release(): void
}

export interface CodesAt {
  /** H's, [Q, d_w] or [1, d_w] */
  readonly codes: Tensor
  /** T's, [Q, d_w] or [1, d_w]; absent where T keeps w_R, and what it did to the points is known already. */
  readonly warp?: Tensor
  /** Anchor composition ratios [Q, K], whose maps the total variation keeps smooth; absent when the codes are not mixed of anchors. */
  readonly ratios?: Tensor
}

export interface SearchStep {
  readonly tried: number
  /** Most starts that can come. */
  readonly most: number
  /** Guidance of the best so far, mean over the judged views. */
  readonly guidance: number
}
