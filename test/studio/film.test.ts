/** Films without a page: keyframes and their times, what is seen between them, and the same film out of its file. */
import { describe, expect, test } from 'vitest'
import type { Pose } from '../../studio/src/protocol/messages.ts'
import type { EditEntry, FaceDocument } from '../../studio/src/viewer/document.ts'
import {
  type Film,
  type FilmFace,
  frameCount,
  keyframeAt,
  NO_FILM,
  withContent,
  withFps,
  withKeyframe,
  withLoop,
  withoutKeyframe,
  withSeconds,
  withTime,
} from '../../studio/src/viewer/film.ts'
import { contentOf, faceNow, faceTrouble, filmFrames, filmOf, filmPoses, shownFace } from '../../studio/src/viewer/filmPath.ts'

const LENS = { halfView: [0.5, 0.5] as const }
const poseAt = (x: number, zoom = 1): Pose => ({
  position: [x, 0, -1],
  orientation: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  zoom,
})
const entry = (id: number, prompt: string): EditEntry => ({
  id,
  prompt,
  strength: 1,
  gains: [1, 1],
  anchors: ['a', 'b'],
  shares: ['a', 'b'],
  losses: [],
})
const faces: FaceDocument = { edits: [entry(1, 'a surprised face'), entry(2, 'Closed eyes!'), entry(3, 'closed eyes')] }
const edited = (edit: number, strength = 1, gains = [1, 1]): FilmFace => ({ kind: 'edit', edit, strength, gains })

/** A film of a keyframe per pose, added one after the other. */
function filmFrom(...contents: readonly { x: number; face?: FilmFace }[]): Film {
  return contents.reduce((film, { x, face }) => withKeyframe(film, { pose: poseAt(x), face }, film.seconds).film, NO_FILM)
}
const timesOf = (film: Film): number[] => film.keyframes.map(key => key.time)

describe('keyframes', () => {
  test('come one after the other, or where the playhead stands between two', () => {
    const film = filmFrom({ x: 0 }, { x: 1 }, { x: 2 })
    expect([timesOf(film), film.seconds]).toEqual([[0, 2, 4], 4])
    const { film: four, id } = withKeyframe(film, { pose: poseAt(9) }, 0.76)
    expect(timesOf(four)).toEqual([0, 0.75, 2, 4])
    expect(keyframeAt(four, 0.76)?.id).toBe(id)
    // on a keyframe: behind the last
    expect(timesOf(withKeyframe(film, { pose: poseAt(9) }, 2).film)).toEqual([0, 2, 4, 6])
  })

  test('move to whole pictures that are free; the first stays, the order follows, the film grows', () => {
    const film = filmFrom({ x: 0 }, { x: 1 }, { x: 2 })
    const [first, second, third] = film.keyframes
    expect(withTime(film, first.id, 1)).toBe(film)
    expect(timesOf(withTime(film, second.id, 0))).toEqual([0, 1 / 24, 4])
    expect(timesOf(withTime(film, second.id, 4))).toEqual([0, 4, 4 + 1 / 24])
    const swapped = withTime(film, third.id, 1.01)
    expect(swapped.keyframes.map(key => key.id)).toEqual([first.id, third.id, second.id])
    expect(withTime(film, third.id, 7).seconds).toBe(7)
    expect(withTime(film, third.id, Number.NaN)).toBe(film)
  })

  test('after the first is removed the next begins the film, with a camera', () => {
    const film = filmFrom({ x: 0 }, { x: 1 }, { x: 2 })
    const blind = withContent(film, film.keyframes[1].id, { pose: undefined })
    const left = withoutKeyframe(blind, film.keyframes[0].id)
    expect(timesOf(left)).toEqual([0, 4])
    expect(left.keyframes[0].pose).toEqual(poseAt(0))
    expect(withoutKeyframe(filmFrom({ x: 0 }), 1).keyframes).toEqual([])
  })

  test('length stretches, loops take time for their way back, rates stay in bounds', () => {
    const film = filmFrom({ x: 0 }, { x: 1 })
    expect(timesOf(withSeconds(film, 5))).toEqual([0, 5])
    expect(withSeconds(film, Number.NaN)).toBe(film)
    const loop = withLoop(film, true)
    expect([loop.seconds, timesOf(loop)]).toEqual([4, [0, 2]])
    expect(withLoop(loop, false).seconds).toBe(2)
    expect(timesOf(withKeyframe(loop, { pose: poseAt(3) }, 0).film)).toEqual([0, 2, 4])
    expect(withKeyframe(loop, { pose: poseAt(3) }, 0).film.seconds).toBe(6)
    expect(withFps(film, 1000).fps).toBe(60)
    expect(frameCount(withFps(film, 10))).toBe(20)
  })
})

