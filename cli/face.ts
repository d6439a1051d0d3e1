/** Which face a verb shows: unedited, an edit, a frame's, or one between two frames. */
import type { Command } from 'commander'
import { AnchorCompositor, blend, type CodeField, frameCode, loadEdit, type SceneManipulator } from 'faceclipnerf'
import { finiteNumber } from './options.ts'
import { readBytes } from './work.ts'

export interface FaceChoice {
  readonly edit?: string
  readonly strength?: number
  readonly frame?: string
  readonly from?: string
  readonly to?: string
  readonly at?: number
}

/** Codes for H, and for T where a recorded frame is to be reproduced, head pose and all. */
export interface Face {
  readonly codes: CodeField
  readonly warp?: CodeField
  /** Of an edit that mixes anchors. */
  readonly compositor?: AnchorCompositor
  /** Of an edit. */
  readonly prompt?: string
}

/** --edit, --strength and --frame. */
export function withFace(command: Command): Command {
  return command
    .option('--edit <file>', 'the face of this .edit')
    .option('--strength <s>', "strength of the edit, 0 is the unedited face (default: the edit file's)", finiteNumber)
    .option('--frame <id>', 'the face of this frame')
}

/** Throws for a choice that contradicts itself. */
export function checkFace(verb: string, { edit, strength, frame, from, to, at }: FaceChoice): void {
  const faces = [edit && '--edit', frame && '--frame', (from ?? to ?? at) !== undefined && '--from'].filter(Boolean)
  if (faces.length > 1) throw new Error(`${verb}: ${faces.join(' and ')} exclude each other; choose one face to show`)
  if (faces[0] === '--from' && (from === undefined || to === undefined || at === undefined))
    throw new Error(`${verb}: a face between two frames needs --from, --to and --at; give all three`)
  if (strength !== undefined && !edit) throw new Error(`${verb}: --strength without --edit; name the .edit file`)
}

/** The face of a choice. Throws for files and frames that are not there. */
export async function chosenFace(scene: SceneManipulator, { edit, strength, frame, from, to, at = 0 }: FaceChoice): Promise<Face> {
  if (edit) {
    const { field, description } = await loadEdit(scene, await readBytes(edit, 'make an edit with faceclipnerf edit'), edit)
    const compositor = field instanceof AnchorCompositor ? field : undefined
    return { codes: blend(scene.referenceField, field.codes, strength ?? description.strength), compositor, prompt: description.prompt }
  }
  if (frame !== undefined) {
    const codes = await frameCode(scene, frame)
    return { codes, warp: codes }
  }
  if (from !== undefined && to !== undefined) {
    const codes = blend(await frameCode(scene, from), await frameCode(scene, to), at)
    return { codes, warp: codes }
  }
  return { codes: scene.referenceField }
}
