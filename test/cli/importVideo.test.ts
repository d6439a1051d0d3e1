/** `import` of videos: every broken one is one clear error that leaves nothing behind; a good one becomes a capture, and `inspect` reports on it. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../cli/run.ts'
import { loadCapture } from '../../src/capture/capture.ts'
import { ffmpeg, hasFfmpeg, scratch } from '../capture/video/ffmpeg.ts'
import { fakeTerminal } from './fakeTerminal.ts'

const folder = scratch('import-video')
const at = (name: string): string => join(folder, name)
const PATH = process.env.PATH ?? ''
const NODE = dirname(process.execPath)

async function cli(...argv: string[]) {
  const terminal = fakeTerminal()
  const code = await run(argv, terminal)
  return { code, out: terminal.stdout, err: terminal.stderr }
}
const importTo = (name: string, ...argv: string[]) => cli('import', ...argv, '-o', at(name), '--yes')
/** What is in the folder beside what the tests put there. */
const leftovers = (): string[] => readdirSync(folder).filter(name => /\.(work|tmp)$|^\./.test(name))

beforeAll(() => {
  process.env.XDG_CONFIG_HOME = at('config')
  mkdirSync(at('bin'))
  copyFileSync(new URL('../capture/poses/fakeColmap.mjs', import.meta.url), at('bin/colmap'))
  chmodSync(at('bin/colmap'), 0o755)
  if (!hasFfmpeg) return
  // a pattern that moves, 24 frames; its green border keeps changing, so the camera counts as moving
  ffmpeg('-f', 'lavfi', '-i', 'mandelbrot=s=96x64:r=12', '-t', '2', '-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-bf', '0', at('good.mp4'))
  ffmpeg('-f', 'lavfi', '-i', 'sine=d=1', '-c:a', 'aac', at('sound.mp4'))
  ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=96x64:r=10:d=0.3', at('short.mp4'))
  ffmpeg('-i', at('good.mp4'), '-c', 'copy', '-movflags', '+faststart', at('fast.mp4'))
  const bytes = readFileSync(at('fast.mp4'))
  writeFileSync(at('cut.mp4'), bytes.subarray(0, Math.floor(0.6 * bytes.length)))
  const whole = readFileSync(at('good.mp4'))
  writeFileSync(at('headless.mp4'), whole.subarray(0, Math.floor(0.6 * whole.length)))
  ffmpeg('-f', 'lavfi', '-i', 'color=white:s=96x64:r=12:d=2', '-pix_fmt', 'yuv420p', at('mask.mp4'))
  ffmpeg('-f', 'lavfi', '-i', 'color=white:s=64x64:r=12:d=2', '-pix_fmt', 'yuv420p', at('square.mp4'))
  ffmpeg('-f', 'lavfi', '-i', 'color=white:s=96x64:r=12:d=1', '-pix_fmt', 'yuv420p', at('early.mp4'))
}, 60_000)
afterAll(() => {
  process.env.PATH = PATH
})

