/** Whole pictures, rays made and pixels read back. */
import { scaleCamera } from '../src/camera/camera.ts'
import { samplesPerRay } from '../src/nerf/rayLevels.ts'
import { createRenderer } from '../src/nerf/render.ts'
import type { Bench, Row } from './measure.ts'
import { benchScene, usualPreset } from './scenes.ts'

/** px */
const SIZES = [64, 128, 512]

export const benchRendering: Bench = async ({ device, runs }) => {
  const preset = usualPreset(device)
  const scene = benchScene(device, preset)
  const [camera] = scene.trainingCameras
  const rows: Row[] = []
  using renderer = createRenderer(scene, scene.referenceField)
  await renderer.render(camera)
  for (const size of SIZES) {
    const ms: number[] = []
    for (let i = 0; i < runs; i++) {
      const began = performance.now()
      await renderer.render(scaleCamera(camera, size / camera.imageSize[0]))
      ms.push(performance.now() - began)
    }
    const samples = size * size * samplesPerRay(scene.config.sampling).picture
    rows.push({ what: `picture, ${preset}`, sizes: `${size}², ${samples / size ** 2} samples a ray`, ms, does: [[samples, ' samples']] })
  }
  return rows
}
