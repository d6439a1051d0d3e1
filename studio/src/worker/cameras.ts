/** Cameras of the capture as the page knows them, and back: the page moves a pose, the lens is the capture's. */
import { type Camera, type SceneManipulator, scaleCamera } from 'faceclipnerf'
import type { FrameInfo, Pose, SceneInfo, Vector } from '../protocol/messages.ts'

const poseOf = ({ position, orientation }: Camera): Pose => ({ position, orientation, zoom: 1 })

/** What the page needs to know to move a camera about. */
export function sceneInfo({ description, step, trainingCameras }: SceneManipulator): Omit<SceneInfo, 'edits' | 'regions' | 'hasTruth'> {
  const { imageSize, focalLength, principalPoint } = trainingCameras[0]
  const ups = trainingCameras.map(({ orientation }) => orientation[1])
  const up = [0, 1, 2].map(k => -ups.reduce((sum, down) => sum + down[k], 0) / ups.length) as Vector
  const frames: FrameInfo[] = description.frames.map(({ id, split, camera }) => ({ id, split, pose: poseOf(camera) }))
  return {
    name: description.name,
    preset: description.preset,
    step,
    frames,
    near: description.near,
    aspect: imageSize[0] / imageSize[1],
    halfView: [imageSize[0] / (2 * focalLength), imageSize[1] / (2 * focalLength)],
    center: [principalPoint[0] / imageSize[0], principalPoint[1] / imageSize[1]],
    up,
  }
}

/** A camera with the capture's lens at a pose, `side` px along its longer edge. */
export function cameraAt({ trainingCameras: [first] }: SceneManipulator, { position, orientation, zoom }: Pose, side: number): Camera {
  const [width, height] = first.imageSize
  const factor = side / Math.max(width, height)
  const size: [number, number] = [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))]
  const camera = scaleCamera(first, factor, size)
  return { ...camera, focalLength: camera.focalLength * zoom, position, orientation }
}
