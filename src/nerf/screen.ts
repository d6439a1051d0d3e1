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

/** What is shown beside the picture. */
export interface ShowOptions {
  /** A second picture of the same size, shown in the columns before `split`. */
  readonly left?: DrawnImage
  /** px */
  readonly split?: number
}

/** A canvas that shows pictures. */
export interface Screen extends Disposable {
  /** Shows a picture as a renderer's `draw` returned it; the canvas takes its size. Throws when two pictures' sizes differ. */
  show(picture: DrawnImage, options?: ShowOptions): Promise<void>
  /** Shows a picture of the host. */
  showPixels(pixels: HostPixels): void
  /** Shows pictures of one size, drawn ones or the host's, in rows of `columns`; the canvas takes the size of all. Throws for none, and when sizes differ. */
  showGrid(pictures: readonly (DrawnImage | HostPixels)[], columns: number): Promise<void>
}

/** Throws when the canvas gives no context for the device: a canvas that was drawn on in one way cannot be in the other. */
export function openScreen(device: Device, canvas: OffscreenCanvas | HTMLCanvasElement): Screen {
  return device.surface ? surfaceScreen(device, device.surface(canvas)) : canvasScreen(canvas)
}

function surfaceScreen(device: Device, surface: ReturnType<NonNullable<Device['surface']>>): Screen {
  let own: Storage | undefined
  const room = (length: number): Storage => {
    if (!own || own.length < length) {
      own?.release()
      own = new Storage(device, length, 'u32')
    }
    return own
  }
  return {
    async show(picture, { left, split = 0 } = {}) {
      surface.show(regionOf(picture), regionOf(left ?? picture), left ? split : 0)
    },
    showPixels(pixels) {
      const { width, height } = pixels
      const uploaded = room(width * height)
      uploaded.write(hostWords(pixels))
      surface.show(regionOf({ width, height, pixels: uploaded }))
    },
    async showGrid(pictures, columns) {
      const { width, height } = sizeOfAll(pictures)
      const length = width * height
      const stacked = room(length * pictures.length)
      for (const [k, picture] of pictures.entries()) {
        if ('data' in picture) stacked.write(hostWords(picture), k * length)
        else device.copy({ ...picture.pixels.region, length }, { memory: stacked.region.memory, offset: stacked.region.offset + k * length, length })
      }
      surface.showGrid(regionOf({ width, height: height * pictures.length, pixels: stacked }), { count: pictures.length, columns })
    },
    [Symbol.dispose]() {
      own?.release()
      own = undefined
    },
  }
}

const hostWords = ({ width, height, data }: HostPixels): Uint32Array => new Uint32Array(data.buffer, data.byteOffset, width * height)

function sizeOfAll(pictures: readonly (DrawnImage | HostPixels)[]): { readonly width: number; readonly height: number } {
  if (pictures.length === 0) throw new Error('screen: no pictures for a grid; give at least one')
  const [{ width, height }] = pictures
  const other = pictures.find(picture => picture.width !== width || picture.height !== height)
  if (other) throw new Error(`screen: pictures of ${width}x${height} and ${other.width}x${other.height} in one grid; draw all at one size`)
  return { width, height }
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
    async showGrid(pictures, columns) {
      const { width, height } = sizeOfAll(pictures)
      const rows = Math.ceil(pictures.length / columns)
      const all = new Uint32Array(width * columns * height * rows)
      for (const [k, picture] of pictures.entries()) {
        const words = 'data' in picture ? hostWords(picture) : await wordsOf(picture)
        const corner = Math.floor(k / columns) * height * width * columns + (k % columns) * width
        for (let y = 0; y < height; y++) all.set(words.subarray(y * width, (y + 1) * width), corner + y * width * columns)
      }
      showPixels({ width: width * columns, height: height * rows, data: new Uint8ClampedArray(all.buffer) })
    },
    [Symbol.dispose]() {},
  }
}

async function wordsOf({ width, height, pixels }: DrawnImage): Promise<Uint32Array<ArrayBuffer>> {
  return (await pixels.device.read({ ...pixels.region, length: width * height }, 'u32')) as Uint32Array<ArrayBuffer>
}
