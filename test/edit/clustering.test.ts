import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dbscan, densityClusters, distanceMatrix, kDistances, kMedoids, meanSilhouette, medoid } from '../../src/edit/clustering.ts'
import { HostRandom } from '../../src/tensor/hostRandom.ts'

/** `sizes[k]` points around (10 k, 0), at most 0.5 away, then points far from all. */
function clusters(sizes: readonly number[], stray: readonly (readonly [number, number])[] = []): Float32Array[] {
  const random = new HostRandom(7)
  const near = (): number => random.next() * 0.7 - 0.35
  const groups = sizes.flatMap((size, k) => Array.from({ length: size }, () => Float32Array.of(10 * k + near(), near())))
  return [...groups, ...stray.map(p => Float32Array.from(p))]
}

/** True label of each point of `clusters`. */
const truth = (sizes: readonly number[], stray = 0): number[] => [
  ...sizes.flatMap((size, k) => Array<number>(size).fill(k)),
  ...Array<number>(stray).fill(-1),
]

/** Labels renamed in order of appearance, noise left alone: equal partitions become equal lists. */
function canonical(labels: Iterable<number>): number[] {
  const names = new Map<number, number>()
  return Array.from(labels, label => {
    if (label < 0) return label
    const name = names.get(label) ?? names.size
    names.set(label, name)
    return name
  })
}

describe('distanceMatrix', () => {
  test('is Euclidean, symmetric and zero on the diagonal', () => {
    const d = distanceMatrix([Float32Array.of(0, 0), Float32Array.of(3, 4), Float32Array.of(0, 1)])
    expect([...d[0]]).toEqual([0, 5, 1])
    expect(d[1][2]).toBeCloseTo(Math.sqrt(18), 12)
    for (const i of [0, 1, 2]) for (const j of [0, 1, 2]) expect(d[i][j]).toBe(d[j][i])
  })
})

describe('dbscan and its radius', () => {
  test('finds held expressions and leaves the way between them out', () => {
    const sizes = [20, 8, 6]
    const distances = distanceMatrix(
      clusters(sizes, [
        [5, 3],
        [15, -3],
        [4, 8],
      ]),
    )
    const { eps, labels } = densityClusters(distances, 4)
    expect(eps).toBeLessThan(1)
    expect(canonical(labels)).toEqual(truth(sizes, 3))
  })

  test('an expression that varies ten times as much as another is no noise', () => {
    const tight = Array.from({ length: 20 }, (_, i) => Float32Array.of(0.01 * Math.cos(i), 0.01 * Math.sin(i)))
    const loose = Array.from({ length: 8 }, (_, i) => Float32Array.of(3 + 0.1 * Math.cos(i), 0.1 * Math.sin(i)))
    const { labels } = densityClusters(distanceMatrix([...tight, ...loose]), 4)
    expect(canonical(labels)).toEqual([...Array(20).fill(0), ...Array(8).fill(1)])
  })

  test('the k-distance curve by hand, ascending', () => {
    const distances = distanceMatrix([0, 1, 3, 7].map(x => Float32Array.of(x)))
    expect([...kDistances(distances, 1)]).toEqual([1, 1, 2, 4])
  })

  test('mean silhouette by hand, noise counting nothing', () => {
    // Two pairs at distance 1 inside and 10 or 11 between, and one vector of noise: (1 - 1/10.5) and (1 - 1/9.5) for each pair.
    const distances = distanceMatrix([0, 1, 10, 11, 50].map(x => Float32Array.of(x)))
    const expected = (2 * (1 - 1 / 10.5) + 2 * (1 - 1 / 9.5)) / 5
    expect(meanSilhouette(distances, Int32Array.of(0, 0, 1, 1, -1))).toBeCloseTo(expected, 12)
    expect(meanSilhouette(distances, new Int32Array(5))).toBeUndefined()
  })

  test('a chain of near neighbours is one cluster, whatever its length', () => {
    const distances = distanceMatrix(Array.from({ length: 30 }, (_, i) => Float32Array.of(i)))
    expect(new Set(dbscan(distances, 1, 3))).toEqual(new Set([0]))
  })

  test('vectors fewer than minPoints together are noise', () => {
    const distances = distanceMatrix(clusters([5, 3]))
    expect(canonical(dbscan(distances, 1, 4))).toEqual([0, 0, 0, 0, 0, -1, -1, -1])
  })

  test('equal vectors are one cluster, and no radius makes two of them', () => {
    const distances = distanceMatrix(Array.from({ length: 6 }, () => Float32Array.of(1, 2)))
    expect([...dbscan(distances, 0, 4)]).toEqual([0, 0, 0, 0, 0, 0])
    expect(() => densityClusters(distances, 4)).toThrow('no radius separates the vectors into two clusters')
  })
})

describe('kMedoids', () => {
  test('finds the clusters when told their number', () => {
    const sizes = [9, 5, 7, 4]
    expect(canonical(kMedoids(distanceMatrix(clusters(sizes)), 4))).toEqual(truth(sizes))
  })

  test('k = 1 is one cluster, k = n one each', () => {
    const distances = distanceMatrix(clusters([4, 3]))
    expect(new Set(kMedoids(distances, 1))).toEqual(new Set([0]))
    expect(new Set(kMedoids(distances, 7)).size).toBe(7)
  })

  test('refuses more clusters than vectors, fewer than one, and halves', () => {
    const distances = distanceMatrix(clusters([3]))
    expect(() => kMedoids(distances, 4)).toThrow('kMedoids: 4 clusters of 3 vectors; give a whole number from 1 to 3')
    for (const k of [0, -1, 1.5, Number.NaN]) expect(() => kMedoids(distances, k)).toThrow('kMedoids')
  })

  test('every cluster has members, even among equal vectors, and the same input gives the same labels', () => {
    const vectors = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(vectors, fc.nat(), (points, pick) => {
        const distances = distanceMatrix(points.map(p => Float32Array.from(p)))
        const k = 1 + (pick % points.length)
        const labels = kMedoids(distances, k)
        expect(new Set(labels)).toEqual(new Set(Array.from({ length: k }, (_, i) => i)))
        expect(kMedoids(distances, k)).toEqual(labels)
      }),
    )
  })
})

test('the medoid is the member in the middle', () => {
  const distances = distanceMatrix([0, 1, 2, 9, 100].map(v => Float32Array.of(v)))
  expect(medoid(distances, [0, 1, 2, 3])).toBe(1)
  expect(medoid(distances, [4])).toBe(4)
})
