import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImage, encodePng, encodeWebp, type Image } from '../../src/io/imageCodec.ts'
import { encodeWebpAnimation } from '../../src/io/webpAnimation.ts'

function picture(width: number, height: number, channels: number, shift = 0): Image {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7 + shift * 40 + (i % channels) * 60) & 255)
  return { width, height, channels, data }
}

describe('PNG', () => {
  it.each([1, 2, 3, 4])('%i channels come back exactly, without colour conversion', async channels => {
    const image = picture(7, 5, channels)
    expect(await decodeImage(await encodePng(image), 'a.png')).toEqual(image)
  })

  it('writes 16-bit grey that another decoder reads', async () => {
    const data = Uint16Array.of(0, 1, 256, 65535, 1234, 40000)
    const png = await encodePng({ width: 3, height: 2, channels: 1, data })
    const pipeline = sharp(png).toColourspace('grey16')
    const { data: raw, info } = await pipeline.raw({ depth: 'ushort' }).toBuffer({ resolveWithObject: true })
    expect(info.channels).toBe(1)
    expect([...new Uint16Array(raw.buffer, raw.byteOffset, 6)]).toEqual([...data])
    expect((await decodeImage(png, 'depth.png')).data[3]).toBe(255)
  })

  it('is compressed and refuses sizes that disagree', async () => {
    const flat = { width: 64, height: 64, channels: 3, data: new Uint8Array(64 * 64 * 3).fill(90) }
    expect((await encodePng(flat)).length).toBeLessThan(200)
    await expect(encodePng({ ...flat, width: 65 })).rejects.toThrow(/65x64x3 needs 12480 values, data has 12288/)
    await expect(encodePng({ ...flat, channels: 5 })).rejects.toThrow(/5 channels/)
    await expect(encodePng({ ...flat, width: 0 })).rejects.toThrow(/size is 0x64/)
  })
})

describe('decodeImage', () => {
  it('does not rotate by EXIF', async () => {
    const raw = { raw: { width: 6, height: 4, channels: 3 as const } }
    const jpeg = await sharp(picture(6, 4, 3).data, raw)
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer()
    expect(await decodeImage(jpeg, 'a.jpg')).toMatchObject({ width: 6, height: 4, channels: 3 })
  })

  it('names the file of a truncated, empty or foreign image', async () => {
    const png = readFileSync(new URL('../../assets/captures/ada-mini/rgb/1x/000000.png', import.meta.url))
    for (const cut of [png.length - 1, png.length - 20, 900, 20]) {
      await expect(decodeImage(png.subarray(0, cut), 'ada/1.png')).rejects.toThrow(
        `ada/1.png: the PNG is truncated after ${cut} bytes; copy or export it again`,
      )
    }
    const damaged = Uint8Array.from(png)
    damaged.fill(7, 200, 400)
    await expect(decodeImage(damaged, 'ada/1.png')).rejects.toThrow(/ada\/1.png: cannot decode the image/)
    const jpeg = await sharp(png).jpeg().toBuffer()
    await expect(decodeImage(jpeg.subarray(0, jpeg.length / 2), 'ada/1.jpg')).rejects.toThrow(/ada\/1.jpg: cannot decode/)
    await expect(decodeImage(new Uint8Array(0), 'ada/1.png')).rejects.toThrow(/empty \(0 bytes\)/)
    await expect(decodeImage(new TextEncoder().encode('<html>'), 'ada/1.png')).rejects.toThrow(/cannot decode the image of 6 bytes/)
  })
})

describe('WebP', () => {
  it('is exact when lossless, and takes grey', async () => {
    const image = picture(9, 4, 3)
    expect(await decodeImage(await encodeWebp(image, 'lossless'), 'a.webp')).toEqual(image)
    expect(await decodeImage(await encodeWebp(picture(4, 4, 1)), 'a.webp')).toMatchObject({ width: 4, channels: 3 })
    await expect(encodeWebp({ ...image, height: 5 })).rejects.toThrow(/9x5x3 does not hold 108/)
  })

  it.each([3, 4])('animates %i-channel frames that another decoder reads', async channels => {
    const frames = [0, 1, 2].map(i => picture(15, 10, channels, i))
    const bytes = await encodeWebpAnimation(frames, 12.5, 'lossless')
    const meta = await sharp(bytes, { pages: -1 }).metadata()
    expect(meta).toMatchObject({ format: 'webp', pages: 3, width: 15, pageHeight: 10, delay: [80, 80, 80], loop: 0 })
    for (const [page, frame] of frames.entries()) {
      const raw = await sharp(bytes, { page }).removeAlpha().raw().toBuffer()
      const opaque = [...frame.data].filter((_, i) => i % channels < 3)
      const visible = (i: number) => channels === 3 || frame.data[Math.floor(i / 3) * 4 + 3] > 0 // fully transparent colour is free
      expect([...raw].filter((_, i) => visible(i))).toEqual(opaque.filter((_, i) => visible(i)))
    }
  })

  it('refuses no frames, odd sizes and an impossible fps', async () => {
    await expect(encodeWebpAnimation([], 10)).rejects.toThrow(/no frames/)
    await expect(encodeWebpAnimation([picture(4, 4, 3), picture(4, 5, 3)], 10)).rejects.toThrow(/frame 1 is 4x5, frame 0 is 4x4/)
    await expect(encodeWebpAnimation([picture(4, 4, 3)], 0)).rejects.toThrow(/fps is 0/)
  })
})
