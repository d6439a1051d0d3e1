import { expect, test } from 'vitest'
import { withoutFrames } from '../../src/capture/withoutFrames.ts'
import { smallCapture } from '../nerf/smallScene.ts'

const capture = smallCapture() // training frames train0 … train4, and val2

test('frames go, codes close up, and a held-out view keeps its instant', () => {
  const { frames, codeCount } = withoutFrames(capture, ['train0', 'train3'])
  expect(frames.map(({ id, code }) => [id, code])).toEqual([
    ['train1', 0],
    ['train2', 1],
    ['train4', 2],
    ['val2', 1],
  ])
  expect(codeCount).toBe(3)
  expect(capture.frames.length).toBe(6)
})

test('a held-out view whose instant went takes the nearest that stayed; held-out views can go too', () => {
  expect(withoutFrames(capture, ['train1', 'train2']).frames.find(({ id }) => id === 'val2')?.code).toBe(1)
  expect(withoutFrames(capture, ['val2']).codeCount).toBe(5)
})

test('an unknown id and a capture with nothing left are refused', () => {
  expect(() => withoutFrames(capture, ['nobody'])).toThrow('disc: no frame "nobody" to leave out; check its id')
  const all = capture.frames.filter(({ split }) => split === 'train').map(({ id }) => id)
  expect(() => withoutFrames(capture, all)).toThrow('disc: no picture is left to learn from; keep some of its training frames')
})