describe.skipIf(!hasFfmpeg)('import of a video', () => {
  it('makes a capture with COLMAP (a stand-in) and reports on it', async () => {
    process.env.PATH = `${at('bin')}${delimiter}${NODE}${delimiter}${PATH}`
    const made = await importTo('good.capture', at('good.mp4'), '--frames', '12', '--poses', 'colmap', '--person-masks', at('mask.mp4'))
    expect(made.code, made.err).toBe(0)
    expect(made.out).toMatch(/wrote .*good\.capture \(12 frames/)
    expect(existsSync(at('good.capture.log'))).toBe(true)
    expect(leftovers()).toEqual([])
    const capture = await loadCapture(at('good.capture'))
    expect(capture.frames).toHaveLength(12)
    expect(capture.frames[0].mask).toBeDefined()
    expect(capture.near).toBeGreaterThan(0)
    const { video, poses } = JSON.parse(readFileSync(at('good.capture/capture.json'), 'utf8'))
    expect(poses).toMatchObject({ method: 'colmap', registered: 12, of: 12, focalLength: 130 })
    expect(video.records).toHaveLength(24)

    const report = await cli('inspect', at('good.capture'), '--downscale', '1', '--no-expressions', '--device', 'cpu')
    expect(report.code, report.err).toBe(0)
    expect(report.out).toMatch(/warning +frames: Only 12 pictures/)
    const html = readFileSync(at('good.report.html'), 'utf8')
    expect(html).toContain('data:image/webp;base64,')
    expect(html).not.toMatch(/https?:\/\//)
    expect(statSync(at('good.report.html')).size).toBeLessThan(2e6)
  }, 120_000)

  it.each([
    ['a video that was cut', ['cut.mp4'], /only \d+ of 24 frames decode .*cut short: copy it from the phone again/],
    ['a video without its index', ['headless.mp4'], /headless\.mp4: .*(cut short|damaged|frames decode)/],
    ['sound alone', ['sound.mp4'], /has sound but no pictures/],
    ['three frames', ['short.mp4'], /3 usable frames of 3; a capture needs at least 8/],
    ['masks of another shape', ['good.mp4', '--frames', '8', '--person-masks', 'square.mp4'], /masks are 64x64, the video 96x64/],
    [
      'masks of another length',
      ['good.mp4', '--frames', '8', '--person-masks', 'early.mp4'],
      /masks for \d+ of \d+ frames; the mask video must be as long/,
    ],
    ['masks that are not there', ['good.mp4', '--frames', '8', '--person-masks', 'none.mp4'], /no such file or folder of masks/],
    [
      'no face to take poses from',
      ['good.mp4', '--poses', 'face', '--frames', '8'],
      /poses from the face need a face, which was found in 0 of 8 frames/,
    ],
  ])(
    '%s: one clear error, nothing left',
    async (_, argv, message) => {
      process.env.PATH = `${at('bin')}${delimiter}${NODE}${delimiter}${PATH}`
      const { code, err } = await importTo('x.capture', ...argv.map(word => (word.endsWith('.mp4') ? at(word) : word)))
      expect(code).toBe(1)
      expect(err.split('\n').filter(line => line.startsWith('faceclipnerf:'))).toHaveLength(1)
      expect(err).toMatch(message)
      expect([existsSync(at('x.capture')), leftovers()]).toEqual([false, []])
    },
    60_000,
  )

  it('without a colmap on PATH says how to get one, or to do without', async () => {
    const tools = at('tools')
    mkdirSync(tools)
    const { execFileSync } = await import('node:child_process')
    const { symlinkSync } = await import('node:fs')
    symlinkSync(
      execFileSync('which', ['ffmpeg'], { env: { ...process.env, PATH } })
        .toString()
        .trim(),
      join(tools, 'ffmpeg'),
    )
    process.env.PATH = tools
    const { code, err } = await importTo('x.capture', at('good.mp4'), '--frames', '8', '--poses', 'colmap', '--person-masks', at('mask.mp4'))
    expect([code, err]).toEqual([1, expect.stringMatching(/there is no colmap on PATH; install it .*or use --poses face/)])
    expect(leftovers()).toEqual([])
  }, 60_000)

  it('stops at Ctrl-C with nothing left but the log', async () => {
    process.env.PATH = `${at('bin')}${delimiter}${NODE}${delimiter}${PATH}`
    const terminal = fakeTerminal()
    terminal.interrupt()
    const code = await run(['import', at('good.mp4'), '-o', at('x.capture'), '--yes'], terminal)
    expect([code, terminal.stderr]).toEqual([130, expect.stringMatching(/interrupted; nothing was kept but the log/)])
    expect([existsSync(at('x.capture')), leftovers()]).toEqual([false, []])
  })

  it('does not begin where another capture would be overwritten', async () => {
    mkdirSync(at('there.capture'), { recursive: true })
    writeFileSync(at('there.capture/dataset.json'), '{}')
    const { code, err } = await importTo('there.capture', at('good.mp4'))
    expect([code, err]).toEqual([1, expect.stringMatching(/a capture is there already|there already/)])
  })
})

describe('what is no video', () => {
  it.each([
    ['an empty file', 'empty.mp4', '', /the file is empty \(0 bytes\)/],
    ['text that calls itself a video', 'text.mp4', 'hello there', /not a video this version reads/],
    ['a file that is not there', 'none.mov', undefined, /no such file; check the path/],
  ])('%s', async (_, name, content, message) => {
    if (content !== undefined) writeFileSync(at(name), content)
    const { code, err } = await importTo('x.capture', at(name))
    expect(code).toBe(1)
    expect(err).toMatch(message)
    expect([existsSync(at('x.capture')), leftovers()]).toEqual([false, []])
  })

  it('without any decoder says what to install', async () => {
    if (!hasFfmpeg) return
    process.env.PATH = at('nowhere')
    const { code, err } = await importTo('x.capture', at('good.mp4'))
    expect([code, err]).toEqual([1, expect.stringMatching(/nothing here decodes video; install ffmpeg|no pose|face/)])
  })
})
