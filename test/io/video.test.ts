/** Films written through ffmpeg, read back by ffprobe's kin in mediabunny. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ALL_FORMATS, BufferSource, Input } from 'mediabunny'
import { describe, expect, it } from 'vitest'
import { ffmpegEncoder, openFfmpegVideo } from '../../src/io/ffmpegVideo.ts'
import type { Image } from '../../src/io/imageCodec.ts'
import { DIGITAL_SOURCE_TYPE } from '../../src/io/syntheticMedia.ts'
import { evenRgba, openVideo, type VideoFormat, videoCodecs } from '../../src/io/videoFile.ts'
import { scratchFolder } from '../house/scratchBuild.ts'

const folder = scratchFolder('video')
const WIDTH = 33
const HEIGHT = 25
const frame = (i: number): Image => ({
  width: WIDTH,
  height: HEIGHT,
  channels: 3,
  data: Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, k) => (k % 3 === 0 ? 220 : 60 + i)),
})
const options = { fps: 10, width: WIDTH, height: HEIGHT, about: { scene: 'ada', prompt: 'a surprised face' } }

describe.each(['mp4', 'webm'] as VideoFormat[])('%s through ffmpeg', format => {
  it('has the pictures, their time, their colour and the tag', async context => {
    if (!(await ffmpegEncoder(format))) return context.skip('no ffmpeg that encodes it')
    const path = join(folder, `a.${format}`)
    const video = await openFfmpegVideo(path, { ...options, format })
    for (let i = 0; i < 12; i++) await video.add(frame(i))
    expect(existsSync(path)).toBe(false)
    expect(await video.finish()).toBe(path)
    using input = new Input({ formats: ALL_FORMATS, source: new BufferSource(readFileSync(path)) })
    const track = await input.getPrimaryVideoTrack()
    expect([track?.codedWidth, track?.codedHeight]).toEqual([34, 26])
    expect(await input.computeDuration()).toBeCloseTo(1.2, 1)
    const tags = await input.getMetadataTags()
    expect(JSON.stringify(tags)).toContain(DIGITAL_SOURCE_TYPE)
    expect(JSON.stringify(tags)).toContain('edited to')
    const raw = await promisify(execFile)('ffmpeg', ['-v', 'error', '-i', path, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {
      encoding: 'buffer',
    })
    const [r, g, b] = raw.stdout
    for (const [value, wanted] of [[r, 220] as const, [g, 60] as const, [b, 60] as const]) expect(Math.abs(value - wanted)).toBeLessThan(8)
  })

  it('leaves nothing when it is given up', async context => {
    if (!(await ffmpegEncoder(format))) return context.skip('no ffmpeg that encodes it')
    const video = await openFfmpegVideo(join(folder, `b.${format}`), { ...options, format })
    await video.add(frame(0))
    await video.cancel()
    expect(readdirSync(folder).filter(name => name.includes('b.'))).toEqual([])
  })
})

it('refuses what is no film', async () => {
  await expect(openFfmpegVideo(join(folder, 'c.mp4'), { ...options, format: 'mp4', fps: 0 })).rejects.toThrow('video: fps is 0; give 1 to 240')
  await expect(openVideo({ ...options, format: 'mp4', width: 0 })).rejects.toThrow('video: size is 0x25')
  expect(() => evenRgba(frame(0), { width: 32, height: 25 })).toThrow('a picture of 33x25x3 in a film of 32x25')
})

it('says that Node by itself has no encoders', async () => {
  await expect(openVideo({ ...options, format: 'mp4' })).rejects.toThrow('video: nothing here encodes mp4; use a browser with WebCodecs')
  expect(await videoCodecs(options)).toEqual({})
})

it('repeats the last column and row of odd sizes', () => {
  const out = evenRgba(frame(0), options)
  expect(out).toHaveLength(4 * 34 * 26)
  expect([...out.subarray(-4)]).toEqual([220, 60, 60, 255])
})
