import { describe, expect, test } from 'vitest'
import { convexHull, dilatedHull, faceMasks, type Point } from '../../src/eval/faceMask.ts'
import { cameraAt } from '../nerf/smallScene.ts'

const SQUARE: Point[] = [
  [20, 20],
  [60, 20],
  [60, 60],
  [20, 60],
]
const area = (mask: ArrayLike<number>): number => Array.from(mask).reduce((a, b) => a + b, 0)

describe('the convex hull', () => {
  test('has the corners only, whatever lies inside, on an edge or twice', () => {
    const hull = convexHull([[40, 40], [40, 20], ...SQUARE, [60, 60], [33, 52]])
    expect(hull.map(String).sort()).toEqual(SQUARE.map(String).sort())
  })

  test('refuses fewer than three points', () => {
    expect(() => convexHull(SQUARE.slice(0, 2))).toThrow('convexHull: 2 points have no area')
  })

  test('dilated by r covers area + perimeter · r + π r²: its corners are round', () => {
    const hull = convexHull(SQUARE)
    expect(area(dilatedHull(hull, 0, [80, 80]))).toBe(40 * 40)
    const r = 12
    expect(area(dilatedHull(hull, r, [80, 80])) / (40 * 40 + 160 * r + Math.PI * r * r)).toBeCloseTo(1, 2)
    const row = dilatedHull(hull, r, [80, 80]).slice(40 * 80, 41 * 80)
    expect([row.indexOf(1), row.lastIndexOf(1)]).toEqual([8, 71])
  })
})

describe('face masks', () => {
  const SIZE = 100
  const camera = cameraAt(0, SIZE)
  // One world unit is 48 px at the middle of the picture; +x is right, +y is up or down by the camera's up vector, all the same here.
  const grid = (dx: number): number[] => Array.from({ length: 68 }, (_, i) => [((i % 10) - 4.5) / 9 + dx, (Math.floor(i / 10) - 3) / 6, 0]).flat()
  const whole = new Float32Array(SIZE * SIZE).fill(1)
  const columns = (mask: Float32Array): [number, number] => {
    const seen = Array.from(mask.keys()).filter(i => mask[i] > 0)
    const xs = seen.map(i => i % SIZE)
    return [Math.min(...xs), Math.max(...xs)]
  }

  test('reach a twentieth of the width beyond the landmarks, and cover both sets of them', () => {
    const [left, right] = columns(faceMasks(camera, [grid(0)], whole).face)
    expect(right + 1 - left).toBeGreaterThan(48 * 1.1 - 2)
    expect(right + 1 - left).toBeLessThan(48 * 1.1 + 2)
    const both = columns(faceMasks(camera, [grid(0), grid(0.25)], whole).face)
    // A quarter unit more, and the margin of a hull a quarter wider.
    expect(both[1] - both[0] - (right - left)).toBeGreaterThan(10)
    expect(both[1] - both[0] - (right - left)).toBeLessThan(16)
  })

  test('have regions of their own landmarks, and count nobody else’s pixels', () => {
    const half = whole.map((_, i) => (i % SIZE < 50 ? 0.5 : 0))
    const { face, regions } = faceMasks(camera, [grid(0)], half)
    expect(Math.max(...face)).toBe(0.5)
    expect(columns(face)[1]).toBe(49)
    const { regions: all } = faceMasks(camera, [grid(0)], whole)
    for (const name of ['eyes', 'brows', 'mouth'] as const) {
      expect(area(all[name])).toBeGreaterThan(50)
      expect(area(all[name])).toBeLessThan(area(faceMasks(camera, [grid(0)], whole).face))
      expect(area(regions[name])).toBeLessThan(0.3 * area(all[name]))
    }
    const rows = (mask: Float32Array): number => area(mask.map((m, i) => m * Math.floor(i / SIZE))) / area(mask)
    // Landmarks 17–26 lie rows above 36–47 in the grid, and those above 48–67.
    const [brows, eyes, mouth] = [rows(all.brows), rows(all.eyes), rows(all.mouth)]
    expect(Math.sign(eyes - brows)).toBe(Math.sign(mouth - eyes))
  })
})
