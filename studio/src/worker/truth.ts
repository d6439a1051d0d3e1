/** What the capture's cameras saw, to lay over what is drawn from their places. */
import { type Capture, type CaptureFrame, frameCode } from 'faceclipnerf'
import type { TruthPicture } from '../protocol/messages.ts'
import type { Session } from './session.ts'

/** Whether these are pictures of the scene: the frames of both have the same names. */
export function hasTruth({ scene }: Session, capture: Capture | undefined): boolean {
  const ids = new Set(capture?.frames.map(({ id }) => id))
  return scene.description.frames.every(({ id }) => ids.has(id))
}

/** Throws, naming both, for a capture of another scene. */
export function checkTruth(session: Session, capture: Capture): void {
  if (hasTruth(session, capture)) return
  const { name, frames } = session.scene.description
  const missing = frames.find(({ id }) => !capture.frames.some(frame => frame.id === id))
  throw new Error(`${capture.name}: has no picture of frame "${missing?.id}" of scene ${name}; open the capture that the scene was trained on`)
}

/** The picture of a frame; from now on the face of that frame can be shown too. Throws where no capture is open, and for an unknown frame. */
export async function truthPicture(session: Session, capture: Capture | undefined, id: string): Promise<TruthPicture> {
  const frame = capture?.frames.find(each => each.id === id)
  if (!frame) throw new Error(`no picture of frame "${id}"; open the .scene together with the zip of its capture`)
  session.recorded.set(id, await frameCode(session.scene, id))
  return { ...pixelsOf(frame), place: placeOf(session, frame) }
}

function pixelsOf({ image, camera: { imageSize } }: CaptureFrame): Pick<TruthPicture, 'picture'> {
  const [width, height] = imageSize
  const data = new Uint8ClampedArray(4 * width * height).fill(255)
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) data[4 * i + c] = 255 * image[3 * i + c]
  return { picture: { width, height, data } }
}

/** Where its edges are in the picture of the studio's own lens at its place; bent lenses are taken as straight. */
function placeOf({ scene }: Session, { camera }: CaptureFrame): TruthPicture['place'] {
  const own = scene.trainingCameras[0]
  const factor = own.focalLength / camera.focalLength
  const tall = (own.focalLength * own.pixelAspectRatio) / (camera.focalLength * camera.pixelAspectRatio)
  const edge = (axis: 0 | 1, at: number): number =>
    (own.principalPoint[axis] + (axis === 0 ? factor : tall) * (at - camera.principalPoint[axis])) / own.imageSize[axis]
  const [left, top] = [edge(0, 0), edge(1, 0)]
  return { left, top, width: edge(0, camera.imageSize[0]) - left, height: edge(1, camera.imageSize[1]) - top }
}
