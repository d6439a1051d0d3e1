/** Recorded pictures without a page: where they are right, the cameras they go along, and the one look that is on. */
import { expect, test } from 'vitest'
import type { FrameInfo, SceneInfo } from '../../studio/src/protocol/messages.ts'
import { entryOf } from '../../studio/src/viewer/document.ts'
import { withLook } from '../../studio/src/viewer/looks.ts'
import { START, type StudioState } from '../../studio/src/viewer/state.ts'
import { frameAfter, NO_TRUTH, standsAt } from '../../studio/src/viewer/truth.ts'
import { viewOf } from '../../studio/src/viewer/view.ts'
import { FRONTAL } from './frontalPose.ts'

const frames = ['a', 'b', 'c'].map((id): FrameInfo => ({ id, split: 'train', pose: FRONTAL }))

test('a camera stands at a frame only as exactly as a pixel', () => {
  expect(standsAt({ ...FRONTAL, position: [0, 0.001, -2] }, frames[0])).toBe(true)
  expect(standsAt({ ...FRONTAL, position: [0, 0.01, -2] }, frames[0])).toBe(false)
  expect(standsAt({ ...FRONTAL, zoom: 1.1 }, frames[0])).toBe(false)
  const [c, s] = [Math.cos(0.01), Math.sin(0.01)]
  expect(
    standsAt(
      {
        ...FRONTAL,
        orientation: [
          [c, s, 0],
          [-s, c, 0],
          [0, 0, 1],
        ],
      },
      frames[0],
    ),
  ).toBe(false)
})

test('frames are gone along one by one, to the first and to the last', () => {
  const after = (from: string | undefined, by: number): string => frameAfter({ frames } as unknown as SceneInfo, from, by).id
  expect([after(undefined, 1), after('a', 1), after('c', 1), after('a', -1), after('b', Number.POSITIVE_INFINITY)]).toEqual(['a', 'b', 'c', 'a', 'c'])
})

test('before and after, side by side and the recorded picture take turns', () => {
  const compared = { ...START, ...withLook(START, { compare: { on: true } }) }
  const grid = { ...compared, ...withLook(compared, { grid: { on: true } }) }
  expect([grid.compare.on, grid.grid.on]).toEqual([false, true])
  const truth = { ...grid, ...withLook(grid, { truth: { on: true } }) }
  expect([truth.grid.on, truth.truth.on]).toEqual([false, true])
  const shared = withLook(truth, { truth: { share: 0.2 } })
  expect(shared.truth).toEqual({ ...NO_TRUTH, on: true, share: 0.2 })
})

test('the worker draws the frame as it was recorded, unless an edit forms, or the chosen face is wanted', () => {
  const scene = { hasTruth: true, frames, aspect: 1 } as unknown as SceneInfo
  const info = { prompt: 'e', strength: 1, anchors: [], shares: [], steps: 1 }
  const state: StudioState = { ...START, scene, frame: 'b', truth: { ...NO_TRUTH, on: true }, document: { edits: [entryOf(4, info)], shown: 4 } }
  const face = (change: Partial<StudioState>) => viewOf({ ...state, ...change }, { pose: FRONTAL, moving: false }, 100).face
  expect(face({})).toEqual({ frame: 'b' })
  expect(face({ truth: { ...state.truth, recorded: false } })).toEqual({ edit: 4, strengths: [1] })
  expect(face({ scene: { ...scene, hasTruth: false } })).toEqual({ edit: 4, strengths: [1] })
  const progress = { id: 9, stage: 'search', step: 1, steps: 9, loss: 1, eta: 1 } as const
  expect(face({ job: { id: 1, name: '', text: '', edit: { id: 9, prompt: 'new', progress, losses: [] } } })).toEqual({ edit: 9 })
})
