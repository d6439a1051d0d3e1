/** Random views, lights and rooms. */
import { add, cross, type Matrix3, multiply, normalize, type Vector3 } from '../../src/camera/vector.ts'
import type { HostRandom } from '../../src/tensor/hostRandom.ts'
import { mixed, type Rgb, randomColor, within } from './random.ts'

/** Pictures are this many pixels wide and high. */
export const SIZE = 112

/** From where and in what light; the same for all expressions of one sitting. */
export interface Sitting {
  /** Rows: right, down, forward of the camera. */
  readonly rotation: Matrix3
  /** What the camera looks at, the middle of the picture, and from how far; centimetres. */
  readonly target: Vector3
  readonly distance: number
  /** Pixels per unit of x / z. */
  readonly focal: number
  /** Unit vector towards the lamp, its light, and that from all around; linear RGB. */
  readonly light: Vector3
  readonly key: Rgb
  readonly ambient: Rgb
  /** Linear RGB, [SIZE · SIZE · 3]. */
  readonly room: Float32Array
}

/** A camera before the face, up to 38 degrees to the side and 14 up or down, a lamp on its side of the face, and a room. */
export function makeSitting(random: HostRandom): Sitting {
  const yaw = (within(random, -38, 38) * Math.PI) / 180
  const pitch = (within(random, -14, 14) * Math.PI) / 180
  const roll = (4 * random.normal() * Math.PI) / 180
  const [cy, sy, cp, sp, cr, sr] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch), Math.cos(roll), Math.sin(roll)]
  // rows: right, down, forward of a camera that looks at the face
  const forward: Vector3 = [-sy * cp, -sp, -cy * cp]
  const level: Vector3 = [cy, 0, -sy]
  const down = cross(forward, level)
  const extent = within(random, 21, 42) // of the picture at the face, centimetres
  const distance = within(random, 42, 75)
  const light = normalize([within(random, -1, 1), within(random, -0.2, 1), within(random, 0.3, 1)], 'the direction of the lamp')
  const warm = within(random, -0.12, 0.12)
  const strength = within(random, 0.45, 1.1)
  const fill = within(random, 0.18, 0.5)
  return {
    rotation: [add(multiply(level, cr), multiply(down, sr)), add(multiply(down, cr), multiply(level, -sr)), forward],
    target: [0.6 * random.normal(), 1.5 + 1.2 * random.normal(), 8],
    distance,
    focal: (SIZE * distance) / extent,
    light,
    key: [strength * (1 + warm), strength, strength * (1 - warm)],
    ambient: [fill * (1 - warm / 2), fill, fill * (1 + warm / 2)],
    room: makeRoom(random),
  }
}

/** A wall with things on it, out of boxes. */
function makeRoom(random: HostRandom): Float32Array {
  const room = new Float32Array(SIZE * SIZE * 3)
  const [top, bottom] = [randomColor(random, 0.7), randomColor(random, 0.7)]
  for (let i = 0; i < SIZE * SIZE; i++) room.set(mixed(top, bottom, Math.floor(i / SIZE) / SIZE), 3 * i)
  const things = random.next() < 0.25 ? 0 : Math.floor(within(random, 5, 60))
  for (let n = 0; n < things; n++) {
    const color = randomColor(random)
    const [x0, y0] = [within(random, -10, SIZE), within(random, -10, SIZE)].map(Math.floor)
    const [w, h] = [within(random, 2, 24), within(random, 3, 34)].map(Math.floor)
    for (let y = Math.max(0, y0); y < Math.min(SIZE, y0 + h); y++)
      for (let x = Math.max(0, x0); x < Math.min(SIZE, x0 + w); x++) room.set(color, 3 * (y * SIZE + x))
  }
  return room
}
