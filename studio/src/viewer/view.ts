/** What the worker is to draw, from what the page shows. */
import type { Pose, View } from '../protocol/messages.ts'
import { faceOf } from './document.ts'
import { gridView } from './grid.ts'
import type { StudioState } from './state.ts'

/** @param pixels along the longer edge of the picture on the screen */
export function viewOf(state: StudioState, { pose, moving }: { readonly pose: Pose; readonly moving: boolean }, pixels: number): View {
  const { document: shown, mode, anchor, compare, job, preview, scene, truth, frame } = state
  // While an edit is computed it is what is looked at.
  const face = job?.edit?.progress ? { edit: job.edit.id } : (preview?.face ?? faceOf(shown, shown.shown))
  const view: View = { pose, moving: moving || preview?.moving === true, mode, anchor, face, pixels }
  const grid = gridView(state)
  if (grid) {
    const aspect = scene?.aspect ?? 1
    const rows = Math.ceil(grid.faces.length / grid.columns)
    return { ...view, grid, pixels: Math.round((pixels * Math.max(aspect, 1)) / Math.max(grid.columns * aspect, rows)) }
  }
  if (truth.on && !preview && scene?.hasTruth && frame !== undefined)
    return truth.recorded && mode !== 'acr' && !job?.edit?.progress ? { ...view, face: { frame } } : view
  const other = faceOf(shown, compare.withEdit)
  return compare.on && !preview && other.edit !== face.edit ? { ...view, compare: { face: other, split: compare.split } } : view
}
