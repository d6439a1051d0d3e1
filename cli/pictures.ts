/** Renders as the files that verbs write; each says of itself that it is synthetic. */
import { extname } from 'node:path'
import {
  encodePng,
  encodeWebp,
  encodeWebpAnimation,
  greyPicture,
  type Image,
  type RenderedImage,
  type SheetCell,
  type SyntheticMedia,
  sheet,
  tagImage,
  writeAtomic,
} from 'faceclipnerf'

/** Writes a .png or .webp by the path's ending. */
export async function writeImage(path: string, image: Image, about: SyntheticMedia): Promise<void> {
  const bytes = extname(path).toLowerCase() === '.webp' ? await encodeWebp(image) : await encodePng(image)
  await writeAtomic(path, tagImage(bytes, about))
}

export async function writeAnimation(path: string, frames: Image[], fps: number, about: SyntheticMedia): Promise<void> {
  await writeAtomic(path, tagImage(await encodeWebpAnimation(frames, fps), about))
}

/** Depth as 16-bit grey: 65535 is `far`, 0 is where the ray met nothing. */
export async function writeDepth(
  path: string,
  { width, height, depth, accumulation }: RenderedImage,
  far: number,
  about: SyntheticMedia,
): Promise<void> {
  const data = Uint16Array.from(depth, (t, i) => (accumulation[i] >= 0.5 ? Math.min(65535, Math.max(1, Math.round((t / far) * 65535))) : 0))
  await writeAtomic(path, tagImage(await encodePng({ width, height, channels: 1, data }), about))
}

/** One grey picture per channel, white where it is 1. */
export function channelSheet({ width, height, channels, channelCount }: RenderedImage, labels: readonly string[], scale: number): Image {
  const cells: SheetCell[] = labels.map((label, k) => {
    const values = Float32Array.from({ length: width * height }, (_, i) => channels[i * channelCount + k])
    return { ...greyPicture(width, height, values), label }
  })
  return sheet([cells], { scale })
}

/** Small pictures are enlarged until they are about this wide: sheets are for people. */
const COMFORTABLE_WIDTH = 256

export function sheetScale(width: number): number {
  return Math.max(1, Math.floor(COMFORTABLE_WIDTH / width))
}
