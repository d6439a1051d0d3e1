/** Strengths for any edit: one per anchor where it mixes the scene's anchors alone, else one for all of it. */
import { AnchorCompositor, adjustableCodes, type CodeField, codeMixture, FreeCode, type SceneManipulator } from 'faceclipnerf'

export type Field = AnchorCompositor | FreeCode

export interface Adjustable extends Disposable {
  readonly codes: CodeField
  /** How many strengths it has. */
  readonly count: number
  setStrengths(strengths: readonly number[]): void
}

export async function adjust(scene: SceneManipulator, field: Field): Promise<Adjustable> {
  if (field instanceof FreeCode) return Object.assign(await adjustableCodes(scene, await field.read()), { count: 1 })
  if (!field.base) return Object.assign(await adjustableCodes(scene, field.anchors.codes, field.ratios), { count: field.anchors.indices.length })
  // What it builds on has a share of its own, whose code differs from point to point.
  const mixture = codeMixture(scene, [scene.referenceField, field.codes])
  const setStrengths = ([s]: readonly number[]): void => mixture.setWeights([1 - s, s])
  setStrengths([1])
  return { codes: mixture.codes, count: 1, setStrengths, [Symbol.dispose]: () => mixture[Symbol.dispose]() }
}

/** Frames of the anchors that have strengths of their own, neutral first. */
export const adjustedAnchors = (field: Field): readonly string[] => (field instanceof AnchorCompositor && !field.base ? field.anchors.frames : [])
