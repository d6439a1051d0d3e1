/** Training rays: random pixels of random training frames, a share of them from the person's mask. A batch is a function of (seed, step). */
import type { Camera } from '../camera/camera.ts'
import { pixelsToRays } from '../camera/rays.ts'
import { transformTransposed, type Vector3 } from '../camera/vector.ts'
import type { Capture } from '../capture/capture.ts'
import { HostRandom } from '../tensor/hostRandom.ts'
import { intoSpace, type Space } from './space.ts'

export interface RayBatch {
  /** [R, 3], space units. */
  readonly origins: Float32Array
  /** [R, 3], unit length. */
  readonly directions: Float32Array
  /** [R, 3], sRGB 0..1. */
  readonly colors: Float32Array
  /** Latent code of each ray, [R]. */
  readonly codes: Uint32Array
}

/** Stream of the host's draws for ray batches; others use other numbers. */
const STREAM = 1

interface Source {
  readonly camera: Camera
  readonly image: Float32Array
  readonly code: number
  /** Directions in camera axes, [H · W, 3]; shared by frames with one lens. */
  readonly lens: Float32Array
  /** Pixels at least half covered by the person. */
  readonly person: Uint32Array
}

/** Prepares a capture's training frames; `draw(step)` fills and returns one batch, whose arrays are reused. */
export function rayBatches(capture: Capture, space: Space, { rays, personShare, seed }: { rays: number; personShare: number; seed: number }) {
  const lenses = new Map<string, Float32Array>()
  const sources: Source[] = capture.frames
    .filter(frame => frame.split === 'train')
    .map(frame => ({
      camera: intoSpace(frame.camera, space),
      image: frame.image,
      code: frame.code,
      lens: lensOf(frame.camera, lenses),
      person: personPixels(frame.mask),
    }))
  const batch: RayBatch = {
    origins: new Float32Array(rays * 3),
    directions: new Float32Array(rays * 3),
    colors: new Float32Array(rays * 3),
    codes: new Uint32Array(rays),
  }
  const draw = (step: number): RayBatch => {
    const random = new HostRandom(seed + Math.imul(step, 0x9e3779b1), STREAM)
    for (let r = 0; r < rays; r++) {
      const source = sources[random.integer(sources.length)]
      const fromPerson = random.next() < personShare && source.person.length > 0
      const pixel = fromPerson ? source.person[random.integer(source.person.length)] : random.integer(source.image.length / 3)
      const at = pixel * 3
      const local: Vector3 = [source.lens[at], source.lens[at + 1], source.lens[at + 2]]
      batch.directions.set(transformTransposed(source.camera.orientation, local), 3 * r)
      batch.origins.set(source.camera.position, 3 * r)
      for (let c = 0; c < 3; c++) batch.colors[3 * r + c] = source.image[at + c]
      batch.codes[r] = source.code
    }
    return batch
  }
  return { draw }
}

function personPixels(mask: Float32Array | undefined): Uint32Array {
  if (!mask) return new Uint32Array(0)
  return Uint32Array.from(Array.from(mask.keys()).filter(i => mask[i] >= 0.5))
}

const IDENTITY: Camera['orientation'] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]

/** Unit directions of all pixel centres in camera axes, computed once per lens. */
function lensOf(camera: Camera, known: Map<string, Float32Array>): Float32Array {
  const { orientation: _, position: __, ...lens } = camera
  const key = JSON.stringify(lens)
  const found = known.get(key)
  if (found) return found
  const [width, height] = camera.imageSize
  const pixels = Float32Array.from({ length: width * height * 2 }, (_, i) =>
    i % 2 === 0 ? ((i >> 1) % width) + 0.5 : Math.floor((i >> 1) / width) + 0.5,
  )
  const directions = pixelsToRays({ ...camera, orientation: IDENTITY, position: [0, 0, 0] }, pixels)
  known.set(key, directions)
  return directions
}
