/** A small picture of the worker on the page: as a canvas, or as an address for an <img>. */
import type { Thumbnail } from '../protocol/messages.ts'

export function canvasOf({ width, height, data }: Thumbnail): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  canvas.getContext('2d')?.putImageData(new ImageData(data, width, height), 0, 0)
  return canvas
}

export const pictureAddress = (picture: Thumbnail): string => canvasOf(picture).toDataURL('image/png')
