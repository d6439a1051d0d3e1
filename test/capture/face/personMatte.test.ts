import { describe, expect, it } from 'vitest'
import { boxBlur } from '../../../src/capture/face/boxBlur.ts'
import { enlargeMatte, personMattes } from '../../../src/capture/face/personMatte.ts'
import type { Image } from '../../../src/io/imageCodec.ts'
import { HostRandom } from '../../../src/tensor/hostRandom.ts'

const [WIDTH, HEIGHT] = [96, 96]

/** A drawn person: an oval head at (cx, 40) and shoulders below, before a room of another colour with some of the person's. */
function drawn(cx: number, seed: number): { image: Image; person: Uint8Array; landmarks: Float64Array } {
  const random = new HostRandom(seed, 1)
  const person = new Uint8Array(WIDTH * HEIGHT)
  const data = new Uint8Array(WIDTH * HEIGHT * 3)
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const i = y * WIDTH + x
      const head = ((x - cx) / 17) ** 2 + ((y - 40) / 24) ** 2 < 1
      const body = y > 66 && Math.abs(x - cx) < 14 + (y - 66)
      person[i] = head || body ? 1 : 0
      const color = head ? [200, 150, 130] : body ? [60, 70, 150] : [90, 120, 90]
      for (let c = 0; c < 3; c++) data[3 * i + c] = color[c] + 16 * (random.next() - 0.5)
    }
  }
  const landmarks = new Float64Array(136)
  const put = (from: number, to: number, x: number, y: number): void => {
    for (let i = from; i < to; i++) landmarks.set([x, y], 2 * i)
  }
  put(36, 42, cx - 6, 40)
  put(42, 48, cx + 6, 40)
  put(30, 31, cx, 48)
  put(8, 9, cx, 62)
  return { image: { width: WIDTH, height: HEIGHT, channels: 3, data }, person, landmarks }
}

function overlap(coverage: ArrayLike<number>, person: Uint8Array, half: number): number {
  let [both, either] = [0, 0]
  for (let i = 0; i < person.length; i++) {
    const found = coverage[i] > half
    if (found && person[i]) both++
    if (found || person[i]) either++
  }
  return both / either
}

describe('person mattes', () => {
  const frames = [44, 46, 48, 50, 52].map((cx, i) => drawn(cx, i))

  it.each([false, true])('cover a drawn person (camera stands: %s)', stands => {
    const mattes = personMattes(frames, { cameraStands: stands }) ?? []
    for (const [i, { person }] of frames.entries()) expect(overlap(mattes[i], person, 0.5)).toBeGreaterThan(0.9)
  })

  it('use the neighbours’ face where none was found, and know nothing where there is none at all', () => {
    const mattes = personMattes(frames.map(({ image, landmarks }, i) => (i === 2 ? { image } : { image, landmarks }))) ?? []
    expect(overlap(mattes[2], frames[2].person, 0.5)).toBeGreaterThan(0.85)
    expect(personMattes(frames.map(({ image }) => ({ image })))).toBeUndefined()
  })

  it('are enlarged along the edges of the picture', () => {
    const { image, person } = frames[0]
    const small = Float32Array.from({ length: 24 * 24 }, (_, i) => {
      const [x, y] = [(i % 24) * 4 + 2, Math.floor(i / 24) * 4 + 2]
      return person[y * WIDTH + x]
    })
    const large = enlargeMatte(small, [24, 24], image)
    expect([large.width, large.height, large.channels]).toEqual([WIDTH, HEIGHT, 1])
    expect(overlap(large.data, person, 127)).toBeGreaterThan(0.9)
  })
})

describe('boxBlur', () => {
  it('is the mean of the window, clipped at the borders', () => {
    const blurred = boxBlur(Float32Array.from([0, 3, 6, 9, 12, 15]), 3, 2, 1)
    expect([...blurred]).toEqual([6, 7.5, 9, 6, 7.5, 9])
  })
})
