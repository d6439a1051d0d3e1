import { describe, expect, test } from 'vitest'
import { regionTree } from '../../src/edit/regions.ts'

/** Four blobs at the corners of a face: eyes far above the mouth's corners, sides less far apart. */
const CORNERS = [
  [-0.2, 0.5, 0],
  [0.2, 0.5, 0],
  [-0.1, -0.5, 0],
  [0.1, -0.5, 0],
]
const points = Float32Array.from(CORNERS.flatMap(([x, y, z]) => [0, 1, 2, 3].flatMap(i => [x + 0.01 * i, y - 0.01 * i, z])))
const blobOf = (centre: readonly number[]): number => CORNERS.findIndex(corner => Math.hypot(...corner.map((v, axis) => v - centre[axis])) < 0.05)

describe('the region tree', () => {
  test('splits what lies farthest apart first, and numbers every region by its smallest ones', () => {
    const { centres, regions } = regionTree(points, new Float32Array(16).fill(1), 4)
    expect(centres.map(blobOf).sort()).toEqual([0, 1, 2, 3])
    const blobs = regions.map(r =>
      r
        .map(leaf => blobOf(centres[leaf]))
        .sort()
        .join(''),
    )
    expect(blobs.map(b => b.length)).toEqual([4, 2, 2, 1, 1, 1, 1])
    expect([...blobs].sort()).toEqual(['0', '01', '0123', '1', '2', '23', '3'])
  })

  test('looks only at points with weight, and their middle is weighted', () => {
    const weights = new Float32Array(16)
    weights.set([3, 1], 0)
    const { centres } = regionTree(points, weights, 1)
    expect(centres[0][0]).toBeCloseTo(-0.2 + 0.01 / 4, 6)
    expect(() => regionTree(points, new Float32Array(16), 4)).toThrow('none of 16 points has weight')
  })

  test('stops when nothing is left to split', () => {
    const { centres, regions } = regionTree(new Float32Array(9).fill(0.3), new Float32Array(3).fill(1), 4)
    expect(centres).toHaveLength(1)
    expect(regions).toEqual([[0]])
  })
})
