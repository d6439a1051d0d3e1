import { describe, expect, it } from 'vitest'
import { cameraStands, roomIsPlain, viewRoom } from '../../../src/capture/video/cameraMotion.ts'
import type { VideoFrame } from '../../../src/capture/video/frames.ts'
import { type FrameRecord, markBlurred, selectFrames } from '../../../src/capture/video/selectFrames.ts'
import { brightness, sharpness } from '../../../src/capture/video/sharpness.ts'
import type { Image } from '../../../src/io/imageCodec.ts'
import { HostRandom } from '../../../src/tensor/hostRandom.ts'

/** Stripes of `contrast`, 16 x 16. */
function stripes(contrast: number): Image {
  const data = Uint8Array.from({ length: 256 * 3 }, (_, i) => 128 + (Math.floor(i / 3) % 2 === 0 ? contrast : -contrast))
  return { width: 16, height: 16, channels: 3, data }
}

async function* video(times: readonly number[], contrast: (i: number) => number): AsyncGenerator<VideoFrame> {
  for (const [index, time] of times.entries()) yield { index, time, image: stripes(contrast(index)) }
}

describe('sharpness', () => {
  it('is the variance of the Laplacian: stripes of ±c have 4c at every pixel, of either sign', () => {
    expect(sharpness(stripes(10))).toBeCloseTo((4 * 10) ** 2, 3)
    expect(sharpness(stripes(0))).toBe(0)
    expect(brightness(stripes(0))).toBeCloseTo(128 / 255, 6)
  })
})

describe('selectFrames', () => {
  it('keeps the sharpest of each stretch of time, also where the frame rate varies', async () => {
    const times = [0, 1, 2, 3, 4, 4.5, 5, 5.5, 6, 7, 8, 9, 10]
    const records: FrameRecord[] = []
    const kept: number[] = []
    const chosen = selectFrames(
      video(times, i => 10 + ((i * 7) % 5)),
      { count: 5, from: 0, to: 10 },
      records,
    )
    for await (const { record } of chosen) kept.push(record.index)
    // stretches [0, 2) [2, 4) [4, 6) [6, 8) [8, 10]: frames 0-1, 2-3, 4-7, 8-9, 10-12
    expect(kept).toEqual([1, 2, 7, 9, 12])
    expect(records).toHaveLength(13)
    expect(records.filter(record => record.dropped === undefined).map(record => record.index)).toEqual(kept)
  })

  it('marks frames that are much less sharp than their neighbours, but never most of them', () => {
    const record = (index: number, value: number): FrameRecord => ({ index, time: index, sharpness: value, brightness: 0.5 })
    const records = Array.from({ length: 20 }, (_, i) => record(i, i === 7 ? 10 : 100))
    expect(markBlurred(records).map(({ index }) => index)).toEqual([7])
    expect(records[7].dropped).toBe('blurred')
    expect(markBlurred(Array.from({ length: 20 }, (_, i) => record(i, 100 / (i + 1))))).toEqual([])
  })
})

describe('the camera', () => {
  const noise = (seed: number, amplitude: number, shift: number): Image => {
    const random = new HostRandom(seed, 1)
    const data = Uint8Array.from(
      { length: 64 * 48 * 3 },
      (_, i) => 128 + 60 * Math.sin((Math.floor(i / 3) % 64) * 0.7 + shift) + amplitude * (random.next() - 0.5),
    )
    return { width: 64, height: 48, channels: 3, data }
  }

  it('stands where only noise changes, and moves where the room shifts', () => {
    expect(cameraStands(viewRoom([0, 1, 2, 3].map(i => noise(i, 4, 0))))).toBe(true)
    expect(cameraStands(viewRoom([0, 1, 2, 3].map(i => noise(i, 4, i))))).toBe(false)
  })

  it('sees a plain wall', () => {
    const wall: Image = { width: 64, height: 48, channels: 3, data: new Uint8Array(64 * 48 * 3).fill(200) }
    expect(roomIsPlain(viewRoom([wall, wall]))).toBe(true)
    expect(roomIsPlain(viewRoom([noise(0, 0, 0), noise(1, 0, 1)]))).toBe(false)
  })
})