describe('between keyframes', () => {
  test('cameras pass through their keyframes, lens and all, and a loop comes back', () => {
    const zoomed = withContent(filmFrom({ x: 0 }, { x: 1 }, { x: 2 }), 3, { pose: poseAt(2, 2) })
    const [start, middle, end] = filmPoses(zoomed, [0, 2, 4], LENS)
    expect([start.position[0], middle.position[0], end.position[0]]).toEqual([0, 1, 2])
    expect([start.zoom, end.zoom].map(zoom => Number(zoom.toFixed(6)))).toEqual([1, 2])
    const [again] = filmPoses(withLoop(zoomed, true), [6], LENS)
    expect(again.position[0]).toBeCloseTo(0, 10)
    expect(filmPoses(NO_FILM, [0], LENS)).toEqual([])
  })

  test('one edit gets stronger, two pass into each other, a keyframe without a face is in between', () => {
    const film = filmFrom({ x: 0, face: { kind: 'unedited' } }, { x: 1 }, { x: 2, face: edited(1, 0.8, [1, 0.5]) })
    expect(shownFace(faceNow(film, 0, faces))).toEqual({})
    expect(shownFace(faceNow(film, 2, faces))).toEqual({ edit: 1, strengths: [0.4, 0.2] })
    expect(shownFace(faceNow(film, 9, faces))).toEqual({ edit: 1, strengths: [0.8, 0.4] })
    const stronger = filmFrom({ x: 0, face: edited(1, 0.5) }, { x: 1, face: edited(1, 1.5, [1, 0]) })
    const [neutral, other] = shownFace(faceNow(stronger, 1, faces)).strengths ?? []
    expect([neutral, other]).toEqual([1, 0.25])
    const passing = filmFrom({ x: 0, face: edited(1) }, { x: 1, face: edited(2, 0.5) })
    expect(shownFace(faceNow(passing, 0.5, faces))).toEqual({
      edit: 1,
      strengths: [1, 1],
      toward: { face: { edit: 2, strengths: [0.5, 0.5] }, share: 0.25 },
    })
    expect(shownFace(faceNow(withLoop(passing, true), 3, faces)).toward?.share).toBe(0.5)
  })

  test('every picture has its camera and its face; removed edits are unedited and said', () => {
    const film = withFps(filmFrom({ x: 0, face: edited(1) }, { x: 1, face: edited(7) }), 5)
    const frames = filmFrames(film, LENS, faces)
    expect(frames).toHaveLength(10)
    expect(frames[5].pose.position[0]).toBeCloseTo(0.5, 10)
    expect(frames[5].face).toEqual({ edit: 1, strengths: [0.5, 0.5] })
    expect(film.keyframes.map(key => faceTrouble(key, faces))).toEqual([
      undefined,
      'Its edit was removed: undo brings it back, or choose another face.',
    ])
  })
})

describe('files', () => {
  test('a film comes back from what its file has: times, cameras, faces by the names of their files', () => {
    const film = withLoop(filmFrom({ x: 0, face: edited(1, 0.5) }, { x: 1 }, { x: 2, face: edited(3, 1, [1, 0.2]) }), true)
    const content = contentOf(film, faces)
    expect(content.expressions).toEqual([
      { time: 0, edit: 'a-surprised-face.edit', strength: 0.5 },
      { time: 4, edit: 'closed-eyes-2.edit', strength: 1, gains: [1, 0.2] },
      { time: 6, edit: 'a-surprised-face.edit', strength: 0.5 },
    ])
    const back = filmOf(content, faces)
    expect(back.keyframes.map(({ time, pose, face }) => ({ time, pose, face }))).toEqual(
      film.keyframes.map(({ time, pose, face }) => ({ time, pose, face })),
    )
    expect([back.seconds, back.closed, back.fps]).toEqual([6, true, 24])
  })

  test('faces between cameras are keyframes of their own, and edits that are not open are kept and said', () => {
    const content = {
      cameras: [0, 2].map(time => ({ time, pose: poseAt(time) })),
      expressions: [
        { time: 1, edit: 'out/closed-eyes.edit', strength: 0.7 },
        { time: 2, edit: 'grin.edit' },
        { time: 3, frame: '000004' },
      ],
      seconds: 2,
      fps: 10,
      closed: false,
      tension: 0.5,
      side: 256,
    }
    const film = filmOf(content, faces)
    expect(film.keyframes.map(({ time, pose, face }) => [time, pose !== undefined, face?.kind])).toEqual([
      [0, true, undefined],
      [1, false, 'edit'],
      [2, true, 'absent'],
      [3, false, 'absent'],
    ])
    expect(film.seconds).toBe(3)
    expect(faceTrouble(film.keyframes[2], faces)).toContain('“grin.edit”, which is not open')
    expect(faceTrouble(film.keyframes[3], faces)).toContain('frame 000004')
    expect(contentOf(film, faces).expressions[1]).toEqual({ time: 2, edit: 'grin.edit' })
  })
})
