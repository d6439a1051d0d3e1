/** What a video's headers say, and that its frames come upright, at their instants, with their colours. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openDecoder } from '../../../src/capture/video/frames.ts'
import { isVideoFile, probeVideo } from '../../../src/capture/video/probe.ts'
import { shrink, upright } from '../../../src/capture/video/serverFrames.ts'
import type { Image } from '../../../src/io/imageCodec.ts'
import { ffmpeg, hasFfmpeg, scratch } from './ffmpeg.ts'

const folder = scratch('frames')
const at = (name: string): string => join(folder, name)

async function decode(path: string, longest = 1280, grey = false): Promise<{ times: number[]; images: Image[] }> {
  const info = await probeVideo(path)
  const decoder = await openDecoder(info)
  const [times, images]: [number[], Image[]] = [[], []]
  for await (const { time, image } of decoder.frames(info, { longest, grey })) {
    times.push(time)
    images.push(image)
  }
  return { times, images }
}

const pixel = ({ width, channels, data }: Image, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * channels, (y * width + x) * channels + channels),
]

describe.skipIf(!hasFfmpeg)('videos', () => {
  beforeAll(() => {
    // left half red, right half blue, one second
    const halves = 'color=red:s=48x64:r=10:d=1[a];color=blue:s=48x64:r=10:d=1[b];[a][b]hstack'
    const bt709 = ['-vf', 'scale=out_color_matrix=bt709:out_range=tv', '-pix_fmt', 'yuv420p', '-colorspace', 'bt709', '-color_range', 'tv']
    ffmpeg('-f', 'lavfi', '-i', halves, ...bt709, '-c:v', 'libx264', '-qp', '1', at('plain.mp4'))
    ffmpeg('-i', at('plain.mp4'), '-c', 'copy', at('plain.mov'))
    ffmpeg('-i', at('plain.mp4'), '-c:v', 'libvpx-vp9', '-lossless', '1', '-cpu-used', '8', at('plain.webm'))
    ffmpeg('-i', at('plain.mp4'), '-vf', "select='not(eq(n,1)+eq(n,2)+eq(n,5))'", '-vsync', 'vfr', '-c:v', 'libx264', at('varying.mp4'))
    writeFileSync(at('turned.mp4'), rotated(readFileSync(at('plain.mp4'))))
  }, 60_000)

  it.each(['plain.mp4', 'plain.mov', 'plain.webm'])('%s: size, instants and colours', async name => {
    expect(await isVideoFile(at(name))).toBe(true)
    const info = await probeVideo(at(name))
    expect([info.width, info.height, info.rotation, info.timestamps.length, info.hdr]).toEqual([96, 64, 0, 10, undefined])
    const { times, images } = await decode(at(name))
    expect(times.map(t => Math.round(10 * t))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const [red, , redBlue] = pixel(images[4], 20, 32)
    expect([red > 245, redBlue < 12]).toEqual([true, true])
    expect(pixel(images[4], 70, 32)[2]).toBeGreaterThan(240)
  })

  it('keeps the instants of a varying frame rate', async () => {
    const { times } = await decode(at('varying.mp4'))
    expect(times.map(t => Math.round(10 * t))).toEqual([0, 3, 4, 6, 7, 8, 9])
  })

  it('turns by the rotation that the file asks for', async () => {
    const info = await probeVideo(at('turned.mp4'))
    expect([info.width, info.height, info.rotation]).toEqual([64, 96, 90])
    const { images } = await decode(at('turned.mp4'))
    expect([images[0].width, images[0].height]).toEqual([64, 96])
    // clockwise: what was left is now above
    expect(pixel(images[0], 32, 10)[0]).toBeGreaterThan(240)
    expect(pixel(images[0], 32, 86)[2]).toBeGreaterThan(240)
  })

  it('shrinks to the longer side asked for, and to grey', async () => {
    const { images } = await decode(at('plain.mp4'), 48, true)
    expect([images[0].width, images[0].height, images[0].channels]).toEqual([48, 32, 1])
  })

  it('stops when asked to, and leaves no program behind', async () => {
    const info = await probeVideo(at('plain.mp4'))
    const controller = new AbortController()
    const frames = (await openDecoder(info)).frames(info, { longest: 1280, signal: controller.signal })
    await frames.next()
    controller.abort()
    await expect(frames.next()).rejects.toThrow(/abort/i)
    await expect(frames.next()).resolves.toEqual({ done: true, value: undefined })
  })

  it('tone-maps HDR and says so', async () => {
    const bt2020 = 'format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc'
    ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc=s=96x64:r=10:d=0.5',
      '-vf',
      bt2020,
      '-c:v',
      'libx265',
      '-x265-params',
      'log-level=none',
      '-tag:v',
      'hvc1',
      at('hdr.mp4'),
    )
    const info = await probeVideo(at('hdr.mp4'))
    expect(info.hdr).toBeTruthy()
    const decoder = await openDecoder(info)
    expect(decoder.warning).toMatch(/HDR .* tone-mapped/)
    const { images } = await decode(at('hdr.mp4'))
    expect(images).toHaveLength(5)
  }, 60_000)
})

/** The same mp4 with the rotation matrix of its track set to 90 degrees clockwise. */
function rotated(bytes: Buffer): Buffer {
  const out = Buffer.from(bytes)
  const tkhd = out.indexOf('tkhd')
  const matrix = tkhd + 4 + 4 + 20 + 8 + 8 // version and flags, five times of version 0, reserved, layer to volume
  const values = [0, 0x10000, 0, -0x10000, 0, 0, 64 << 16, 0, 0x40000000]
  for (const [i, value] of values.entries()) out.writeInt32BE(value, matrix + 4 * i)
  return out
}

describe('pictures', () => {
  const image: Image = { width: 3, height: 2, channels: 1, data: Uint8Array.from([1, 2, 3, 4, 5, 6]) }

  it('turns clockwise', () => {
    expect([...upright(image, 90).data]).toEqual([4, 1, 5, 2, 6, 3])
    expect([...upright(image, 180).data]).toEqual([6, 5, 4, 3, 2, 1])
    expect([...upright(image, 270).data]).toEqual([3, 6, 2, 5, 1, 4])
    expect(upright(image, 0)).toEqual(image)
  })

  it('shrinks by area', () => {
    const small = shrink({ width: 4, height: 2, channels: 1, data: Uint8Array.from([0, 10, 20, 30, 0, 10, 20, 30]) }, 2)
    expect([small.width, small.height, ...small.data]).toEqual([2, 1, 5, 25])
  })
})
