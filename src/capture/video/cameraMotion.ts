/** Whether the camera of a video moves, and whether the room behind the person shows anything: both decide how poses can be found. */
import type { Image } from '../../io/imageCodec.ts'

export interface RoomView {
  /** Typical change of the pictures' upper border over time, bytes: sensor noise leaves 1 to 3, a hand-held camera 15 and more. */
  change: number
  /** Typical difference of neighbouring pixels there, bytes: a plain wall has 0.5 to 1.5. */
  texture: number
}

/** Below this change the camera stands still. */
const STANDS = 4
/** Below this texture the wall is plain. */
const PLAIN = 1.6
/** Shares of the picture that count as border: the person is in the middle and below. */
const [SIDE, TOP, DOWN_TO] = [0.15, 0.12, 0.55]

/** Looks at the borders of small pictures of one size, in order of time. */
export function viewRoom(images: readonly Image[]): RoomView {
  const { width, height, channels } = images[0]
  const change: number[] = []
  const texture: number[] = []
  for (let y = 1; y < Math.floor(DOWN_TO * height); y++) {
    for (let x = 1; x < width; x++) {
      const border = y < TOP * height || x < SIDE * width || x >= (1 - SIDE) * width
      if (!border) continue
      const at = (y * width + x) * channels
      const values = images.map(({ data }) => data[at + Math.min(1, channels - 1)]) // green carries most of the luma
      const middle = values.reduce((sum, value) => sum + value, 0) / values.length
      change.push(Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length))
      const { data } = images[0]
      texture.push((Math.abs(data[at + 1] - data[at + 1 - channels]) + Math.abs(data[at + 1] - data[at + 1 - width * channels])) / 2)
    }
  }
  const sorted = change.sort((a, b) => a - b)
  return { change: sorted[sorted.length >> 1] ?? 0, texture: texture.reduce((sum, value) => sum + value, 0) / Math.max(1, texture.length) }
}

export function cameraStands({ change }: RoomView): boolean {
  return change < STANDS
}

export function roomIsPlain({ texture }: RoomView): boolean {
  return texture < PLAIN
}
