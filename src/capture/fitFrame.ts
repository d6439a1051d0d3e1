/** One frame of an import made fit for a capture: decoded, its camera in its own pixels, undistorted where `Camera` cannot say the lens, reduced. */
import type { Camera } from '../camera/camera.ts'
import { pixelsToRays, project } from '../camera/rays.ts'
import { add } from '../camera/vector.ts'
import type { WideLens } from '../camera/wideLens.ts'
import type { Image } from '../io/imageCodec.ts'
import { boxResize } from './boxFilter.ts'
import { CaptureError } from './capture.ts'
import type { CaptureFileOptions } from './captureFiles.ts'
import type { ImportedFrame } from './importedCapture.ts'
import { type DecodedPicture, decodeImported, decodeMask, pictureName, sameShape } from './importedPicture.ts'
import { type PinholeMap, pinholeCamera, pinholeMap, resample, resizeCamera } from './pinhole.ts'
import { reducePicture } from './reducePicture.ts'

export interface DecodedFrame extends DecodedPicture {
  mask?: Image
  turned: boolean
}

const WHITE = [255, 255, 255] as const

/** Decoding and fitting frames; the map of a wide lens is kept from one frame to the next. */
export function frameWork({ background = WHITE, masks = 'person' }: CaptureFileOptions, size: number) {
  let known: { key: string; pinhole: Camera; map: PinholeMap } | undefined
  const undistorted = (camera: Camera, lens: WideLens, name: string): { pinhole: Camera; map: PinholeMap } => {
    const { orientation, position, ...intrinsics } = camera
    const key = JSON.stringify([intrinsics, lens])
    if (known?.key !== key) {
      const pinhole = pinholeCamera(camera, lens, name)
      known = { key, pinhole, map: pinholeMap(pinhole, camera, lens, ...fittedSize(camera.imageSize, size)) }
    }
    return { pinhole: { ...known.pinhole, orientation, position }, map: known.map }
  }
  return {
    async decode(frame: ImportedFrame): Promise<DecodedFrame> {
      const picture = await decodeImported(frame.image, { size: frame.camera?.imageSize, background })
      if (masks === 'none') return { image: picture.image, turned: picture.turned }
      const mask = frame.mask ? await decodeMask(frame.mask, masks === 'background', picture.turned) : picture.alpha
      return { ...picture, ...(mask && { mask }) }
    },
    fit(frame: ImportedFrame, { image, mask, turned }: DecodedFrame, notes: Notes): { camera: Camera; image: Image; mask?: Image } {
      const where = pictureName(frame.image)
      if (!frame.camera) throw new CaptureError(`${where}: no camera`)
      if (turned) notes.add('turned upright, because only so does it have the size of its camera', where)
      const full = cameraOf(frame.camera, image, where, notes)
      if (mask && !sameShape(mask, full.imageSize))
        throw new CaptureError(
          `${where}: its mask is ${mask.width}x${mask.height} for a picture of ${image.width}x${image.height}; export it with the same shape`,
        )
      const [width, height] = fittedSize(full.imageSize, size)
      if (width !== image.width) notes.size(image, width, height)
      if (frame.lens) {
        const { pinhole, map } = undistorted(full, frame.lens, where)
        const coverage = mask && resample(resizeMask(mask, image.width, image.height), map, false)
        return { camera: resizeCamera(pinhole, width, height), image: resample(image, map, true), ...(coverage && { mask: coverage }) }
      }
      if (foldsOver(full)) notes.add('a lens whose distortion folds over at the corners; calibrate with fewer coefficients', where)
      const coverage = mask && resizeMask(mask, width, height)
      return { camera: resizeCamera(full, width, height), image: reducePicture(image, width, height), ...(coverage && { mask: coverage }) }
    },
  }
}

/** The camera in the picture's own pixels; a picture of another size but the same shape was scaled by someone, and its camera is scaled alike. */
function cameraOf(camera: Camera, image: Image, where: string, notes: Notes): Camera {
  const [width, height] = camera.imageSize
  if (image.width === width && image.height === height) return camera
  if (!sameShape(image, camera.imageSize)) {
    throw new CaptureError(
      `${where}: the picture is ${image.width}x${image.height}, its camera ${width}x${height}; use the picture the poses were found with, uncropped and not turned`,
    )
  }
  notes.add(`smaller or larger than its camera says (${image.width}x${image.height} for ${width}x${height}); the camera was scaled`, where)
  return resizeCamera(camera, image.width, image.height)
}

/** Longest edge at most `size`. */
function fittedSize([width, height]: readonly [number, number], size: number): [number, number] {
  const factor = size > 0 ? Math.min(1, size / Math.max(width, height)) : 1
  return [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))]
}

function resizeMask(mask: Image, width: number, height: number): Image {
  if (mask.width === width && mask.height === height) return mask
  return { width, height, channels: 1, data: Uint8Array.from(boxResize(mask.data, mask.width, mask.height, width, height), Math.round) }
}

/** Whether a corner's ray does not come back to the corner: the distortion is not one to one there. */
function foldsOver(camera: Camera): boolean {
  if ([...camera.radialDistortion, ...camera.tangentialDistortion].every(value => value === 0)) return false
  const [width, height] = camera.imageSize
  return [0, width].some(x =>
    [0, height].some(y => {
      const ray = pixelsToRays(camera, [x, y])
      const [px, py] = project(camera, add(camera.position, [ray[0], ray[1], ray[2]]))
      return !(Math.hypot(px - x, py - y) < 0.5)
    }),
  )
}

/** Repairs that happen to many frames are said once, with their number and the first name. */
export class Notes {
  private readonly found = new Map<string, string[]>()
  private sizes = new Set<string>()

  add(what: string, where: string): void {
    this.found.set(what, [...(this.found.get(what) ?? []), where])
  }

  size({ width, height }: Image, toWidth: number, toHeight: number): void {
    this.sizes.add(`pictures of ${width}x${height} were reduced to ${toWidth}x${toHeight}`)
  }

  sentences(): string[] {
    const repairs = [...this.found].map(([what, where]) =>
      where.length === 1 ? `${where[0]}: ${what}` : `${where[0]} and ${where.length - 1} more: ${what}`,
    )
    return [...repairs, ...this.sizes]
  }
}
