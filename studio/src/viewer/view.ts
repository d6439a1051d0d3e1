/** What the worker is to draw, from what the page shows. */
import type { Pose, View } from '../protocol/messages.ts'
import { faceOf } from './document.ts'
import type { StudioState } from './state.ts'

/** @param pixels along the longer edge of the picture on the screen */
export function viewOf(
  { document: shown, mode, anchor, compare, job, preview }: StudioState,
  { pose, moving }: { readonly pose: Pose; readonly moving: boolean },
  pixels: number,
): View {
  // While an edit is computed it is what is looked at.
  const face = job?.edit?.progress ? { edit: job.edit.id } : (preview?.face ?? faceOf(shown, shown.shown))
  const view: View = { pose, moving: moving || preview?.moving === true, mode, anchor, face, pixels }
  const other = faceOf(shown, compare.withEdit)
  return compare.on && !preview && other.edit !== face.edit ? { ...view, compare: { face: other, split: compare.split } } : view
}
