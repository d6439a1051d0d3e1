/**
 * One latent code for the whole face, inverted to match the guidance (paper Eq. 12): the vanilla baseline of the compositor. Expressions that were
 * only ever seen together stay together, whatever the code: that is what the compositor is for.
 */
import { type CodeField, constantCode } from '../nerf/codeField.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { ParameterSet } from '../nn/parameters.ts'
import { compile } from '../tensor/plan.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { CodesAt, EditableCodes, SearchStep } from './editableCodes.ts'
import type { Guidance } from './guidance.ts'
import { judgedViews, renderSelected, type ViewCache } from './viewCache.ts'

/** Which networks see the code, and where it begins. */
export interface FreeCodeOptions {
  /** The networks that see the code; the other keeps w_R. 'H', the default, is what an edit may change; 'both' is what training did. */
  readonly into?: 'T' | 'H' | 'both'
  /** Codes [d_w] whose best, by the guidance, a search begins at; without, it begins where it is. */
  readonly starts?: readonly Float32Array[]
}

/** A code w [d_w] that an edit trains, the same at every point. The guidance has local minima: try each anchor as the start. */
export class FreeCode implements EditableCodes {
  /** Above the compositor's: codes are numbers of size about one, and Adam moves each by at most its rate in a step. */
  readonly rates = [6e-2, 6e-3] as const
  readonly parameters: ParameterSet
  readonly codes: CodeField
  readonly warp?: CodeField
  readonly into: 'T' | 'H' | 'both'
  private readonly starts: readonly Float32Array[]

  /** @param start [d_w], e.g. `scene.readCode(0)` or an anchor's. Throws when its size, or that of another start, is not the scene's code size. */
  constructor(
    readonly scene: SceneManipulator,
    start: Float32Array,
    { into = 'H', starts = [] }: FreeCodeOptions = {},
  ) {
    const { codeSize } = scene.config
    for (const { length } of [start, ...starts])
      if (length !== codeSize) throw new Error(`FreeCode: a start of ${length} numbers, the scene's codes have ${codeSize}; give one code`)
    this.into = into
    this.starts = starts
    this.parameters = new ParameterSet(scene.device, { code: { shape: [codeSize], init: () => start, group: 'code' } }, 0)
    const free = constantCode(this.parameters.get('code'))
    this.codes = into === 'T' ? scene.referenceField : free
    this.warp = into === 'H' ? undefined : free
  }

  at(x: Tensor): CodesAt {
    return { codes: this.codes(x), warp: this.warp?.constant }
  }

  /** Moves to the best of the starts it was given. */
  async *search(guidance: Guidance, views: ViewCache, { signal }: { signal?: AbortSignal }): AsyncGenerator<SearchStep> {
    if (this.starts.length === 0) return
    const before = await this.read()
    let best = { start: before, guidance: Number.POSITIVE_INFINITY }
    const { picture } = renderSelected(this.scene, views, x => ({ ...this.at(x), channels: undefined }))
    const guided = guidance.loss(picture, views.selected.reference)
    using plan = compile(this.scene.device, { outputs: [guided] })
    for (const [i, start] of this.starts.entries()) {
      this.parameters.flat.write(start)
      const total = await judgedViews(views, async () => {
        plan.run()
        return (await plan.read(guided))[0]
      })
      if (!Number.isFinite(total)) throw new Error(`edit: the loss is ${total} before the first step; check the scene and the guidance`)
      if (total < best.guidance) best = { start, guidance: total }
      if (signal?.aborted) break
      yield { tried: i + 1, most: this.starts.length, guidance: best.guidance }
    }
    this.parameters.flat.write(signal?.aborted ? before : best.start)
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
