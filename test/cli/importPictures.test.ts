/** `import` of pictures without poses: they become frames as those of a video do. Faces and poses are found elsewhere in the tests. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { run } from '../../cli/run.ts'
import { loadCapture } from '../../src/capture/capture.ts'
import { imagePath, maskPath } from '../../src/capture/video/importVideo.ts'
import { pairsToMatch } from '../../src/capture/video/poses.ts'
import { encodePng } from '../../src/io/imageCodec.ts'
import { arc, picture } from '../capture/import/formatFixtures.ts'
import { fakeTerminal } from './fakeTerminal.ts'

vi.mock('../../src/capture/face/faceAnalyser.ts', () => ({ openFaceAnalyser: async () => undefined }))
vi.mock(import('../../src/capture/video/poses.ts'), async original => ({
  ...(await original()),
  async *posesByColmap({ kept, size: [width, height], source }) {
    const cameras = arc(kept.length, { imageSize: [width, height], principalPoint: [width / 2, height / 2], focalLength: 130 })
    const file = (path: string) => ({ kind: 'file' as const, source, path })
    const frames = kept.map(({ id, hasMask }, i) => ({
      ...{ id, camera: cameras[i], image: file(imagePath(id)), split: 'train' as const },
      ...(hasMask && { mask: file(maskPath(id)) }),
    }))
    return { frames, about: { poses: { method: 'colmap' } } }
  },
}))

const folder = mkdtempSync(join(tmpdir(), 'faceclipnerf-pictures-'))
const at = (name: string): string => join(folder, name)
const leftovers = (): string[] => readdirSync(folder).filter(name => /\.(work|tmp)$|^\./.test(name))

async function importTo(name: string, ...argv: string[]) {
  const terminal = fakeTerminal()
  const code = await run(['import', ...argv, '-o', at(name), '--yes'], terminal)
  return { code, said: terminal.stdout + terminal.stderr }
}

/** Pictures with masks in which the background is white; one is stored on its side, as phones do it. */
async function photos(name: string, count: number): Promise<void> {
  mkdirSync(at(`${name}/masks`), { recursive: true })
  for (let i = 0; i < count; i++) {
    const stored = sharp(await picture(96, 64, { seed: i }))
    const photo = i === 3 ? stored.rotate(-90).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }) : stored.png()
    writeFileSync(at(`${name}/IMG ${i + 1}.${i === 3 ? 'jpg' : 'png'}`), await photo.toBuffer())
    const mask = Uint8Array.from({ length: 96 * 64 }, (_, k) => (k < 96 * 32 ? 255 : 0))
    writeFileSync(at(`${name}/masks/IMG ${i + 1}.png`), await encodePng({ width: 96, height: 64, channels: 1, data: mask }))
  }
}

beforeAll(() => {
  process.env.XDG_CONFIG_HOME = at('config')
})
afterAll(() => {
  delete process.env.XDG_CONFIG_HOME
  rmSync(folder, { recursive: true })
})

it('are frames in the order of their names, upright, with the masks beside them', async () => {
  await photos('photos', 10)
  writeFileSync(at('photos/upright.png'), await picture(64, 96))
  const { code, said } = await importTo('a.capture', at('photos'), '--poses', 'colmap', '--masks', 'background', '--holdout', '0')
  expect(code, said).toBe(0)
  expect(said).toMatch(/warning: skipped 1 of another shape than most \(turned, cropped\): .*upright\.png/)
  const { format, video } = JSON.parse(readFileSync(at('a.capture/capture.json'), 'utf8'))
  expect([format, video.masks, video.pictures.slice(2, 4), video.pictures.at(-1)]).toEqual([
    ...['images', 'given'],
    ['IMG 3.png', 'IMG 4.jpg'],
    'IMG 10.png',
  ])
  const { frames } = await loadCapture(at('a.capture'))
  expect(frames.map(({ camera }) => camera.imageSize)).toEqual(Array(10).fill([96, 64]))
  // the person is where the background is not
  expect([frames[0].mask?.[0], frames[0].mask?.at(-1)]).toEqual([0, 1])
  expect(leftovers()).toEqual([])
}, 60_000)

it('says how many are needed, and leaves nothing', async () => {
  await photos('few', 5)
  const { code, said } = await importTo('b.capture', at('few'))
  expect([code, said]).toEqual([1, expect.stringMatching(/few: 5 usable frames of 5; a capture needs at least 8, and 50 or more from different/)])
  expect([existsSync(at('b.capture')), leftovers()]).toEqual([false, []])
})

it('are matched each with each, up to 150 of them', () => {
  expect(pairsToMatch('pictures', 4)).toEqual([
    [0, 1],
    [0, 2],
    [0, 3],
    [1, 2],
    [1, 3],
    [2, 3],
  ])
  expect(pairsToMatch('pictures', 150)).toHaveLength((150 * 149) / 2)
  expect(pairsToMatch('pictures', 151)).toEqual([])
  expect(pairsToMatch('video', 4)).toEqual([])
})
