/** Where an edit is looked at from while it trains. */
import type { Camera } from '../camera/camera.ts'
import { spiral } from '../camera/paths.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'

/** Taller pictures than the encoder sees cost time and add nothing. */
const LARGEST_HEIGHT = 128

/** Views all over the range of the recorded cameras, in space units; the first is the middle one. @param count default 8. */
export function editViews(scene: SceneManipulator, { count = 8, height }: { count?: number; height?: number } = {}): Camera[] {
  const cameras = scene.trainingCameras
  return spiral(cameras, { frames: count, turns: 2, zoom: 0, height: height ?? Math.min(cameras[0].imageSize[1], LARGEST_HEIGHT) })
}
