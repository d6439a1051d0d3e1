/** Pictures of the work folder: written fast, read once or twice, removed at the end. */
import { writeFile } from 'node:fs/promises'
import type { Image } from '../../io/imageCodec.ts'

/** Writes a grey or RGB picture as a PNG with little compression: a third of the time for a quarter more bytes. */
export async function writePicture(path: string, { width, height, channels, data }: Image): Promise<void> {
  const { default: sharp } = await import('sharp')
  const pixels = sharp(data, { raw: { width, height, channels: channels === 1 ? 1 : 3 } })
  const png = pixels.toColourspace(channels === 1 ? 'b-w' : 'srgb').png({ compressionLevel: 2, adaptiveFiltering: false })
  await writeFile(path, await png.toBuffer())
}
