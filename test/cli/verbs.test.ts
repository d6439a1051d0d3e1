/** Every verb on a small scene: what it writes, what it says, and that an interrupted training loses nothing. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../cli/run.ts'
import { saveEdit } from '../../src/edit/editFile.ts'
import { FreeCode } from '../../src/edit/freeCode.ts'
import { decodeImage } from '../../src/io/imageCodec.ts'
import { parsePly } from '../../src/io/ply.ts'
import { psnr } from '../../src/metrics/psnr.ts'
import { loadScene } from '../../src/nerf/sceneFile.ts'
import { ffmpegEncoder, openDevice } from '../../src/node.ts'
import { fakeTerminal } from './fakeTerminal.ts'

const CAPTURE = 'assets/captures/ada-mini'
const SMALL = ['--downscale', '2', '--device', 'cpu', '--threads', '2']
const folder = mkdtempSync(join(tmpdir(), 'faceclipnerf-verbs-'))
const at = (name: string): string => join(folder, name)
const image = (name: string) => decodeImage(readFileSync(at(name)), name)
afterAll(() => rmSync(folder, { recursive: true }))

async function cli(argv: string[], terminal = fakeTerminal()) {
  const code = await run(argv, terminal)
  return { code, out: terminal.stdout, err: terminal.stderr }
}
const verb = (...argv: string[]) => cli([...argv, '--device', 'cpu', '--threads', '2'])
const events = (out: string): Record<string, unknown>[] =>
  out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

beforeAll(async () => {
  const { code, err } = await cli(['train', CAPTURE, '-o', at('ada.scene'), '--steps', '8', ...SMALL])
  expect(err).toMatch(/^device: CPU, 2 threads\n(?:.*\n)*.*step 8\/8 {2}loss [\d.]+ {2}PSNR [\d.]+ dB {2}[\d.]+ ?k? rays\/s {2}ETA 0\.0 s\n$/)
  expect(code).toBe(0)
})

describe('train', () => {
  it('prints JSON lines, the scene last', async () => {
    const { code, out, err } = await cli(['train', CAPTURE, '-o', at('json.scene'), '--steps', '2', '--json', ...SMALL])
    expect([code, err]).toEqual([0, ''])
    const lines = events(out)
    expect(lines.map(line => line.event)).toEqual(['note', 'step', 'scene'])
    expect(lines[1]).toMatchObject({
      stage: 'train',
      step: 2,
      steps: 2,
      loss: expect.any(Number),
      psnr: expect.any(Number),
      raysPerSecond: expect.any(Number),
      eta: 0,
    })
    expect(lines[2]).toMatchObject({ path: at('json.scene'), step: 2 })
  })

  it('stops at Ctrl-C with a checkpoint, and the resumed run ends in the same bytes as one never stopped', async () => {
    const terminal = fakeTerminal()
    terminal.interrupt()
    const stopped = await cli(['train', CAPTURE, '-o', at('resumed.scene'), '--steps', '8', ...SMALL], terminal)
    expect(stopped.code).toBe(130)
    expect(stopped.err).toMatch(
      /faceclipnerf: interrupted; saved .*resumed\.scene at step 0 of 8; go on with: faceclipnerf train .* --resume --downscale 2\n$/,
    )
    const resumed = await cli(['train', CAPTURE, '-o', at('resumed.scene'), '--resume', ...SMALL])
    expect(resumed.code, resumed.err).toBe(0)
    expect(readFileSync(at('resumed.scene')).equals(readFileSync(at('ada.scene')))).toBe(true)
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([])
  })

  it('answers a real Ctrl-C in the middle of training', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'cli/main.ts', 'train', CAPTURE, '-o', at('killed.scene'), '--steps', '5000', ...SMALL],
      { cwd: root },
    )
    let err = ''
    child.stderr.on('data', data => {
      if (!err.includes('step 20/') && String(err + data).includes('step 20/')) child.kill('SIGINT')
      err += data
    })
    const code = await new Promise(done => child.on('exit', done))
    expect(err).toMatch(/interrupted; saved .*killed\.scene at step \d+ of 5000; go on with: /)
    expect(code).toBe(130)
    const step = Number(/at step (\d+) of/.exec(err)?.[1])
    expect(step).toBeGreaterThanOrEqual(20)
    const { out } = await cli(['train', CAPTURE, '-o', at('killed.scene'), '--resume', '--steps', String(step + 1), ...SMALL])
    expect(out).toContain(`(${step + 1} steps`)
  }, 120_000)

  it.each([
    ['another resolution', ['--downscale', '1'], /made from another capture or downscale than ada-mini at 1x; resume with the same one/],
    ['another preset', ['--downscale', '2', '--preset', 'fast'], /trained with preset tiny, not fast/],
  ])('refuses to resume with %s', async (_, options, message) => {
    const before = readFileSync(at('ada.scene'))
    const { code, err } = await cli(['train', CAPTURE, '-o', at('ada.scene'), '--resume', '--device', 'cpu', ...options])
    expect(code).toBe(1)
    expect(err).toMatch(message)
    expect(readFileSync(at('ada.scene')).equals(before)).toBe(true)
  })
})

describe('render along a path', () => {
  const size = ['--size', '16x16']
  it('writes what the ending says, and the path of an orbit leads to the same pictures', async () => {
    const orbit = await verb('render', at('ada.scene'), '--orbit', '3', ...size, '--fps', '5', '--save-path', at('p.json'), '-o', at('orbit3'))
    expect(orbit.code, orbit.err).toBe(0)
    expect(orbit.out).toBe(`wrote ${at('orbit3')}, ${at('p.json')}\n`)
    expect(readdirSync(at('orbit3')).sort()).toEqual(['00000.png', '00001.png', '00002.png', 'sequence.json'])
    expect(JSON.parse(readFileSync(at('orbit3/sequence.json'), 'utf8'))).toMatchObject({ fps: 5, pictures: 3, width: 16 })
    const along = await verb('render', at('ada.scene'), '--path', at('p.json'), '-o', at('along'))
    expect(along.code, along.err).toBe(0)
    const unit = async (name: string): Promise<number[]> => Array.from((await image(name)).data, v => v / 255)
    // as close as a principal point in the middle is to the capture's
    expect(psnr(await unit('along/00001.png'), await unit('orbit3/00001.png'))).toBeGreaterThan(30)
    expect((await sharp(at('along/00001.png')).metadata()).xmp?.toString()).toContain('trainedAlgorithmicMedia')
    const again = await verb('render', at('ada.scene'), '--path', at('p.json'), '-o', at('along'))
    expect(again.code, again.err).toBe(0)
  })

  it('shows the expressions of its timeline', async () => {
    const path = JSON.parse(readFileSync(at('p.json'), 'utf8'))
    const pose = path.camera_path[0]
    const still = { ...path, camera_path: [pose, pose, pose] }
    const timed = { ...still, faceclipnerf: { version: 1, expressions: [{ time: 0 }, { time: 0.4, weights: { '000003': 1 } }] } }
    writeFileSync(at('timed.json'), JSON.stringify(timed))
    const { code, err } = await verb('render', at('ada.scene'), '--path', at('timed.json'), '-o', at('timed'))
    expect(code, err).toBe(0)
    const pictures = await Promise.all([0, 1, 2].map(async i => (await image(`timed/0000${i}.png`)).data))
    expect(pictures[0]).not.toEqual(pictures[2])
    const missing = { ...timed, faceclipnerf: { version: 1, expressions: [{ time: 0, edit: 'gone.edit' }] } }
    writeFileSync(at('missing.json'), JSON.stringify(missing))
    const gone = await verb('render', at('ada.scene'), '--path', at('missing.json'), '-o', at('gone'))
    expect(gone.err).toMatch(/gone\.edit: no such file; .*missing\.json names it; put it there or correct the path's timeline\n$/)
  })

  it('films, where ffmpeg is', async context => {
    if (!(await ffmpegEncoder('mp4'))) return context.skip('no ffmpeg')
    const { code, out, err } = await verb('render', at('ada.scene'), '--path', at('p.json'), '-o', at('film.mp4'))
    expect([code, out], err).toEqual([0, `wrote ${at('film.mp4')}\n`])
    expect(String.fromCharCode(...readFileSync(at('film.mp4')).subarray(4, 8))).toBe('ftyp')
  })

  it('leaves nothing after Ctrl-C', async () => {
    for (const name of ['stopped.mp4', 'stopped.webp', 'stopped']) {
      const terminal = fakeTerminal()
      terminal.interrupt()
      const { code, err } = await cli(['render', at('ada.scene'), '--path', at('p.json'), '-o', at(name), '--device', 'cpu'], terminal)
      expect([code, existsSync(at(name))]).toEqual([130, false])
      expect(err).toContain(`interrupted; ${at(name)} was not written`)
    }
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([])
  })
})

describe('mesh', () => {
  it('writes a mesh, or says what to try', async () => {
    const { code, out, err } = await verb('mesh', at('ada.scene'), '--grid', '12', '--density', '0.04', '-o', at('m.ply'))
    expect(code, err).toBe(0)
    expect(out).toMatch(/m\.ply \(\d+ vertices, \d+ triangles, [\d.]+ MB\)\n$/)
    expect(parsePly(readFileSync(at('m.ply')), 'm.ply').length).toBeGreaterThan(0)
    const glb = await verb('mesh', at('ada.scene'), '--grid', '12', '--density', '0.04', '-o', at('m.glb'), '--json')
    expect(events(glb.out).at(-1)).toMatchObject({ event: 'mesh', path: at('m.glb'), bytes: readFileSync(at('m.glb')).length })
    const empty = await verb('mesh', at('ada.scene'), '--grid', '12', '--density', '1e9', '-o', at('none.glb'))
    expect([empty.code, existsSync(at('none.glb'))]).toEqual([1, false])
    expect(empty.err).toContain('no surface of density 1000000000; the densest place found has')
  })

  it('leaves nothing after Ctrl-C', async () => {
    const terminal = fakeTerminal()
    terminal.interrupt()
    const { code, err } = await cli(['mesh', at('ada.scene'), '--grid', '12', '-o', at('stopped.glb'), '--device', 'cpu'], terminal)
    expect([code, existsSync(at('stopped.glb'))]).toEqual([130, false])
    expect(err).toContain('interrupted; no mesh was written')
  })
})

describe('anchors, edit, render, evaluate', () => {
  it('runs from scene to pictures', async () => {
    const anchors = await verb('anchors', at('ada.scene'), '--anchors', '3', '--reference', '000005')
    expect(anchors.code, anchors.err).toBe(0)
    const file = JSON.parse(readFileSync(at('ada.anchors.json'), 'utf8'))
    expect(file.frames).toHaveLength(3)
    expect(file.frames[0]).toBe('000005')
    expect((await image('ada.anchors.png')).width).toBeGreaterThan(3 * 32)

    const edit = await verb('edit', at('ada.scene'), 'a surprised face', '-o', at('s.edit'), '--steps', '2')
    expect(edit.code, edit.err).toBe(0)
    expect(edit.err).toContain('anchors: 000005, ') // those of the file beside the scene
    expect(edit.out).toBe(`wrote ${at('s.edit')} ("a surprised face", 2 steps)\n`)

    const render = async (name: string, ...options: string[]) => {
      const { code, err } = await verb('render', at('ada.scene'), '-o', at(name), ...options)
      expect(code, err).toBe(0)
      return (await image(name)).data
    }
    const edited = ['--edit', at('s.edit')]
    const unedited = await render('zero.png', ...edited, '--strength', '0')
    expect(await render('one.png', ...edited, '--depth', '--acr', '--camera', '000003')).not.toEqual(unedited)
    expect(existsSync(at('one.depth.png')) && existsSync(at('one.acr.png'))).toBe(true)
    const first = await render('frame.png', '--frame', '000000', '--camera', '000003')
    expect(await render('from.png', '--from', '000000', '--to', '000020', '--at', '0', '--camera', '000003')).toEqual(first)
    expect((await render('big.webp', '--size', '48x48')).length).toBe(48 * 48 * 3)
    await render('orbit.webp', '--orbit', '2')
    const [exact, baked] = [await render('exact.png', ...edited), await render('baked.png', ...edited, '--baked', '--depth')]
    const unit = (bytes: Uint8Array): number[] => Array.from(bytes, v => v / 255)
    expect(psnr(unit(baked), unit(exact))).toBeGreaterThan(35)
    expect(String.fromCharCode(...readFileSync(at('orbit.webp')).subarray(12, 16))).toBe('VP8X')

    const { xmp } = await sharp(at('orbit.webp')).metadata()
    expect(xmp?.toString()).toContain('trainedAlgorithmicMedia')
    expect((await sharp(at('one.png')).metadata()).xmp?.toString()).toContain('edited to &#34;a surprised face&#34;')

    const evaluated = await cli(['evaluate', at('ada.scene'), CAPTURE, ...SMALL])
    expect(evaluated.code, evaluated.err).toBe(0)
    expect(evaluated.out.match(/^v\d_\d{6} +[\d.]+ dB SSIM [\d.]+ {3}person [\d.]+ dB SSIM [\d.]+$/gm)).toHaveLength(8)
    const { mean, views } = JSON.parse(readFileSync(at('ada.evaluation.json'), 'utf8'))
    expect(views).toHaveLength(8)
    expect(mean.psnr).toBeCloseTo(
      views.reduce((sum: number, view: { psnr: number }) => sum + view.psnr / 8, 0),
      6,
    )
    expect(existsSync(at('ada.evaluation.png'))).toBe(true)
  }, 180_000)

  it('edits by an example picture and its camera file', async () => {
    const target = `${CAPTURE}/rgb/2x/000020.png=${CAPTURE}/camera/000020.json`
    const made = await verb('edit', at('ada.scene'), '--target', target, '-o', at('like.edit'), '--steps', '1', '--anchors', '2')
    expect(made.code, made.err).toBe(0)
    expect(made.out).toBe(`wrote ${at('like.edit')} ("like 000020.png", 1 steps)\n`)
    const { code, err } = await verb('render', at('ada.scene'), '--edit', at('like.edit'), '-o', at('like.png'))
    expect(code, err).toBe(0)
  }, 120_000)

  it('edits on an edit, by coefficients, within a region and a mask; undoes and redoes', async () => {
    const common = ['--steps', '1', '--patience', '2', '--views-per-step', '2', '--tv', 'balanced', '--json']
    // a search takes most of an edit's time, and the tests above have searched
    const from = (...names: string[]): string[] => ['--warm-start', ...names.map(at)]
    const first = await verb('edit', at('ada.scene'), 'a smile:1 + closed eyes:0.5', '-o', at('1.edit'), ...common, ...from('s.edit'), '--augment')
    expect(first.code, first.err).toBe(0)
    const mask = `${CAPTURE}/masks/000020.png=000020`
    const second = await verb(
      'edit',
      at('ada.scene'),
      '--expression',
      'AU26,eyeBlink=0.2',
      '--from',
      at('1.edit'),
      '--mask',
      mask,
      '-o',
      at('2.edit'),
      ...common,
      ...from('1.edit'),
    )
    expect(second.code, second.err).toBe(0)
    expect(JSON.parse(second.out.trim().split('\n').at(-1) ?? '')).toMatchObject({ prompt: 'AU26=1,eyeBlink=0.2', steps: 1 })
    const listed = await cli(['history', at('2.edit')])
    expect(listed.code, listed.err).toBe(0)
    expect(listed.out).toBe('1. "a smile:1 + closed eyes:0.5", strength 1, 1 steps\n2. "AU26=1,eyeBlink=0.2", strength 1, 1 steps\n')
    expect((await cli(['history', at('2.edit'), '--show', '1'])).out).toContain('1 steps (undone)\n')
    expect((await verb('render', at('ada.scene'), '--edit', at('2.edit'), '--acr', '-o', at('undone.png'))).code).toBe(0)
    expect((await verb('render', at('ada.scene'), '--edit', at('1.edit'), '-o', at('first.png'))).code).toBe(0)
    expect(readFileSync(at('undone.png'))).toEqual(readFileSync(at('first.png')))
    expect((await cli(['history', at('2.edit'), '--show', '3'])).err).toMatch(/cannot show 3 of its 2 edits; give a number from 1 to 2/)
    const warm = await verb('edit', at('ada.scene'), 'smiling', ...from('1.edit', '2.edit'), '-o', at('3.edit'), ...common)
    expect(warm.code, warm.err).toBe(0)
    const notes = events(warm.out).filter(({ event }) => event === 'note')
    expect(notes.map(({ text }) => text)).toContainEqual(expect.stringMatching(/starts from .*1\.edit \("a smile/))
  }, 180_000)

  it('shows an edit that is one code for the whole face', async () => {
    using device = await openDevice({ kind: 'cpu' })
    const scene = await loadScene(device, readFileSync(at('ada.scene')), 'ada.scene')
    const code = new FreeCode(scene, new Float32Array(scene.config.codeSize).fill(0.5))
    writeFileSync(at('code.edit'), await saveEdit(code, { prompt: 'one code', strength: 1, steps: 0, seed: 0 }))
    const show = ['render', at('ada.scene'), '--edit', at('code.edit'), '-o', at('code.png')]
    const shown = await verb(...show)
    expect(shown.code, shown.err).toBe(0)
    const maps = await verb(...show, '--acr')
    expect([maps.code, maps.err]).toEqual([
      1,
      expect.stringContaining('code.edit is one code for the whole face and mixes no anchors; leave --acr out'),
    ])
  }, 60_000)

  it.each([
    [
      'nothing to steer an edit by',
      ['edit', 'ada.scene', '-o', 'x.edit'],
      /neither a sentence nor --target nor --expression; say what the face should look like/,
    ],
    [
      'a sentence and a picture',
      ['edit', 'ada.scene', 'a face', '--target', 'a.jpg=000000', '-o', 'x.edit'],
      /both a sentence and --target; say what the face should look like/,
    ],
    ['a picture that is missing', ['edit', 'ada.scene', '--target', 'no.jpg=000000', '-o', 'x.edit'], /no\.jpg: no such file; name an image file/],
    [
      'a frame there is not, for a picture',
      ['edit', 'ada.scene', '--target', `${CAPTURE}/rgb/2x/000020.png=999`, '-o', 'x.edit'],
      /no frame "999"; there are 000000/,
    ],
    [
      'a camera that is none',
      ['edit', 'ada.scene', '--target', `${CAPTURE}/rgb/2x/000020.png=${CAPTURE}/scene.json`, '-o', 'x.edit'],
      /scene\.json: no "orientation"/,
    ],
    ['more anchors than frames', ['anchors', 'ada.scene', '--anchors', '49'], /49 anchors from 48 frames; ask for at most 48/],
    ['a frame there is not', ['render', 'ada.scene', '-o', 'x.png', '--frame', '999'], /no frame "999"; there are 000000/],
    [
      'an unknown coefficient',
      ['edit', 'ada.scene', '--expression', 'smirk=1', '-o', 'x.edit'],
      /no coefficient or action unit "smirk"; there are browDown/,
    ],
    ['a coefficient without a value', ['edit', 'ada.scene', '--expression', 'jawOpen=a', '-o', 'x.edit'], /"jawOpen=a" is not name=value/],
    ['a weight of nothing', ['edit', 'ada.scene', 'a smile:0', '-o', 'x.edit'], /weight 0 of "a smile"; give a positive number/],
    [
      'anchors beside those of an earlier edit',
      ['edit', 'ada.scene', 'a smile', '--from', 's.edit', '--anchors', '3', '-o', 'x.edit'],
      /brings its anchors; leave --anchors and --reference out/,
    ],
    [
      'a region and a mask',
      ['edit', 'ada.scene', 'a smile', '--region', 'mouth', '--mask', `${CAPTURE}/masks/000020.png=000020`, '-o', 'x.edit'],
      /both --region and --mask/,
    ],
    ['an empty sentence', ['edit', 'ada.scene', ' ', '-o', 'x.edit'], /the text is empty/],
    [
      'a folder without an encoder',
      ['edit', 'ada.scene', 'a face', '-o', 'x.edit', '--encoder', '.'],
      /config\.json: an encoder folder without a config\.json/,
    ],
    ['an edit that is a scene', ['render', 'ada.scene', '--edit', 'ada.scene', '-o', 'x.png'], /not an edit file/],
    ['a size of another shape', ['render', 'ada.scene', '--size', '64x32', '-o', 'x.png'], /keep their shape, e\.g\. 64x64/],
    ['a scene that was cut', ['render', 'cut.scene', '-o', 'x.png'], /cut\.scene: /],
  ])('%s is one clear error', async (_, argv, message) => {
    writeFileSync(at('cut.scene'), readFileSync(at('ada.scene')).subarray(0, 5000))
    const paths = argv.map(word => (/\.(scene|png|edit)$|^\.$/.test(word) ? at(word) : word))
    const { code, err } = await verb(...paths)
    expect(code).toBe(1)
    expect(err.replace(/^device: .*\n/, '')).toMatch(/^faceclipnerf: [^\n]*\n$/)
    expect(err).toMatch(message)
    expect(existsSync(at('x.png')) || existsSync(at('x.edit'))).toBe(false)
  })
})
