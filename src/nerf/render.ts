/** Renders a scene under a code field from any camera: colour, depth, accumulation and, if asked, further channels such as ACR maps. */
import type { Camera } from '../camera/camera.ts'
import { imageRays } from '../camera/rays.ts'
import { Storage } from '../tensor/device.ts'
import { accumulation, sumSamples } from '../tensor/ops/sumSamples.ts'
import { compile } from '../tensor/plan.ts'
import { lastAxis, reshape, type Tensor } from '../tensor/tensor.ts'
import type { CodeField } from './codeField.ts'
import { lastLevel, renderRays, samplesPerRay } from './rayLevels.ts'
import type { SceneConfig } from './sceneConfig.ts'
import type { SceneManipulator } from './sceneManipulator.ts'
import { intoSpace } from './space.ts'

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

export interface RenderOptions {
  /** T's code; default w_R, as edits are shown. Pass a frame's own code to reproduce that frame. */
  readonly warp?: CodeField
  /** Further values per point to composite, points [Q, 3] -> [Q, K]. */
  readonly channels?: (x: Tensor) => Tensor
  /** Samples per ray; default twice those of training, or with a coarse and a fine network those of training. */
  readonly samples?: number
  /** Rays per replay of the plan; the default bounds memory and keeps a dispatch short. */
  readonly rays?: number
}

/** Rays per replay of the plan, at most: keeps a dispatch short. */
const CHUNK = 4096
/** Activations of one layer, at most: half of what WebGPU binds by default. */
const ACTIVATIONS = 2 ** 24

const raysPerChunk = ({ template }: SceneConfig, samples: number): number =>
  Math.max(1, Math.min(CHUNK, Math.floor(ACTIVATIONS / (samples * template.trunkWidth))))

/** A compiled renderer: `render` as many cameras as wanted. Leaves inside the code field may change between renders. */
export interface Renderer extends Disposable {
  /** @param camera in space units (as the scene's frames are). */
  render(camera: Camera): Promise<RenderedImage>
}

export function createRenderer(scene: SceneManipulator, codes: CodeField, { warp, channels, samples, rays: atOnce }: RenderOptions = {}): Renderer {
  const { device, config } = scene
  const M = samples ?? samplesPerRay(config.sampling).picture
  const rays = atOnce ?? raysPerChunk(config, M)
  const origins = new Storage(device, rays * 3)
  const directions = new Storage(device, rays * 3)
  const o = origins.tensor([rays, 3])
  const d = directions.tensor([rays, 3])
  const query = { origins: o, directions: d, warp: warp ?? scene.referenceField, codes, samples: M }
  const { x, z, weights, color } = lastLevel(renderRays(scene, query))
  const depth = sumSamples(weights, reshape(z, [rays * M, 1]))
  const acc = accumulation(weights, { infinity: true })
  const extraValues = channels?.(x)
  const extra = extraValues && sumSamples(weights, extraValues)
  const channelCount = extraValues ? lastAxis(extraValues.shape) : 0
  const plan = compile(device, { outputs: extra ? [color, depth, acc, extra] : [color, depth, acc] })

  return {
    async render(camera) {
      const [width, height] = camera.imageSize
      const pixels = width * height
      const all = imageRays(camera)
      const image = {
        width,
        height,
        rgb: new Float32Array(pixels * 3),
        depth: new Float32Array(pixels),
        accumulation: new Float32Array(pixels),
        channels: new Float32Array(pixels * channelCount),
        channelCount,
      }
      for (let begin = 0; begin < pixels; begin += rays) {
        const n = Math.min(rays, pixels - begin)
        origins.write(all.origins.subarray(begin * 3, (begin + n) * 3))
        directions.write(all.directions.subarray(begin * 3, (begin + n) * 3))
        plan.run()
        image.rgb.set((await plan.read(color)).subarray(0, n * 3), begin * 3)
        image.depth.set(
          (await plan.read(depth)).subarray(0, n).map(t => t * scene.description.space.radius),
          begin,
        )
        image.accumulation.set((await plan.read(acc)).subarray(0, n), begin)
        if (extra) image.channels.set((await plan.read(extra)).subarray(0, n * channelCount), begin * channelCount)
      }
      return image
    },
    [Symbol.dispose]() {
      plan[Symbol.dispose]()
      origins.release()
      directions.release()
    },
  }
}

/** One picture. @param camera in the capture's scene units, as `Capture` frames and exported paths are. */
export async function render(
  scene: SceneManipulator,
  camera: Camera,
  codes: CodeField = scene.referenceField,
  options: RenderOptions = {},
): Promise<RenderedImage> {
  using renderer = createRenderer(scene, codes, options)
  return await renderer.render(intoSpace(camera, scene.description.space))
}
