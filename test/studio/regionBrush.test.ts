/** The brush without a page: strokes, what they cover, points that stay on the face, and the groups that become a region. */
import { describe, expect, test } from 'vitest'
import type { PaintedPoints, Pose, SceneInfo } from '../../studio/src/protocol/messages.ts'
import { type Stroke, strokeMask, strokeTest } from '../../studio/src/protocol/stroke.ts'
import { RegionBrush } from '../../studio/src/viewer/regionBrush.ts'
import { FRONTAL } from './frontalPose.ts'

const SCENE = { aspect: 1, halfView: [0.5, 0.5], center: [0.5, 0.5] } as unknown as SceneInfo

/** A brush whose strokes meet the plane z = 0, a point for each place of their path. */
function brushAt(pose: () => Pose = () => FRONTAL) {
  const problems: string[] = []
  const asked: Stroke[] = []
  const points = async (stroke: Stroke): Promise<PaintedPoints> => {
    asked.push(stroke)
    if (stroke.path.length > 3) throw new Error('the device is gone')
    const along = pose().orientation[2]
    return { points: Float32Array.from(stroke.path.flatMap(([x, y]) => [2 * x - 1, 2 * y - 1, 0])), along, spacing: 0.01 }
  }
  const brush = new RegionBrush({ scene: () => SCENE, pose, points, say: problem => problems.push(problem) })
  const stroke = async (...path: [number, number][]): Promise<void> => {
    brush.begin(path[0])
    for (const place of path.slice(1)) brush.move(place)
    await brush.end()
  }
  return { brush, stroke, problems, asked }
}

describe('a stroke', () => {
  test('covers what is within its radius of its path, round in a picture that is not square', () => {
    const covers = strokeTest(
      {
        path: [
          [0.2, 0.5],
          [0.8, 0.5],
        ],
        radius: 0.1,
      },
      2,
    )
    expect(covers([0.5, 0.69])).toBe(true)
    expect(covers([0.5, 0.71])).toBe(false)
    expect(covers([0.89, 0.5])).toBe(true)
    expect(covers([0.91, 0.5])).toBe(false)
    const mask = strokeMask({ path: [[0.5, 0.5]], radius: 0.25 }, 8, 4)
    expect(mask.join('')).toBe('00011000' + '00111100' + '00111100' + '00011000')
  })
})

describe('the brush', () => {
  test('marks points, erases those it meets again, undoes strokes and clears', async () => {
    const { brush, stroke, asked } = brushAt()
    await stroke([0.4, 0.5], [0.6, 0.5])
    await stroke([0.5, 0.3])
    expect(asked.map(({ path }) => path.length)).toEqual([2, 1])
    const numbers = (): number[] => brush.state().painted.map(({ points }) => points.length / 3)
    expect(numbers()).toEqual([2, 1])
    brush.setErases(true)
    await stroke([0.4, 0.5])
    expect(numbers()).toEqual([1, 1])
    brush.begin([0.9, 0.9], true)
    expect(brush.stroke?.erases).toBe(false)
    brush.drop()
    brush.undo()
    expect(numbers()).toEqual([2, 1])
    brush.clear()
    expect([numbers(), brush.state().canUndo]).toEqual([[], true])
    brush.undo()
    expect(numbers()).toEqual([2, 1])
    brush.reset()
    expect([numbers(), brush.state().canUndo]).toEqual([[], false])
  })

  test('keeps its size within bounds, and says what went wrong with a stroke', async () => {
    const { brush, stroke, problems } = brushAt()
    brush.setRadius(5)
    expect(brush.state().radius).toBe(0.2)
    brush.setRadius(0)
    expect(brush.state().radius).toBe(0.01)
    await stroke([0, 0], [0, 1], [1, 1], [1, 0])
    expect(problems).toEqual(['the device is gone'])
    expect([brush.state().waiting, brush.state().painted]).toEqual([[], []])
  })

  test('gives the strokes of one view together, and others apart', async () => {
    let pose = FRONTAL
    const { brush, stroke } = brushAt(() => pose)
    await stroke([0.5, 0.5])
    await stroke([0.6, 0.5])
    pose = { ...FRONTAL, orientation: [FRONTAL.orientation[2], FRONTAL.orientation[1], FRONTAL.orientation[0]] }
    await stroke([0.5, 0.6])
    expect(brush.regions().map(({ points }) => points.length / 3)).toEqual([2, 1])
  })
})
