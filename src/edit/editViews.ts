/** Where a scene is looked at from when an encoder judges its expression. */
import type { Camera } from '../camera/camera.ts'
import { spiral } from '../camera/paths.ts'
import { project } from '../camera/rays.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'

/** Taller pictures than the encoder sees cost time and add nothing. */
const LARGEST_HEIGHT = 128

/** How much closer than a portrait capture's framing: the face then fills the picture, and encoders see eyelids that they miss at full frame. */
const ZOOM = 1.4

/** The same camera (space units) with a longer lens, pointed so that the point all cameras look at, the face, is in the middle of the picture. */
export function closeUp(camera: Camera, zoom = ZOOM): Camera {
  const longer: Camera = { ...camera, focalLength: camera.focalLength * zoom }
  const [x, y] = project(longer, [0, 0, 0])
  const [width, height] = camera.imageSize
  return { ...longer, principalPoint: [camera.principalPoint[0] + width / 2 - x, camera.principalPoint[1] + height / 2 - y] }
}

/** Close-ups from all over the range of the recorded cameras, in space units; the first is the middle one. @param count default 8. */
export function editViews(scene: SceneManipulator, { count = 8, height }: { count?: number; height?: number } = {}): Camera[] {
  const cameras = scene.trainingCameras
  const views = spiral(cameras, { frames: count, turns: 2, zoom: 0, height: height ?? Math.min(cameras[0].imageSize[1], LARGEST_HEIGHT) })
  return views.map(view => closeUp(view))
}
