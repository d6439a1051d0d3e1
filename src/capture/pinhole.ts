/** Pictures through a `WideLens`, resampled as an ideal pinhole camera would have taken them. */
import { type Camera, scaleCamera } from '../camera/camera.ts'
import { distortWide, type WideLens } from '../camera/wideLens.ts'
import type { Image } from '../io/imageCodec.ts'
import { encodeSrgb, LINEAR } from './reducePicture.ts'

/** Points along each border that are checked to lie inside the source. */
const BORDER = 64
/** Most that the view is narrowed to keep it inside the source. */
const LARGEST_ZOOM = 4

/**
 * The pinhole camera that stands in for a lens: the same centre, and the focal length, made longer as far as needed for every one of its pixels to lie on
 * the source picture (a pixel without a source would be a lie to the training). Throws, with the model, when there is no such view.
 */
export function pinholeCamera(camera: Camera, lens: WideLens, name: string): Camera {
  const zoomed = (zoom: number): Camera => ({ ...camera, focalLength: camera.focalLength * zoom })
  if (covered(zoomed(1), camera, lens)) return zoomed(1)
  if (!covered(zoomed(LARGEST_ZOOM), camera, lens)) {
    throw new Error(`${name}: the ${lens.kind} lens ${JSON.stringify(lens)} gives no undistorted view of the picture; calibrate the camera again`)
  }
  let [low, high] = [1, LARGEST_ZOOM]
  for (let i = 0; i < 30; i++) {
    const middle = (low + high) / 2
    if (covered(zoomed(middle), camera, lens)) high = middle
    else low = middle
  }
  return zoomed(high)
}

/** Whether the border of the pinhole's view comes from inside the source picture. */
function covered(pinhole: Camera, source: Camera, lens: WideLens): boolean {
  const [width, height] = pinhole.imageSize
  for (let i = 0; i <= BORDER; i++) {
    const [x, y] = [(width * i) / BORDER, (height * i) / BORDER]
    for (const [px, py] of [[x, 0] as const, [x, height] as const, [0, y] as const, [width, y] as const]) {
      const [sx, sy] = sourcePixel(pinhole, source, lens, px, py)
      if (!(sx >= -1e-6 && sy >= -1e-6 && sx <= width + 1e-6 && sy <= height + 1e-6)) return false
    }
  }
  return true
}

/** Pixel of the source picture that shows what pixel (x, y) of the pinhole shows. */
function sourcePixel(pinhole: Camera, source: Camera, lens: WideLens, x: number, y: number): [number, number] {
  const v = (y - pinhole.principalPoint[1]) / (pinhole.focalLength * pinhole.pixelAspectRatio)
  const u = (x - pinhole.principalPoint[0] - pinhole.skew * v) / pinhole.focalLength
  const [ud, vd] = distortWide(lens, u, v)
  return [
    source.focalLength * ud + source.skew * vd + source.principalPoint[0],
    source.focalLength * source.pixelAspectRatio * vd + source.principalPoint[1],
  ]
}

export interface PinholeMap {
  readonly width: number
  readonly height: number
  /** Samples along each edge of an output pixel. */
  readonly samples: number
  /** Source pixels, [height, width, samples², 2]. */
  readonly positions: Float32Array
}

/** Where each output pixel of `pinhole`, at `width` wide, comes from; made once per lens, used for all its pictures. */
export function pinholeMap(pinhole: Camera, source: Camera, lens: WideLens, width: number, height: number): PinholeMap {
  // scaled by each axis, so that sizes which do not divide stay exact
  const [sx, sy] = [width / pinhole.imageSize[0], height / pinhole.imageSize[1]]
  const samples = Math.max(2, Math.ceil(1 / Math.min(sx, sy)))
  const positions = new Float32Array(width * height * samples * samples * 2)
  let at = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let j = 0; j < samples; j++) {
        for (let i = 0; i < samples; i++) {
          const found = sourcePixel(pinhole, source, lens, (x + (i + 0.5) / samples) / sx, (y + (j + 0.5) / samples) / sy)
          positions[at++] = found[0]
          positions[at++] = found[1]
        }
      }
    }
  }
  return { width, height, samples, positions }
}

/** The picture as the pinhole sees it: each pixel the mean light of samples² bilinear samples. Any channel count; `isLight` is false for masks. */
export function resample({ width: fromWidth, height: fromHeight, channels, data }: Image, map: PinholeMap, isLight: boolean): Image {
  const { width, height, samples, positions } = map
  const count = samples * samples
  // decoded once: a source value is read by about samples² · 4 taps
  const values = new Float32Array(data.length)
  for (let i = 0; i < values.length; i++) values[i] = isLight ? LINEAR[data[i]] : data[i] / 255
  const out = new Uint8Array(width * height * channels)
  const right = fromWidth - 1
  const bottom = fromHeight - 1
  const sums = new Float64Array(channels)
  // plain variables throughout: this loop runs millions of times per picture
  for (let pixel = 0, at = 0; pixel < width * height; pixel++) {
    sums.fill(0)
    for (let k = 0; k < count; k++, at += 2) {
      const x = Math.min(right, Math.max(0, positions[at] - 0.5))
      const y = Math.min(bottom, Math.max(0, positions[at + 1] - 0.5))
      const x0 = Math.floor(x)
      const y0 = Math.floor(y)
      const fx = x - x0
      const fy = y - y0
      const a = (y0 * fromWidth + x0) * channels
      const b = x0 < right ? a + channels : a
      const down = y0 < bottom ? fromWidth * channels : 0
      for (let c = 0; c < channels; c++) {
        const upper = values[a + c] + fx * (values[b + c] - values[a + c])
        const lower = values[a + down + c] + fx * (values[b + down + c] - values[a + down + c])
        sums[c] += upper + fy * (lower - upper)
      }
    }
    for (let c = 0; c < channels; c++) out[pixel * channels + c] = isLight ? encodeSrgb(sums[c] / count) : Math.round((255 * sums[c]) / count)
  }
  return { width, height, channels, data: out }
}

/** The camera at another size, each axis scaled by itself: exact also where the sizes do not divide. */
export function resizeCamera(camera: Camera, width: number, height: number): Camera {
  const [sx, sy] = [width / camera.imageSize[0], height / camera.imageSize[1]]
  if (sx === sy) return scaleCamera(camera, sx, [width, height])
  return {
    ...camera,
    focalLength: camera.focalLength * sx,
    pixelAspectRatio: (camera.pixelAspectRatio * sy) / sx,
    principalPoint: [camera.principalPoint[0] * sx, camera.principalPoint[1] * sy],
    skew: camera.skew * sx,
    imageSize: [width, height],
  }
}
