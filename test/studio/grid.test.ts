/** Which faces stand side by side, how they are laid out, and what the worker is told. */
import { describe, expect, test } from 'vitest'
import { entryOf } from '../../studio/src/viewer/document.ts'
import { cellAt, gridAspect, gridCells, gridColumns } from '../../studio/src/viewer/grid.ts'
import { START, type StudioState } from '../../studio/src/viewer/state.ts'
import { viewOf } from '../../studio/src/viewer/view.ts'
import { inRows } from '../../studio/src/worker/heatMap.ts'
import { FRONTAL } from './frontalPose.ts'

const info = (prompt: string) => ({ prompt, strength: 1, anchors: [], shares: [], steps: 1 })
const edits = [1, 2, 3, 4, 5, 6, 7].map(id => entryOf(id, info(`edit ${id}`)))
const state = (change: Partial<StudioState> = {}): StudioState => ({
  ...START,
  document: { edits: edits.slice(0, 2), shown: 2 },
  grid: { on: true, columns: 3 },
  ...change,
})

describe('faces side by side', () => {
  test('are the unedited one, the newest edits and the chosen one', () => {
    expect(gridCells(state()).map(({ id }) => id)).toEqual([undefined, 1, 2])
    expect(gridCells(state({ document: { edits, shown: 7 } })).map(({ id }) => id)).toEqual([undefined, 3, 4, 5, 6, 7])
    expect(gridCells(state({ document: { edits, shown: 1 } })).map(({ id }) => id)).toEqual([undefined, 1, 4, 5, 6, 7])
  })

  test('are none without edits, without the grid, and where anchors are shown', () => {
    expect(gridCells(state({ document: { edits: [] } }))).toEqual([])
    expect(gridCells(state({ grid: { on: false, columns: 3 } }))).toEqual([])
    expect(gridCells(state({ mode: 'acr' }))).toEqual([])
  })

  test('have the edit that forms as the last, which is looked at as it is', () => {
    const progress = { id: 9, stage: 'search', step: 1, steps: 9, loss: 1, eta: 1 } as const
    const forming = state({ job: { id: 1, name: '', text: '', edit: { id: 9, prompt: 'new', progress, losses: [] } } })
    expect(gridCells(forming).at(-1)).toEqual({ id: 9, label: 'new', forming: true })
    expect(viewOf(forming, { pose: FRONTAL, moving: false }, 600).grid?.faces.at(-1)).toEqual({ edit: 9 })
  })

  test('are told to the worker with the pixels that each has, and no comparison beside them', () => {
    const view = viewOf(state({ compare: { on: true, split: 0.5 } }), { pose: FRONTAL, moving: false }, 900)
    expect(view.grid).toEqual({ faces: [{}, { edit: 1, strengths: [1] }, { edit: 2, strengths: [1] }], columns: 3 })
    expect([view.pixels, view.compare]).toEqual([300, undefined])
    const portrait = state({ scene: { aspect: 0.5 } as StudioState['scene'] })
    expect(viewOf(portrait, { pose: FRONTAL, moving: false }, 900).pixels).toBe(600)
  })

  test('stand in as many columns as make them largest', () => {
    expect([2, 3, 4, 6].map(count => gridColumns(count, 1, [900, 600]))).toEqual([2, 2, 2, 3])
    expect(gridColumns(3, 1, [1800, 500])).toBe(3)
    expect(gridColumns(4, 1, [370, 520])).toBe(2)
    expect(gridColumns(2, 1, [370, 720])).toBe(1)
    expect(gridAspect(5, 3, 0.8)).toBeCloseTo(1.2)
  })

  test('are met by a place in the picture, but not where the last row has ended', () => {
    expect(
      [
        [0.1, 0.1],
        [0.9, 0.1],
        [0.1, 0.9],
        [0.9, 0.9],
        [1.2, 0.5],
      ].map(([x, y]) => cellAt([x, y], 3, 2)),
    ).toEqual([0, 1, 2, undefined, undefined])
  })

  test('are one picture to keep', () => {
    const shade = (red: number) => ({ width: 1, height: 2, data: Uint8ClampedArray.of(red, 0, 0, 255, red + 1, 0, 0, 255) })
    const { width, height, data } = inRows([shade(10), shade(20), shade(30)], 2)
    expect([width, height, ...data.filter((_, i) => i % 4 === 0)]).toEqual([2, 4, 10, 20, 11, 21, 30, 0, 31, 0])
  })
})
