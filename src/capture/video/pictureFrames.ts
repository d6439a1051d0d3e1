/** Pictures without poses as frames, one a second in the order of their names, for what finds poses in videos. */
import type { Image } from '../../io/imageCodec.ts'
import { imageHeader } from '../../io/imageSize.ts'
import { decodePhotograph, upright } from '../../io/photograph.ts'
import type { ImportedCapture, ImportedFrame, ImportedImage } from '../importedCapture.ts'
import { decodeImported, decodeMask, pictureName } from '../importedPicture.ts'
import { someOf } from '../locate.ts'
import { reducePicture } from '../reducePicture.ts'
import type { VideoFrame } from './frames.ts'
import { shrunkSize } from './frames.ts'
import type { FrameSource } from './importVideo.ts'

export interface PictureOptions {
  /** What errors and the log call them: the path that was given. */
  where: string
  /** What shows through transparent pictures, sRGB bytes. Default white. */
  background?: readonly [number, number, number]
  /** What is white in the masks beside the pictures; 'none' leaves them alone. Default the person. */
  masksShow?: 'person' | 'background' | 'none'
}

/** A JPEG may carry a thumbnail in front of its size; beyond this the whole file is read. */
const HEAD = 2 ** 17

/**
 * The pictures of one shape, upright by EXIF: one pinhole serves all, so those of another shape than most are left out with a warning.
 * Throws, naming the file, when one cannot be read. Their masks are used when each has one.
 */
export async function pictureFrames(
  { frames, warnings }: Pick<ImportedCapture, 'frames' | 'warnings'>,
  { where, background = [255, 255, 255], masksShow = 'person' }: PictureOptions,
): Promise<FrameSource> {
  const sizes: [number, number][] = []
  for (const { image } of frames) sizes.push(await uprightSize(image))
  const shapes = sizes.map(([width, height]) => (width / height).toFixed(2))
  const count = (shape: string): number => shapes.filter(other => other === shape).length
  const most = [...shapes].sort((a, b) => count(b) - count(a))[0]
  const used = frames.filter((_, i) => shapes[i] === most)
  const others = frames.filter((_, i) => shapes[i] !== most)
  const said = [...warnings]
  if (others.length > 0)
    said.push(`skipped ${others.length} of another shape than most (turned, cropped): ${someOf(others.map(frame => pictureName(frame.image)))}`)
  const masked = masksShow === 'none' ? [] : used.filter(frame => frame.mask)
  if (masked.length > 0 && masked.length < used.length)
    said.push(`the masks were left out, because only ${masked.length} of ${used.length} pictures have one`)
  const [width, height] = sizes.filter((_, i) => shapes[i] === most).sort((a, b) => a[0] - b[0])[0]
  const decode = async (frame: ImportedFrame, longest: number): Promise<Image> =>
    reducePicture((await decodeImported(frame.image, { background })).image, ...shrunkSize(width, height, longest))
  return {
    kind: 'pictures',
    info: {
      ...{ path: where, codec: undefined, width, height, rotation: 0, hdr: undefined, matrix: 'bt709', fullRange: true },
      timestamps: Float64Array.from(used.keys()),
    },
    decoder: {
      name: 'pictures',
      async *frames(_, { longest, signal }): AsyncGenerator<VideoFrame> {
        for (const [index, frame] of used.entries()) {
          signal?.throwIfAborted()
          yield { index, time: index, image: await decode(frame, longest) }
        }
      },
    },
    ...(masked.length === used.length && { mask: (index: number) => maskOf(used[index], masksShow === 'background') }),
    warnings: said,
    files: used.map(({ image }) => (image.kind === 'file' ? image.path : image.name)),
  }
}

function maskOf({ mask, image }: ImportedFrame, isBackground: boolean): Promise<Image> {
  if (!mask) throw new Error(`${pictureName(image)}: has no mask; give each picture one`)
  return decodeMask(mask, isBackground, true)
}

async function uprightSize(image: ImportedImage): Promise<[number, number]> {
  if (image.kind === 'pixels') {
    const { width, height } = await image.decode()
    return [width, height]
  }
  const { source, path } = image
  const header = source.readRange && imageHeader(await source.readRange(path, 0, HEAD))
  if (header) return header.orientation >= 5 ? [header.height, header.width] : [header.width, header.height]
  const { width, height } = upright(await decodePhotograph(await source.read(path), source.describe(path)))
  return [width, height]
}
