import { describe, expect, test } from 'vitest'
import { project } from '../../src/camera/rays.ts'
import { PRESETS } from '../../src/nerf/presets.ts'
import { type RayBatch, type RayOptions, rayBatches } from '../../src/nerf/rayBatches.ts'
import { intoSpace, spaceOf } from '../../src/nerf/space.ts'
import { SIZE, smallCapture } from './smallScene.ts'

const capture = smallCapture()
const space = spaceOf(
  capture.frames.map(f => f.camera),
  capture.near,
  capture.far,
)
const copy = (batch: RayBatch): RayBatch => structuredClone(batch)
const train = capture.frames.filter(f => f.split === 'train')

/** What the tests do not look at is as in the preset. */
const OPTIONS: RayOptions = { ...PRESETS.tiny.training, rays: 500, seed: 3 }

describe('a batch', () => {
  const batch = copy(rayBatches(capture, space, OPTIONS).draw(7))

  test('depends on seed and step alone', () => {
    const again = rayBatches(smallCapture(), space, OPTIONS)
    again.draw(100)
    expect(again.draw(7)).toEqual(batch)
    expect(copy(again.draw(8))).not.toEqual(batch)
    expect(rayBatches(capture, space, { ...OPTIONS, seed: 4 }).draw(7)).not.toEqual(batch)
  })

  test('rays leave a training camera in space units with length 1, and carry its code and the colour of their pixel', () => {
    for (let r = 0; r < OPTIONS.rays; r++) {
      const direction = batch.directions.subarray(3 * r, 3 * r + 3)
      expect(Math.hypot(...direction)).toBeCloseTo(1, 5)
      const frame = train[batch.codes[r]]
      const camera = intoSpace(frame.camera, space)
      const origin = [...batch.origins.subarray(3 * r, 3 * r + 3)]
      for (const axis of [0, 1, 2]) expect(origin[axis]).toBeCloseTo(camera.position[axis], 5)
      const [u, v] = project(
        camera,
        origin.map((o, axis) => o + 2 * direction[axis]),
      )
      expect(u - 0.5).toBeCloseTo(Math.round(u - 0.5), 3)
      const pixel = Math.round(v - 0.5) * SIZE + Math.round(u - 0.5)
      expect([...batch.colors.subarray(3 * r, 3 * r + 3)]).toEqual([...frame.image.subarray(3 * pixel, 3 * pixel + 3)])
    }
  })

  test('all training frames take part, validation frames do not', () => {
    expect(new Set(batch.codes)).toEqual(new Set(train.map(f => f.code)))
  })
})

/** Share of rays that show the disc: only the disc is that red. */
const person = ({ colors }: RayBatch): number => colors.filter((v, i) => i % 3 === 0 && v > 0.5).length / (colors.length / 3)

describe('rays go', () => {
  test('where the person is', () => {
    const shares = [1, 0.3, 0.01].map(roomShare => person(rayBatches(capture, space, { ...OPTIONS, rays: 3000, roomShare }).draw(0)))
    expect(shares[1]).toBeGreaterThan(shares[0] + 0.05)
    expect(shares[2]).toBeGreaterThan(shares[1] + 0.05)
  })

  test('everywhere without masks', () => {
    const bare = { ...capture, frames: capture.frames.map(({ mask: _, ...rest }) => rest) }
    expect(person(rayBatches(bare, space, { ...OPTIONS, roomShare: 0 }).draw(0))).toBeLessThan(1)
  })

  test('where the last pictures were wrong, yet not only there', () => {
    const batches = rayBatches(capture, space, { ...OPTIONS, rays: 3000 })
    const shareOf = (code: number, step: number): number => batches.draw(step).codes.filter(c => c === code).length / 3000
    const before = shareOf(3, 0)
    for (let step = 1; step < 6; step++) batches.observe(Float32Array.from(batches.draw(step).codes, code => (code === 3 ? 1 : 0)))
    const after = shareOf(3, 6)
    expect(after).toBeGreaterThan(2 * before)
    expect(after).toBeLessThan(0.99)
  })
})

test('an interrupted run goes on with its errors; those of another capture are refused', () => {
  const batches = rayBatches(capture, space, OPTIONS)
  const { codes } = batches.draw(0)
  batches.observe(Float32Array.from(codes, code => 0.1 * code))
  const errors = batches.errors.slice()
  const next = copy(batches.draw(1))
  expect(rayBatches(capture, space, { ...OPTIONS, errors }).draw(1)).toEqual(next)
  expect(rayBatches(capture, space, OPTIONS).draw(1)).not.toEqual(next)
  expect(() => rayBatches(smallCapture(6), space, { ...OPTIONS, errors })).toThrow('blocks of pixels, the capture has')
})
