/**
 * One latent code for the whole face, inverted to match the guidance (paper Eq. 12): the vanilla baseline of the compositor. Expressions that were
 * only ever seen together stay together, whatever the code: that is what the compositor is for.
 */
import { type CodeField, constantCode } from '../nerf/codeField.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { ParameterSet } from '../nn/parameters.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { CodesAt, EditableCodes } from './editableCodes.ts'

/** A code w [d_w] that an edit trains, the same at every point. The guidance has local minima: try each anchor as the start. */
export class FreeCode implements EditableCodes {
  /** Above the compositor's: codes are numbers of size about one, and Adam moves each by at most its rate in a step. */
  readonly rates = [6e-2, 6e-3] as const
  readonly parameters: ParameterSet
  readonly codes: CodeField

  /** @param start [d_w], e.g. `scene.readCode(0)` or an anchor's. Throws when its size is not the scene's code size. */
  constructor(
    readonly scene: SceneManipulator,
    start: Float32Array,
  ) {
    const { codeSize } = scene.config
    if (start.length !== codeSize) throw new Error(`FreeCode: a start of ${start.length} numbers, the scene's codes have ${codeSize}; give one code`)
    this.parameters = new ParameterSet(scene.device, { code: { shape: [codeSize], init: () => start, group: 'code' } }, 0)
    this.codes = constantCode(this.parameters.get('code'))
  }

  at(x: Tensor): CodesAt {
    return { codes: this.codes(x) }
  }

  /** A copy of w, [d_w]. */
  async read(): Promise<Float32Array> {
    return (await this.parameters.flat.read()).slice(0, this.scene.config.codeSize)
  }

  /** Gives its memory back; its code field must no longer be used. */
  release(): void {
    this.parameters.release()
  }
}
