/** Several faces side by side: which of them, and how they stand in rows. */
import type { View } from '../protocol/messages.ts'
import { faceOf } from './document.ts'
import type { StudioState } from './state.ts'

/** Edits beside the unedited face, at most: each takes memory, and room on the screen. */
const MOST = 5

export interface Cell {
  /** Number of its edit; the unedited face has none. */
  readonly id: number | undefined
  readonly label: string
  /** Of an edit that is being computed, which cannot be chosen yet. */
  readonly forming?: boolean
}

type Shown = Pick<StudioState, 'document' | 'grid' | 'mode' | 'job' | 'preview'>

/** The cells that are shown: the unedited face, the newest edits and the chosen one, and what is forming; none where there is one face alone, or no grid. */
export function gridCells({ document: { edits, shown }, grid, mode, job, preview }: Shown): readonly Cell[] {
  if (!grid.on || mode === 'acr' || preview) return []
  const newest = edits.slice(-MOST)
  const chosen = edits.find(({ id }) => id === shown)
  const entries = chosen && !newest.includes(chosen) ? [chosen, ...newest.slice(1)] : newest
  const forming = job?.edit?.progress ? [{ id: job.edit.id, label: job.edit.prompt, forming: true }] : []
  const cells: Cell[] = [{ id: undefined, label: 'unedited' }, ...entries.map(({ id, prompt }) => ({ id, label: prompt })), ...forming]
  return cells.length > 1 ? cells : []
}

/** What the worker draws of it. */
export function gridView(state: Shown): View['grid'] {
  const cells = gridCells(state)
  if (cells.length === 0) return undefined
  const faces = cells.map(({ id, forming }) => (forming && id !== undefined ? { edit: id } : faceOf(state.document, id)))
  return { faces, columns: Math.min(state.grid.columns, cells.length) }
}

/** Columns with which cells of this shape (width over height) get largest in a room of this size. */
export function gridColumns(count: number, aspect: number, [width, height]: readonly [number, number]): number {
  const sizeOf = (columns: number): number => Math.min(width / (columns * aspect), height / Math.ceil(count / columns))
  const all = Array.from({ length: Math.max(1, count) }, (_, i) => i + 1)
  return all.reduce((best, columns) => (sizeOf(columns) > sizeOf(best) * 1.001 ? columns : best))
}

/** Width over height of all cells together. */
export const gridAspect = (count: number, columns: number, aspect: number): number => (aspect * columns) / Math.ceil(count / columns)

/** The cell at a place in the picture (shares of its width and height); undefined beside all. */
export function cellAt([x, y]: readonly [number, number], count: number, columns: number): number | undefined {
  if (!(x >= 0 && x < 1 && y >= 0 && y < 1)) return undefined
  const cell = Math.floor(y * Math.ceil(count / columns)) * columns + Math.floor(x * columns)
  return cell < count ? cell : undefined
}
