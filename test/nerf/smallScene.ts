/** A made-up capture of a few tiny pictures, and a preset shrunk until a training step takes milliseconds. */
import type { Camera } from '../../src/camera/camera.ts'
import { lookAt } from '../../src/camera/paths.ts'
import type { Vector3 } from '../../src/camera/vector.ts'
import type { Capture, CaptureFrame } from '../../src/capture/capture.ts'
import type { SceneConfig } from '../../src/nerf/sceneConfig.ts'
import { SceneManipulator, type SceneOptions } from '../../src/nerf/sceneManipulator.ts'
import type { Device } from '../../src/tensor/device.ts'
import { HostRandom } from '../../src/tensor/hostRandom.ts'

/** px */
export const SIZE = 12

/** A camera 2.5 units from the origin, `angle` radians around it, that looks at it. */
export function cameraAt(angle: number, size = SIZE): Camera {
  const position: Vector3 = [2.5 * Math.sin(angle), 0.1, -2.5 * Math.cos(angle)]
  return {
    orientation: lookAt(position, [0, 0, 0], [0, 1, 0]),
    position,
    focalLength: 1.2 * size,
    principalPoint: [size / 2, size / 2],
    skew: 0,
    pixelAspectRatio: 1,
    radialDistortion: [0, 0, 0],
    tangentialDistortion: [0, 0],
    imageSize: [size, size],
  }
}

/** A reddish disc whose shade tells the frame, before a bluish wall. */
function frame(code: number, split: 'train' | 'val', size: number): CaptureFrame {
  const image = new Float32Array(size * size * 3)
  const mask = new Float32Array(size * size)
  for (let i = 0; i < size * size; i++) {
    const [u, v] = [((i % size) + 0.5) / size - 0.5, (Math.floor(i / size) + 0.5) / size - 0.5]
    mask[i] = Math.hypot(u, v) < 0.3 ? 1 : 0
    image.set(mask[i] ? [0.8, 0.3 + 0.1 * code, 0.4 + v] : [0.1, 0.3 + 0.3 * u, 0.7], 3 * i)
  }
  return { id: `${split}${code}`, camera: cameraAt(0.15 * code - 0.3 + (split === 'val' ? 0.05 : 0), size), image, mask, split, code }
}

/** Training frames of `size`² px with codes 0 … `codeCount` − 1 and one validation view of code 2. */
export function smallCapture(codeCount = 5, size = SIZE): Capture {
  const random = new HostRandom(1)
  const backgroundPoints = Float32Array.from({ length: 20 * 3 }, (_, i) => (i % 3 === 2 ? 1 + random.next() : 2 * random.next() - 1))
  const frames = [...Array.from({ length: codeCount }, (_, code) => frame(code, 'train', size)), frame(2, 'val', size)]
  return { name: 'disc', frames, near: 1, far: 5, center: [0, 0, 0], scale: 1, backgroundPoints, codeCount, downscale: 1 }
}

/** The preset's roles and recipe with 64 rays of 8 samples, 12 steps, and networks of a few hundred numbers. */
export function shrunk(base: SceneConfig): SceneConfig {
  const { template, sampling } = base
  const widths = { trunkWidth: 12, rgbWidth: 12 }
  return {
    ...base,
    deformation: { ...base.deformation, depth: 2, width: 12 },
    slicing: { ...base.slicing, depth: 2, width: 12 },
    template:
      template.kind === 'hash'
        ? { ...template, ...widths, levels: 3, log2Entries: 8, baseResolution: 4, finestResolution: 16 }
        : { ...template, ...widths, trunkDepth: 3, skip: 2 },
    sampling: sampling.kind === 'grid' ? { ...sampling, samples: 8, bins: 16, gridResolution: 8 } : { ...sampling, coarse: 8, fine: 8, edit: 8 },
    training: { ...base.training, steps: 12, rays: 64, warmUp: 2, backgroundPoints: 16 },
  }
}

/** A new scene of the small capture. */
export function smallScene(device: Device, options: SceneOptions = {}): SceneManipulator {
  return new SceneManipulator(device, smallCapture(), { preset: 'tiny', config: shrunk, ...options })
}
