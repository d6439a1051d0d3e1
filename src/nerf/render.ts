/** Renders a scene under a code field from any camera: colour, depth, accumulation and, if asked, further channels such as ACR maps. */
import type { Camera } from '../camera/camera.ts'
import { medianSample, pickSample } from '../tensor/ops/medianSample.ts'
import { accumulation, sumSamples } from '../tensor/ops/sumSamples.ts'
import { reshape, type Tensor } from '../tensor/tensor.ts'
import type { Rays } from './coarseFine.ts'
import type { CodeField } from './codeField.ts'
import { PictureRenderer, type RayColors, type RenderedImage } from './pictureRenderer.ts'
import { lastLevel, renderRays, samplesPerRay } from './rayLevels.ts'
import type { SceneManipulator } from './sceneManipulator.ts'
import { intoSpace } from './space.ts'
import { widestLayer } from './templateNerf.ts'

export type { DrawnImage, RenderedImage, Renderer } from './pictureRenderer.ts'

/** What a renderer shows besides colour, and how finely. */
export interface RenderOptions {
  /** T's code; default w_R, as edits are shown. Pass a frame's own code to reproduce that frame. */
  readonly warp?: CodeField
  /** Further values per point to composite, points [Q, 3] -> [Q, K]. */
  readonly channels?: (x: Tensor) => Tensor
  /** What of the channels a pixel gets: their mean along the ray (default), or those of the point at which it becomes half opaque, the surface. */
  readonly channelsAt?: 'mean' | 'median'
  /** Samples per ray; default those of pictures (see `samplesPerRay`). */
  readonly samples?: number
  /** Rays per run of the plan, at most; the default bounds memory and keeps a dispatch short. */
  readonly rays?: number
}

/** Bytes of one layer's values, at most. On the CPU what caches hold counts, on a GPU what every device binds, and that its units are busy. */
const LAYER_BYTES = { cpu: 2 ** 22, gpu: 2 ** 27 }

function raysAtOnce({ device, config }: SceneManipulator, samples: number): number {
  const width = widestLayer(config.template, config.ambientSize)
  return Math.max(1, Math.floor(LAYER_BYTES[device.kind] / (4 * samples * width)))
}

/** A renderer of a scene under codes. Its code fields' leaves and the scene's weights may change between pictures. */
export function createRenderer(
  scene: SceneManipulator,
  codes: CodeField,
  { warp = scene.referenceField, channels, channelsAt = 'mean', samples, rays }: RenderOptions = {},
): PictureRenderer {
  const M = samples ?? samplesPerRay(scene.config.sampling).picture
  const colorsOf = ({ origins, directions }: Rays): RayColors => {
    const query = { origins, directions, warp, codes, samples: M }
    const { x, z, weights, color } = lastLevel(renderRays(scene, query))
    const values = channels?.(x)
    return {
      color,
      depth: sumSamples(weights, reshape(z, [z.length, 1])),
      accumulation: accumulation(weights, { infinity: true }),
      channels: values && (channelsAt === 'median' ? pickSample(values, medianSample(weights)) : sumSamples(weights, values)),
    }
  }
  return new PictureRenderer(scene.device, colorsOf, { rays: rays ?? raysAtOnce(scene, M), radius: scene.description.space.radius })
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
