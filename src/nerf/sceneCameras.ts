/** Cameras in scene units, as a capture's frames have them, from the places where a scene's user meets cameras. */
import { type Camera, toScene } from '../camera/camera.ts'
import { add, multiply } from '../camera/vector.ts'
import { findFrame } from './frameCode.ts'
import type { SceneManipulator } from './sceneManipulator.ts'
import { intoSpace, outOfSpace } from './space.ts'

/** The camera that took a frame, in scene units. Throws for an id the scene does not have. */
export function frameCamera(scene: SceneManipulator, id: string): Camera {
  return outOfSpace(findFrame(scene, id).camera, scene.description.space)
}

/** A camera in the capture's world, as its camera files are -> scene units. */
export function worldCamera(scene: SceneManipulator, camera: Camera): Camera {
  const { center, scale } = scene.description.world
  return toScene(camera, scale, center)
}

/** A camera in the capture's world -> space units, as renderers take it: a camera path's, for one. */
export function cameraIntoSpace(scene: SceneManipulator, camera: Camera): Camera {
  return intoSpace(worldCamera(scene, camera), scene.description.space)
}

/** The inverse of `cameraIntoSpace`: a training camera or an orbit's, to be written to a file. */
export function cameraOutOfSpace(scene: SceneManipulator, camera: Camera): Camera {
  const { space, world } = scene.description
  const { position, ...lens } = outOfSpace(camera, space)
  return { ...lens, position: add(multiply(position, 1 / world.scale), world.center) }
}
