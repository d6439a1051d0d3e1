/** Driving COLMAP, with a stand-in that speaks as 3.8 and as 4.x do: options, progress, the starting focal length, and every way to fail. */
import { chmodSync, copyFileSync, createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ColmapModel } from '../../../src/capture/poses/colmapCommands.ts'
import { setStartingFocal } from '../../../src/capture/poses/colmapLens.ts'
import { colmapPoses, type PoseStep } from '../../../src/capture/poses/colmapPoses.ts'
import { findColmap, option } from '../../../src/capture/poses/colmapProgram.ts'
import { scratch } from '../video/ffmpeg.ts'

const folder = scratch('colmap')
const bin = join(folder, 'bin')
const PATH = process.env.PATH ?? ''
let count = 0

beforeAll(() => {
  mkdirSync(bin)
  copyFileSync(new URL('fakeColmap.mjs', import.meta.url), join(bin, 'colmap'))
  chmodSync(join(bin, 'colmap'), 0o755)
})
beforeEach(() => {
  process.env.PATH = `${bin}${delimiter}${dirname(process.execPath)}${delimiter}${PATH}`
  process.env.FAKE_COLMAP = 'works'
  process.env.FAKE_COLMAP_VERSION = '3.8'
  delete process.env.FAKE_COLMAP_SIZE
})
afterEach(() => {
  process.env.PATH = PATH
})

async function run(
  more: { limit?: number; signal?: AbortSignal; pairs?: [number, number][]; focalLength?: number } = {},
): Promise<{ model: ColmapModel; steps: PoseStep[]; work: string; log: string }> {
  count++
  const work = join(folder, `work${count}`)
  const images = join(work, 'images')
  mkdirSync(images, { recursive: true })
  const names = Array.from({ length: 12 }, (_, i) => `${String(i).padStart(6, '0')}.png`)
  for (const name of names) writeFileSync(join(images, name), '')
  const logPath = join(folder, `log${count}`)
  const log = createWriteStream(logPath)
  const colmap = await findColmap()
  if (!colmap) throw new Error('no colmap')
  const steps: PoseStep[] = []
  const generator = colmapPoses(colmap, { images, names, size: [96, 64], work, log, logPath, limit: 30, threads: 2, ...more })
  let next = await generator.next()
  for (; !next.done; next = await generator.next()) steps.push(next.value)
  await new Promise<void>(done => log.end(done))
  return { model: next.value, steps, work, log: readFileSync(logPath, 'utf8') }
}

describe('COLMAP', () => {
  it.each(['3.8', '4.0.2'])('%s: runs its stages and finds the focal length that explains most', async version => {
    process.env.FAKE_COLMAP_VERSION = version
    const { model, steps, work, log } = await run({ pairs: [[0, 9]] })
    expect(model.quality).toMatchObject({ registered: 12, focalLength: 130, error: 0.4 })
    expect([...new Set(steps.map(step => step.stage))]).toEqual(['features', 'matches', 'lens', 'poses'])
    for (const stage of ['features', 'matches', 'poses'])
      expect(steps.filter(step => step.stage === stage).at(-1)).toMatchObject({ step: 12, steps: 12 })
    // the starts on a stretch, then the whole with what the best of them came to
    expect(readFileSync(join(work, 'focals.txt'), 'utf8').trim().split('\n').map(Number).map(Math.round)).toEqual([69, 84, 102, 123, 144, 173, 130])
    expect(log).toContain(version.startsWith('4') ? '--FeatureExtraction.use_gpu 0' : '--SiftExtraction.use_gpu 0')
    expect(log).toMatch(/point_filtering .*--max_reproj_error 1\.00 --min_track_len 3/)
    expect(log).toMatch(/matches_importer .*--match_type pairs/)
    expect(readFileSync(join(work, 'pairs.txt'), 'utf8')).toBe('000000.png 000009.png\n')
  })

  it('maps at once with a focal length that is known', async () => {
    const { steps, work } = await run({ focalLength: 140 })
    expect(steps.some(step => step.stage === 'lens')).toBe(false)
    expect(readFileSync(join(work, 'focals.txt'), 'utf8')).toBe('140\n')
  })

  it.each([
    ['few', /the room shows too little to hold on to \(20 features in a typical picture\).*--poses face.*log/],
    ['static', /found no two pictures that show the room from different places.*--poses face/],
    ['crash', /COLMAP found no two pictures|mapper ended with SIGSEGV/],
  ])('%s: one reason in plain words', async (mode, message) => {
    process.env.FAKE_COLMAP = mode
    await expect(run()).rejects.toThrow(message)
  })

  it('stops the mapper when its time is over, and says how far it was', async () => {
    process.env.FAKE_COLMAP = 'slow'
    await expect(run({ limit: 1 })).rejects.toThrow(/had placed \d+ of 12 pictures when its \d+ s were over; allow more with --pose-limit/)
  }, 30_000)

  it('stops when asked to', async () => {
    process.env.FAKE_COLMAP = 'slow'
    await expect(run({ signal: AbortSignal.timeout(400) })).rejects.toThrow(/aborted|timeout/i)
  })

  it('refuses versions before 3.8, and does without it where there is none', async () => {
    process.env.FAKE_COLMAP_VERSION = '3.6'
    await expect(findColmap()).rejects.toThrow(/version 3\.6 is too old; install COLMAP 3\.8/)
    process.env.PATH = folder
    expect(await findColmap()).toBeUndefined()
  })

  it('passes only options that the version knows', () => {
    expect(option(new Set(['A.b']), ['C.d', 'A.b'], 1)).toEqual(['--A.b', '1'])
    expect(option(new Set(['A.b']), ['C.d'], 1)).toEqual([])
  })
})

describe('the starting focal length', () => {
  const file = join(folder, 'cameras.db')
  const doubles = (...numbers: number[]): Buffer => Buffer.from(Float64Array.from(numbers).buffer)

  it('is written into the one camera', async () => {
    writeFileSync(file, Buffer.concat([Buffer.alloc(77, 3), doubles(115.2, 48, 32), Buffer.alloc(50, 5)]))
    expect(await setStartingFocal(file, [96, 64], 99)).toBe(true)
    expect(readFileSync(file).readDoubleLE(77)).toBe(99)
  })

  it('is left alone where there are several, none, or changes wait beside the file', async () => {
    for (const bytes of [Buffer.alloc(300), Buffer.concat([doubles(115.2, 48, 32), doubles(100, 48, 32)])]) {
      writeFileSync(file, bytes)
      expect(await setStartingFocal(file, [96, 64], 99)).toBe(false)
      expect(readFileSync(file).equals(bytes)).toBe(true)
    }
    writeFileSync(file, doubles(115.2, 48, 32))
    writeFileSync(`${file}-wal`, 'x')
    expect(await setStartingFocal(file, [96, 64], 99)).toBe(false)
  })
})
