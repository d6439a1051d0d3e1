/** The codes of faces: the unedited one's, an edit's at its strengths, and those of one edit that passes into another. */
import { type CodeField, type CodeMixture, codeMixture, type SceneManipulator } from 'faceclipnerf'
import type { Face } from '../protocol/messages.ts'
import { type Adjustable, adjust } from './adjust.ts'
import type { Session } from './session.ts'

/** Which recorded plan draws a face: those that differ in strengths alone share one. */
export const shapeOf = ({ edit, toward }: Face): string => `${edit ?? 'unedited'}${toward ? `>${toward.face.edit ?? 'unedited'}` : ''}`

export class FaceCodes implements Disposable {
  private readonly mixtures = new Map<string, CodeMixture>()

  constructor(
    private readonly scene: SceneManipulator,
    private readonly adjustableOf: (edit: number) => Adjustable,
    /** Adjustables that go with this. */
    private readonly owned: Iterable<Adjustable> = [],
  ) {}

  /** The codes of a face, at its strengths until others are set. */
  of(face: Face): CodeField {
    const from = this.alone(face)
    if (!face.toward) return from
    const to = this.alone(face.toward.face)
    const key = shapeOf(face)
    const mixture = this.mixtures.get(key) ?? codeMixture(this.scene, [from, to])
    this.mixtures.set(key, mixture)
    mixture.setWeights([1 - face.toward.share, face.toward.share])
    return mixture.codes
  }

  private alone({ edit, strengths }: Omit<Face, 'toward'>): CodeField {
    if (edit === undefined) return this.scene.referenceField
    const adjustable = this.adjustableOf(edit)
    adjustable.setStrengths(strengths ?? new Array(adjustable.count).fill(1))
    return adjustable.codes
  }

  [Symbol.dispose](): void {
    for (const mixture of this.mixtures.values()) mixture[Symbol.dispose]()
    for (const adjustable of this.owned) adjustable[Symbol.dispose]()
    this.mixtures.clear()
  }
}

/** Codes of these faces with strengths of their own: the viewport's may change meanwhile. Throws for an edit that is not there. */
export async function ownFaceCodes(session: Session, faces: Iterable<Face>): Promise<FaceCodes> {
  const made = new Map<number, Adjustable>()
  for (const { edit, toward } of faces)
    for (const id of [edit, toward?.face.edit])
      if (id !== undefined && !made.has(id)) made.set(id, await adjust(session.scene, session.edit(id).field))
  const adjustableOf = (id: number): Adjustable => {
    const adjustable = made.get(id)
    if (!adjustable) throw new Error(`no edit ${id} among the faces of this work; make it again`)
    return adjustable
  }
  return new FaceCodes(session.scene, adjustableOf, made.values())
}
