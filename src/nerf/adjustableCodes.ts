/**
 * An edit with sliders: a table of codes [K, d_w], each shown at a strength of its own, which may change between pictures without recording anew.
 * A strength s moves a code along (1 − s)·w_R + s·w_k. Ratios α that sum to 1 keep one strength for all the same as `blend` with it.
 */
import { Storage } from '../tensor/device.ts'
import { dense } from '../tensor/ops/dense.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type CodeField, constantCode } from './codeField.ts'
import type { SceneManipulator } from './sceneManipulator.ts'

/** Codes with a strength each. */
export interface AdjustableCodes extends Disposable {
  /** What renders it. */
  readonly codes: CodeField
  /** One strength per code of the table: 0 is w_R, 1 the code itself, more exaggerates. Throws for another count or a value that is not finite. */
  setStrengths(strengths: readonly number[]): void
}

/**
 * Codes whose strengths may change between pictures, all at 1 to begin with. Throws for a table that is not whole codes, and for several without ratios.
 * @param table codes [K · d_w], e.g. `anchors.codes` of an edit
 * @param ratios how points [Q, 3] mix them, [Q, K], e.g. `compositor.ratios`; absent when the table is one code for all points
 */
export async function adjustableCodes(scene: SceneManipulator, table: Float32Array, ratios?: (x: Tensor) => Tensor): Promise<AdjustableCodes> {
  const { codeSize } = scene.config
  const K = table.length / codeSize
  if (!Number.isInteger(K) || K < 1 || (K > 1 && !ratios))
    throw new Error(
      `adjustableCodes: ${table.length} numbers for codes of ${codeSize}${ratios ? '' : ' and no ratios to mix several'}; give whole codes`,
    )
  const reference = await scene.readCode(scene.referenceCode)
  const storage = new Storage(scene.device, table.length)
  storage.write(table)
  const mixed: CodeField = ratios ? x => dense(ratios(x), storage.tensor([K, codeSize])) : constantCode(storage.tensor([codeSize]))
  return {
    codes: mixed,
    setStrengths(strengths) {
      if (strengths.length !== K || !strengths.every(Number.isFinite))
        throw new Error(`setStrengths: [${strengths.join(', ')}] for ${K} codes; give one finite number each, usually 0..1`)
      storage.write(
        table.map((value, i) => {
          const w = reference[i % codeSize]
          return w + strengths[Math.floor(i / codeSize)] * (value - w)
        }),
      )
    },
    [Symbol.dispose]: () => storage.release(),
  }
}
