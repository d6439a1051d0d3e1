/** Pictures that an edit should resemble, brought to the size an edit works at. */
import { type Camera, scaleCamera } from '../camera/camera.ts'
import { boxResize } from '../capture/boxFilter.ts'
import type { CaptureFrame } from '../capture/capture.ts'
import type { Image } from '../io/imageCodec.ts'

/** A picture to resemble, as a capture's frames are: camera in scene units, image [H · W · 3] sRGB 0..1, mask [H · W] ≥ 0 how much each pixel counts. */
export type TargetPicture = Pick<CaptureFrame, 'camera' | 'image' | 'mask'>

/**
 * A decoded picture, `height` px tall, with the camera that took it (scene units, of the picture's shape at any resolution). Transparent pixels do not count.
 * Throws when picture and camera differ in shape by more than a pixel.
 */
export function targetPicture(picture: Image, camera: Camera, height: number, name: string): TargetPicture {
  const [w, h] = camera.imageSize
  if (Math.abs((picture.width * h) / w - picture.height) > 1)
    throw new Error(
      `${name}: the picture is ${picture.width}x${picture.height}, its camera's pictures are ${w}x${h}; give pictures of the camera's shape`,
    )
  const width = Math.round((picture.width * height) / picture.height)
  const image = new Float32Array(width * height * 3)
  const resized = (channel: number): Float32Array => {
    const { data, channels } = picture
    const values = Float32Array.from({ length: picture.width * picture.height }, (_, i) => data[i * channels + channel] / 255)
    return boxResize(values, picture.width, picture.height, width, height)
  }
  for (let c = 0; c < 3; c++) for (const [i, value] of resized(picture.channels < 3 ? 0 : c).entries()) image[3 * i + c] = value
  const mask = picture.channels % 2 === 0 ? resized(picture.channels - 1) : undefined
  return { camera: scaleCamera(camera, height / h, [width, height]), image, ...(mask && { mask }) }
}
