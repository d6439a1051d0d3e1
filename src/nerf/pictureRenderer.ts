/** Pictures from anything that turns rays into colours: rays are made on the device, parts of the picture stay there, and it is read once. */
import type { Camera } from '../camera/camera.ts'
import { type Device, Storage } from '../tensor/device.ts'
import { CAMERA_NUMBERS, cameraNumbers, cameraRays } from '../tensor/ops/cameraRays.ts'
import { packPixels } from '../tensor/ops/packPixels.ts'
import type { Plan } from '../tensor/plan.ts'
import { compileRepeated, type RepeatedPlan } from '../tensor/repeatedPlan.ts'
import { elements, type Tensor } from '../tensor/tensor.ts'
import type { Rays } from './coarseFine.ts'

/** A picture on the host, H rows of W pixels from the top left. */
export interface RenderedImage {
  readonly width: number
  readonly height: number
  /** sRGB 0..1, [H · W · 3]. */
  readonly rgb: Float32Array
  /** Distance along the ray in the capture's scene units, [H · W]. */
  readonly depth: Float32Array
  /** How much of each ray ends before infinity, 0..1, [H · W]. */
  readonly accumulation: Float32Array
  /** Extra channels, [H · W · channelCount]. */
  readonly channels: Float32Array
  readonly channelCount: number
}

/** A picture that stays on the device, until the next one is drawn. */
export interface DrawnImage {
  readonly width: number
  readonly height: number
  /** RGBA, 8 bits each with red lowest, a word per pixel, row by row; its storage may be longer. */
  readonly pixels: Storage
}

/** A compiled renderer: as many cameras as wanted. Leaves inside its code field may change between pictures. */
export interface Renderer extends Disposable {
  /** @param camera in space units (as the scene's frames are). */
  render(camera: Camera): Promise<RenderedImage>
  /** The same without reading anything back: submits the work and returns. @param camera in space units. */
  draw(camera: Camera): DrawnImage
}

/** What a renderer finds out about rays R. */
export interface RayColors {
  /** sRGB 0..1, [R, 3]. */
  readonly color: Tensor
  /** Space units, [R]. */
  readonly depth: Tensor
  /** [R] */
  readonly accumulation: Tensor
  /** [R, K] */
  readonly channels?: Tensor | undefined
}

export interface PictureOptions {
  /** Rays per run of the plan, at most. */
  readonly rays: number
  /** One space unit, in the capture's scene units. */
  readonly radius: number
}

/** What a picture consists of, in the order in which its parts lie in memory. */
const PLANES = ['color', 'depth', 'accumulation', 'channels', 'pixels'] as const
type Plane = (typeof PLANES)[number]

/** The parts of one run, in memory of their own. */
interface Part {
  readonly rays: number
  readonly camera: Storage
  readonly planes: ReadonlyMap<Plane, Storage>
  readonly repeated: RepeatedPlan
}

/** Fewest rays of a plan on a GPU: sizes are powers of two from here on, since every size is compiled. */
const LEAST_RAYS = 256

/** Rays that pictures of so many pixels are rendered by: as few runs as allowed, and on the CPU no ray too many. */
function raysFor(device: Device, pixels: number, most: number): number {
  if (device.kind === 'cpu') return Math.ceil(pixels / Math.ceil(pixels / most))
  return Math.min(most, Math.max(LEAST_RAYS, 2 ** Math.ceil(Math.log2(pixels))))
}

/** A renderer of pictures whose rays get their colours from `colorsOf`, which is recorded once for each number of rays. */
export class PictureRenderer implements Renderer {
  private part: Part | undefined
  /** The whole picture, its planes one after the other. */
  private readonly picture = new Map<Plane, Storage>()

  constructor(
    private readonly device: Device,
    private readonly colorsOf: (rays: Rays) => RayColors,
    private readonly options: PictureOptions,
  ) {}

  draw(camera: Camera): DrawnImage {
    const [width, height] = camera.imageSize
    this.run(camera)
    return { width, height, pixels: this.planeOf('pixels') }
  }

  async render(camera: Camera): Promise<RenderedImage> {
    const [width, height] = camera.imageSize
    const pixels = width * height
    this.run(camera)
    const { radius } = this.options
    const read = async (plane: Plane): Promise<Float32Array> => {
      const storage = this.picture.get(plane)
      return storage ? await storage.read(0, pixels * this.numbersOf(plane)) : new Float32Array(0)
    }
    const [rgb, depth, accumulation, channels] = await Promise.all((['color', 'depth', 'accumulation', 'channels'] as const).map(read))
    return { width, height, rgb, depth: depth.map(t => t * radius), accumulation, channels, channelCount: channels.length / pixels }
  }

  /** The plan of the present size, for profiles and tests; undefined before the first picture. */
  get plan(): Plan | undefined {
    return this.part?.repeated.plan
  }

  /** Runs the plan over the picture's pixels and lays the parts together. */
  private run(camera: Camera): void {
    const [width, height] = camera.imageSize
    const pixels = width * height
    const { rays, camera: leaf, planes, repeated } = this.partFor(pixels)
    repeated.prepare()
    for (let begin = 0; begin < pixels; begin += rays) {
      leaf.write(cameraNumbers(camera, begin))
      repeated.plan.run()
      const count = Math.min(rays, pixels - begin)
      for (const [plane, storage] of planes) {
        const numbers = storage.length / rays
        const length = count * numbers
        this.device.copy({ ...storage.region, length }, { memory: this.planeOf(plane).region.memory, offset: begin * numbers, length })
      }
    }
  }

  private partFor(pixels: number): Part {
    const rays = raysFor(this.device, pixels, this.options.rays)
    if (this.part?.rays !== rays) {
      if (this.part) releasePart(this.part)
      this.part = undefined
      this.part = this.record(rays)
    }
    for (const [plane, { length, dtype }] of this.part.planes) {
      const wanted = pixels * (length / rays)
      const known = this.picture.get(plane)
      if (known && known.length >= wanted) continue
      known?.release()
      this.picture.set(plane, new Storage(this.device, wanted, dtype))
    }
    return this.part
  }

  private record(rays: number): Part {
    const camera = new Storage(this.device, CAMERA_NUMBERS)
    const colors = this.colorsOf(cameraRays(camera.tensor([CAMERA_NUMBERS]), rays))
    const values: Readonly<Record<Plane, Tensor | undefined>> = { channels: undefined, ...colors, pixels: packPixels(colors.color) }
    const planes = new Map<Plane, Storage>()
    const into: { value: Tensor; leaf: Tensor }[] = []
    for (const plane of PLANES) {
      const value = values[plane]
      if (!value) continue
      const storage = new Storage(this.device, elements(value.shape), value.dtype)
      planes.set(plane, storage)
      into.push({ value, leaf: storage.tensor(value.shape) })
    }
    return { rays, camera, planes, repeated: compileRepeated(this.device, { into }, [camera]) }
  }

  private planeOf(plane: Plane): Storage {
    const storage = this.picture.get(plane)
    if (!storage) throw new Error(`picture: no ${plane} before the first picture`)
    return storage
  }

  private numbersOf(plane: Plane): number {
    const storage = this.part?.planes.get(plane)
    return storage && this.part ? storage.length / this.part.rays : 0
  }

  [Symbol.dispose](): void {
    if (this.part) releasePart(this.part)
    this.part = undefined
    for (const storage of this.picture.values()) storage.release()
    this.picture.clear()
  }
}

function releasePart({ repeated, camera, planes }: Part): void {
  repeated[Symbol.dispose]()
  for (const storage of [camera, ...planes.values()]) storage.release()
}
