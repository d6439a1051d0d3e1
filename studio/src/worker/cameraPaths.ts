/** nerfstudio's camera_path.json in and out: files have cameras in the capture's world, the page has poses in space units. */
import {
  type CameraPath,
  cameraIntoSpace,
  cameraOutOfSpace,
  cameraPathFromJson,
  cameraPathToJson,
  keyframeOf,
  keyframeTimes,
  pathCameras,
  type SceneManipulator,
} from 'faceclipnerf'
import type { PathContent } from '../protocol/film.ts'
import type { NamedBytes, Pose } from '../protocol/messages.ts'
import { cameraAt } from './cameras.ts'

/** Keyframes of a file that has only pictures: as many as a person can still handle. */
const MOST_KEYFRAMES = 24
/** Times the distance of the capture's farthest camera. */
const FARTHEST = 8
const ELSEWHERE =
  'None of its cameras sees the face: the path is of another capture, or in a world that nerfstudio has turned and scaled (see “A film” in docs/share.md).'
const EXPORT = "choose a camera_path.json, as nerfstudio's viewer and this studio save it"

/** Throws, naming the file, for one that is no camera path. */
export function readCameraPath(scene: SceneManipulator, { name, bytes }: NamedBytes): { path: PathContent; note?: string | undefined } {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw new Error(`${name}: no camera path (not JSON); ${EXPORT}`)
  }
  if (typeof json !== 'object' || json === null || !('camera_path' in json || 'keyframes' in json))
    throw new Error(`${name}: no camera path (it has neither "camera_path" nor "keyframes"); ${EXPORT}`)
  const path = cameraPathFromJson(json, name)
  const { width, height, fps, seconds, closed, tension, expressions, frames } = path
  const { times, poses, note } = keyframesOf(path)
  const cameras = pathCameras({ ...path, frames: poses }).map((camera, i) => ({
    time: times[i],
    pose: poseOf(scene, cameraIntoSpace(scene, camera)),
  }))
  const side = Math.max(width, height)
  return {
    path: { cameras, expressions, seconds, fps, closed: closed && path.keyframes.length > 0, tension, side },
    note: cameras.some(({ pose }) => sees(scene, pose)) ? note && `${note} of its ${frames.length} pictures.` : ELSEWHERE,
  }
}

/** Whether the face is in front of a camera and not as small as a fly. */
function sees({ trainingCameras }: SceneManipulator, { position, orientation: [, , forward] }: Pose): boolean {
  const far = Math.max(...trainingCameras.map(camera => Math.hypot(...camera.position)))
  const depth = -position.reduce((sum, value, axis) => sum + value * forward[axis], 0)
  const away = Math.hypot(...position)
  return depth > 0 && away < FARTHEST * far && depth > away / 2
}

/** A file's keyframes; of one that has none, some of its pictures. */
function keyframesOf(path: CameraPath): { times: readonly number[]; poses: CameraPath['frames']; note?: string } {
  const { keyframes, frames, fps } = path
  if (keyframes.length > 0) return { times: keyframeTimes(path), poses: keyframes }
  const count = Math.min(MOST_KEYFRAMES, frames.length)
  const at = Array.from({ length: count }, (_, k) => Math.round((k * (frames.length - 1)) / Math.max(1, count - 1)))
  return { times: at.map(i => i / fps), poses: at.map(i => frames[i]), note: `The file has no keyframes: these are ${count}` }
}

function poseOf({ trainingCameras: [first] }: SceneManipulator, camera: Parameters<typeof keyframeOf>[0]): Pose {
  const { position, orientation, focalLength, imageSize } = camera
  return { position, orientation, zoom: (focalLength / imageSize[1]) * (first.imageSize[1] / (first.focalLength * first.pixelAspectRatio)) }
}

export function writeCameraPath(scene: SceneManipulator, content: PathContent): Uint8Array {
  const { cameras, expressions, seconds, fps, closed, tension, side } = content
  if (cameras.length === 0) throw new Error('the film has no keyframes; add one first')
  const [width, height] = cameraAt(scene, cameras[0].pose, side).imageSize
  const last = cameras[cameras.length - 1].time
  const keyframes = cameras.map(({ time, pose }, i) => ({
    ...keyframeOf(cameraOutOfSpace(scene, cameraAt(scene, pose, side))),
    // the first one's is the way back to it
    ...(i > 0 ? { transition: time - cameras[i - 1].time } : closed && { transition: seconds - last }),
  }))
  const path: CameraPath = { width, height, fps, seconds, closed, tension, transition: 2, keyframes, frames: [], expressions }
  return new TextEncoder().encode(`${JSON.stringify(cameraPathToJson(path), null, 1)}\n`)
}
