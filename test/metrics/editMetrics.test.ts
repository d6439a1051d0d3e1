import { describe, expect, test } from 'vitest'
import type { Camera } from '../../src/camera/camera.ts'
import { imageRays } from '../../src/camera/rays.ts'
import { regionChange } from '../../src/metrics/change.ts'
import { type DepthView, reprojectionError } from '../../src/metrics/multiView.ts'
import { type RetrievedPicture, rPrecision } from '../../src/metrics/rPrecision.ts'
import { changeSimilarity, cosineSimilarity, directionalSimilarity } from '../../src/metrics/similarity.ts'
import { cameraAt } from '../nerf/smallScene.ts'

describe('R-precision', () => {
  const pictures = (sentence: number, ...scores: number[][]): RetrievedPicture[] => scores.map(each => ({ sentence, scores: each }))

  test('is 1 where every picture scores highest for its sentence, 0 where for the other', () => {
    const right = [...pictures(0, [0.9, 0.1], [0.8, 0.3]), ...pictures(1, [0.1, 0.9], [0.2, 0.7])]
    expect(rPrecision(right, 2)).toEqual({ mean: 1, perSentence: [1, 1] })
    expect(
      rPrecision(
        right.map(({ sentence, scores }) => ({ sentence: 1 - sentence, scores })),
        2,
      ).mean,
    ).toBe(0)
  })

  test('ranks over all pictures: one that is too sure of the wrong sentence takes a place', () => {
    const pool = [...pictures(0, [0.9, 0.1], [0.3, 0.1]), ...pictures(1, [0.5, 0.9], [0.1, 0.8])]
    expect(rPrecision(pool, 2).perSentence).toEqual([0.5, 1])
  })

  test('is chance for pictures that are all alike, whatever their order', () => {
    const alike = (order: number[]): number =>
      rPrecision(
        order.map(sentence => ({ sentence, scores: [0.2, 0.5, 0.3] })),
        3,
      ).mean
    expect(alike([0, 0, 1, 1, 2, 2])).toBeCloseTo(1 / 3, 12)
    expect(alike([2, 1, 0, 2, 1, 0])).toBeCloseTo(1 / 3, 12)
  })

  test('retrieves pictures without a face last', () => {
    const none = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
    const pool = [...pictures(0, [0.9, 0], none), ...pictures(1, [0.1, 0.9], [0, 0.5])]
    expect(rPrecision(pool, 2).perSentence).toEqual([0.5, 1])
    expect(rPrecision([...pictures(0, none, none), ...pictures(1, none, none)], 2).mean).toBe(0.5)
  })

  test('says what it cannot rank', () => {
    expect(() => rPrecision(pictures(0, [1]), 1)).toThrow('R-precision: 1 sentence; give pictures of at least two')
    expect(() => rPrecision(pictures(0, [1, 0]), 2)).toThrow('no picture of sentence 1')
    expect(() => rPrecision(pictures(0, [1, 0, 0]), 2)).toThrow('a picture with 3 scores for 2 sentences')
  })
})

describe('similarity', () => {
  test('is a cosine', () => {
    expect(cosineSimilarity([1, 2], [2, 4])).toBeCloseTo(1, 12)
    expect(cosineSimilarity([1, 0], [0, 3])).toBe(0)
    expect(() => cosineSimilarity([1, 0], [1])).toThrow('vectors of 2 and 1 numbers; compare features of one network')
    expect(() => cosineSimilarity([0, 0], [1, 0])).toThrow('zero or not finite')
  })

  test('of a change is 0 where nothing changed', () => {
    expect(directionalSimilarity([1, 1], [1, 3], [0, 1])).toBeCloseTo(1, 12)
    expect(directionalSimilarity([1, 1], [1, 3], [0, -1])).toBeCloseTo(-1, 12)
    expect(directionalSimilarity([1, 1], [1, 1], [0, 1])).toBe(0)
    expect(changeSimilarity([1, 0], [0, 0])).toBe(0)
    expect(() => changeSimilarity([0, 0], [0])).toThrow('vectors of 2 and 1 numbers')
    expect(() => changeSimilarity([Number.NaN, 0], [1, 0])).toThrow('zero or not finite')
  })
})

test('change inside and outside of a region', () => {
  const before = new Float32Array(12)
  const after = Float32Array.of(0.4, 0.4, 0.4, 0.1, 0.1, 0.1, 0, 0, 0, 0, 0, 0)
  const { inside, outside, ratio } = regionChange(before, after, [1, 0, 0, 0])
  expect(inside).toBeCloseTo(0.16, 6)
  expect(outside).toBeCloseTo(0.01 / 3, 6)
  expect(ratio).toBeCloseTo(0.01 / 3 / 0.16, 5)
  expect(regionChange(before, before, [1, 0, 0, 0])).toEqual({ inside: 0, outside: 0 })
  expect(() => regionChange(before, after, [0, 0, 0, 0])).toThrow('the mask is 0 everywhere')
})

describe('reprojection error', () => {
  /** A view of the plane z = 0, painted in smooth stripes, whose depths are off by a factor. */
  function planeView(camera: Camera, wrong = 1): DepthView {
    const { directions } = imageRays(camera)
    const [width, height] = camera.imageSize
    const rgb = new Float32Array(width * height * 3)
    const depth = new Float32Array(width * height)
    for (let i = 0; i < depth.length; i++) {
      const t = -camera.position[2] / directions[3 * i + 2]
      const x = camera.position[0] + t * directions[3 * i]
      depth[i] = wrong * t
      rgb.fill(0.5 + 0.5 * Math.sin(4 * x), 3 * i, 3 * i + 3)
    }
    return { camera, rgb, depth }
  }
  const [a, b] = [cameraAt(0.1, 64), cameraAt(0.17, 64)]

  test('is small for true depths of one surface, and grows as depths are wrong', () => {
    const right = reprojectionError(planeView(a), planeView(b))
    const wrong = reprojectionError(planeView(a, 1.3), planeView(b, 1.3))
    expect(right?.error).toBeLessThan(0.005)
    expect(right?.compared).toBeGreaterThan(0.8)
    expect(wrong?.error ?? 0).toBeGreaterThan(0.02)
  })

  test('looks only where it is told, and has nothing to say of views without a common surface', () => {
    const left = reprojectionError(planeView(a), planeView(b), ([x]) => x < 0)
    expect(left?.error).toBeLessThan(0.005)
    expect(reprojectionError(planeView(a), planeView(b, 2))).toBeUndefined()
  })
})
