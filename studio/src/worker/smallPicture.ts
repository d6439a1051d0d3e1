/** A capture's pictures made small: thumbnails, and held-out views that are cheap to compare with. */
import { type CaptureFrame, scaleCamera } from 'faceclipnerf'
import type { Thumbnail } from '../protocol/messages.ts'

/** Means of blocks of `factor` x `factor` values, what is over at the right and the bottom left out. @param channels of [H, W, channels] */
function blockMeans(values: Float32Array, [width, height]: readonly [number, number], channels: number, factor: number): Float32Array {
  const [w, h] = [Math.floor(width / factor), Math.floor(height / factor)]
  const out = new Float32Array(w * h * channels)
  for (let y = 0; y < h * factor; y++) {
    const row = Math.floor(y / factor) * w
    for (let x = 0; x < w * factor; x++) {
      const to = (row + Math.floor(x / factor)) * channels
      for (let c = 0; c < channels; c++) out[to + c] += values[(y * width + x) * channels + c] / (factor * factor)
    }
  }
  return out
}

/** The frame with at most `side` px along its longer edge: its picture, mask and camera. */
export function smaller(frame: CaptureFrame, side: number): CaptureFrame {
  const { imageSize } = frame.camera
  const factor = Math.ceil(Math.max(...imageSize) / side)
  if (factor <= 1) return frame
  const camera = scaleCamera(frame.camera, 1 / factor, [Math.floor(imageSize[0] / factor), Math.floor(imageSize[1] / factor)])
  const image = blockMeans(frame.image, imageSize, 3, factor)
  return { ...frame, camera, image, ...(frame.mask && { mask: blockMeans(frame.mask, imageSize, 1, factor) }) }
}

export function thumbnail(frame: CaptureFrame, side: number): Thumbnail {
  const { camera, image } = smaller(frame, side)
  const [width, height] = camera.imageSize
  const data = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = 255 * image[3 * i + c]
    data[4 * i + 3] = 255
  }
  return { width, height, data }
}
