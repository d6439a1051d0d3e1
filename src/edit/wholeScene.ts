/**
 * All weights of a scene as what an edit trains: the baseline NeRF+FT (paper §5), which fine-tunes the whole network by the CLIP loss. Nothing keeps what it
 * makes a face that was recorded; the anchors and H's codes play no part.
 */
import type { CodeField } from '../nerf/codeField.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import type { ParameterSet } from '../nn/parameters.ts'
import type { CodesAt, EditableCodes } from './editableCodes.ts'

/** T, H and F of a copy of a scene under w_R, on which the edit is rendered: the scene itself keeps its weights. */
export class WholeScene implements EditableCodes {
  /** Weights of all networks, the hash grid's among them: a fifth of what training begins with, and about what the authors' code edits with. */
  readonly rates = [1e-3, 1e-4] as const

  private constructor(readonly scene: SceneManipulator) {}

  static async of(scene: SceneManipulator): Promise<WholeScene> {
    return new WholeScene(await scene.copy())
  }

  get parameters(): ParameterSet {
    return this.scene.parameters
  }

  get codes(): CodeField {
    return this.scene.referenceField
  }

  /** w_R too, through weights of T that change. */
  get warp(): CodeField {
    return this.scene.referenceField
  }

  at(): CodesAt {
    const { constant } = this.scene.referenceField
    if (!constant) throw new Error('WholeScene: w_R is not the same everywhere')
    return { codes: constant, warp: constant }
  }

  release(): void {
    this.scene.release()
  }
}
