/** A canvas that shows drawn pictures, on either device: a GPU's go there without a detour, the CPU's through a 2D context. */
import { type Device, Storage } from '../tensor/device.ts'
import type { DrawnImage } from './pictureRenderer.ts'

/** RGBA bytes of a picture that was made on the host, e.g. a heat map. */
export interface HostPixels {
  readonly width: number
  readonly height: number
  /** [H · W · 4] */
  readonly data: Uint8ClampedArray<ArrayBuffer>
}

export interface ShowOptions {
  /** A second picture of the same size, shown in the columns before `split`. */
  readonly left?: DrawnImage
  /** px */
  readonly split?: number
}

export interface Screen extends Disposable {
  /** Shows a picture as a renderer's `draw` returned it; the canvas takes its size. Throws when two pictures' sizes differ. */
  show(picture: DrawnImage, options?: ShowOptions): Promise<void>
  /** Shows a picture of the host. */
  showPixels(pixels: HostPixels): void
}

/** Throws when the canvas gives no context for the device: a canvas that was drawn on in one way cannot be in the other. */
export function openScreen(device: Device, canvas: OffscreenCanvas | HTMLCanvasElement): Screen {
  return device.surface ? surfaceScreen(device, device.surface(canvas)) : canvasScreen(canvas)
}

function surfaceScreen(device: Device, surface: ReturnType<NonNullable<Device['surface']>>): Screen {
  let uploaded: Storage | undefined
  return {
    async show(picture, { left, split = 0 } = {}) {
      surface.show(regionOf(picture), regionOf(left ?? picture), left ? split : 0)
    },
    showPixels({ width, height, data }) {
      if (!uploaded || uploaded.length < width * height) {
        uploaded?.release()
        uploaded = new Storage(device, width * height, 'u32')
      }
      uploaded.write(new Uint32Array(data.buffer, data.byteOffset, width * height))
      surface.show(regionOf({ width, height, pixels: uploaded }))
    },
    [Symbol.dispose]() {
      uploaded?.release()
      uploaded = undefined
    },
  }
}

const regionOf = ({ width, height, pixels }: DrawnImage) => ({ width, height, region: { ...pixels.region, length: width * height } })

function canvasScreen(canvas: OffscreenCanvas | HTMLCanvasElement): Screen {
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D | null
  if (!context) throw new Error('openScreen: this canvas gives no 2D context; pass one that nothing else has drawn on')
  const showPixels = ({ width, height, data }: HostPixels): void => {
    if (canvas.width !== width) canvas.width = width
    if (canvas.height !== height) canvas.height = height
    context.putImageData(new ImageData(data, width, height), 0, 0)
  }
  return {
    async show(picture, { left, split = 0 } = {}) {
      const { width, height } = picture
      if (left && (left.width !== width || left.height !== height))
        throw new Error(`screen: pictures of ${left.width}x${left.height} and ${width}x${height} side by side; draw both at one size`)
      const words = await wordsOf(picture)
      if (left) {
        const other = await wordsOf(left)
        for (let y = 0; y < height; y++) words.set(other.subarray(y * width, y * width + split), y * width)
      }
      showPixels({ width, height, data: new Uint8ClampedArray(words.buffer) })
    },
    showPixels,
    [Symbol.dispose]() {},
  }
}

async function wordsOf({ width, height, pixels }: DrawnImage): Promise<Uint32Array<ArrayBuffer>> {
  return (await pixels.device.read({ ...pixels.region, length: width * height }, 'u32')) as Uint32Array<ArrayBuffer>
}
