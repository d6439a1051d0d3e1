/** import and export as a person runs them; the notice; doctor. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { configFile, NOTICE } from '../../cli/consent.ts'
import { run } from '../../cli/run.ts'
import { loadCapture } from '../../src/capture/capture.ts'
import { addPictures, arc, json, transformsOf } from '../capture/import/formatFixtures.ts'
import { fakeTerminal } from './fakeTerminal.ts'

const scratch = mkdtempSync(join(tmpdir(), 'faceclipnerf-imports-'))
const at = (path: string): string => join(scratch, path)
let count = 0
beforeEach(() => {
  process.env.XDG_CONFIG_HOME = at(`config${count++}`)
})
afterAll(() => {
  delete process.env.XDG_CONFIG_HOME
  rmSync(scratch, { recursive: true })
})

async function cli(argv: string[], answer?: string) {
  const terminal = { ...fakeTerminal(), ...(answer !== undefined && { ask: async () => answer }) }
  const code = await run(argv, terminal)
  return { code, out: terminal.stdout, err: terminal.stderr }
}

async function makeSet(name: string, cameras = arc(8), names?: (i: number) => string): Promise<string> {
  const files = await addPictures(new Map(), cameras)
  const renamed = [...files].map(([path, bytes], i): [string, Uint8Array] => [names ? names(i) : path, bytes])
  const model = transformsOf(cameras, names ? { frame: i => ({ file_path: names(i) }) } : {})
  for (const [path, bytes] of [...renamed, ['transforms.json', json(model)] as const]) {
    mkdirSync(dirname(at(`${name}/${path}`)), { recursive: true })
    writeFileSync(at(`${name}/${path}`), bytes)
  }
  return at(name)
}

describe('import', () => {
  it('says what it does, and its result in JSON', async () => {
    const source = await makeSet('plain')
    const { code, out, err } = await cli(['import', source, '-o', at('plain.capture'), '--yes'])
    expect(code, err).toBe(0)
    expect(err).toMatch(/^transforms: 8 pictures\nimport {2}step 1\/8 {2}.* MB {2}ETA .*\nimport {2}step 8\/8 {2}[\d.]+ MB {2}ETA 0\.0 s\n$/)
    expect(out).toMatch(/wrote .*plain\.capture \(8 frames, [\d.]+ MB, [\d.]+ s\); next: faceclipnerf train .*plain\.capture -o plain\.scene\n/)
    const again = await cli(['import', source, '-o', at('plain.capture'), '--yes', '--json', '--force'])
    const events = again.out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(events.at(-1)).toMatchObject({ event: 'capture', format: 'transforms', frames: 8, warnings: [] })
    expect((await cli(['import', source, '-o', at('plain.capture'), '--yes'])).err).toMatch(
      /is there already; choose another name, or replace it with --force/,
    )
  })

  it('keeps names of any script, and makes safe ids of others', async () => {
    const list = [
      'images/ädä é.png',
      'images/顔 1.png',
      'images/лицо.png',
      'images/a:b*c?.png',
      'images/con.png',
      'images/_x.png',
      'other/顔 1.png',
      'images/😀.png',
    ]
    const { code, err } = await cli(['import', await makeSet('names', arc(8), i => list[i]), '-o', at('names.capture'), '--yes', '--holdout', '0'])
    expect(code, err).toBe(0)
    const ids = (await loadCapture(at('names.capture'))).frames.map(frame => frame.id)
    expect(ids).toEqual(['ädä_é', 'images_顔_1', 'лицо', 'a_b_c_', 'frame_con', 'x', 'other_顔_1', 'frame_'])
  })

  it('trains: a static scene as a plain NeRF with one code, a moving one with a code per frame', async () => {
    const source = await makeSet('train', arc(6, { imageSize: [24, 16], focalLength: 30, principalPoint: [12, 8] }))
    for (const [name, codes, options] of [
      ['still', 1, ['--static']],
      ['moving', 6, ['--holdout', '0']],
    ] as const) {
      expect((await cli(['import', source, '-o', at(`${name}.capture`), '--yes', ...options])).code).toBe(0)
      expect((await loadCapture(at(`${name}.capture`))).codeCount).toBe(codes)
      const { code, err } = await cli([
        'train',
        at(`${name}.capture`),
        '-o',
        at(`${name}.scene`),
        '--steps',
        '3',
        '--device',
        'cpu',
        '--threads',
        '2',
      ])
      expect(code, err).toBe(0)
    }
  })

  it('stops at Ctrl-C and leaves nothing', async () => {
    const source = await makeSet('stopped')
    const terminal = fakeTerminal()
    terminal.interrupt()
    expect(await run(['import', source, '-o', at('stopped.capture'), '--yes'], terminal)).toBe(130)
    expect(terminal.stderr).toMatch(/faceclipnerf: interrupted; nothing was kept\n$/)
    expect(readdirSync(scratch).filter(name => name.includes('stopped') && name !== 'stopped')).toEqual([])
  })

  it('refuses options that make no sense', async () => {
    for (const [option, value, message] of [
      ['--background', 'pink', /Give white, black or a colour such as #a0b0c0/],
      ['--size', '-1', /Give a whole number from 0/],
      ['--format', 'gltf', /Allowed choices are nerfies, blender, transforms, llff, colmap, images/],
    ] as const) {
      const { code, err } = await cli(['import', 'x', '-o', 'y', option, value])
      expect([code, err]).toEqual([1, expect.stringMatching(message)])
    }
  })
})

describe('export', () => {
  it("takes a folder that is none of ours, also beside another program's capture.json; without bounds they are found again", async () => {
    const { code, err } = await cli(['export', 'assets/captures/ada-mini', '--format', 'transforms', '-o', at('ada')])
    expect(code, err).toBe(0)
    const model = JSON.parse(readFileSync(at('ada/transforms.json'), 'utf8'))
    expect(model.frames).toHaveLength(56)
    const { near, far } = model.faceclipnerf
    delete model.faceclipnerf
    writeFileSync(at('ada/transforms.json'), JSON.stringify(model))
    expect((await cli(['import', at('ada'), '-o', at('ada.capture'), '--yes'])).code).toBe(0)
    const capture = await loadCapture(at('ada.capture'))
    const [found, known] = [await loadCapture('assets/captures/ada-mini'), capture].map(one => one.frames.map(({ split, code }) => [split, code]))
    expect(found).toEqual(known)
    // the true near is three quarters of the nearest surface, the true far behind the farthest wall
    expect(capture.near / capture.scale).toBeGreaterThan(0.5 * near)
    expect(capture.near / capture.scale).toBeLessThan(1.1 * near)
    expect(capture.far / capture.scale).toBeGreaterThan(0.9 * far)
    expect(capture.far / capture.scale).toBeLessThan(2 * far)
  })

  it('writes a folder that imports again', async () => {
    await cli(['import', await makeSet('there'), '-o', at('there.capture'), '--yes'])
    for (const format of ['nerfies', 'transforms']) {
      const { code, out, err } = await cli(['export', at('there.capture'), '--format', format, '-o', at(`there-${format}`)])
      expect(code, err).toBe(0)
      expect(out).toMatch(new RegExp(`wrote .*there-${format} \\(${format}, 8 frames, [\\d.]+ MB\\)`))
      expect((await cli(['import', at(`there-${format}`), '-o', at(`back-${format}.capture`), '--yes'])).code).toBe(0)
      const read = (name: string) => readFileSync(at(`${name}/camera/frame_003.json`), 'utf8')
      expect(read(`back-${format}.capture`)).toBe(read('there.capture'))
    }
    expect((await cli(['export', at('there.capture'), '--format', 'nerfies', '-o', at('there-nerfies')])).err).toMatch(
      /is there already; choose another name/,
    )
    expect((await cli(['export', at('there.capture'), '--format', 'nerfies', '-o', at('there.capture'), '--force'])).err).toMatch(
      /there\.capture: is the capture itself; choose another folder/,
    )
    expect((await cli(['export', at('gone'), '--format', 'nerfies', '-o', at('x')])).err).toMatch(/gone: no such folder/)
    expect((await cli(['export', at('there.capture'), '-o', at('x')])).err).toMatch(/required option '--format <name>' not specified/)
  })
})

describe('the notice about pictures of faces', () => {
  it('is shown and asked for once, and remembered', async () => {
    const source = await makeSet('asked')
    const declined = await cli(['import', source, '-o', at('asked.capture')], 'n')
    expect(declined).toMatchObject({
      code: 1,
      err: `${NOTICE}\nfaceclipnerf: not imported, because the notice was not agreed to; answer y, or pass --yes\n`,
    })
    expect(existsSync(at('asked.capture'))).toBe(false)
    const agreed = await cli(['import', source, '-o', at('asked.capture')], ' Yes ')
    expect(agreed.code, agreed.err).toBe(0)
    expect(JSON.parse(readFileSync(configFile(), 'utf8'))).toEqual({ consent: 1 })
    const later = await cli(['import', source, '-o', at('asked.capture'), '--force'])
    expect(later.code).toBe(0)
    expect(later.err).not.toContain('biometric')
  })

  it('without a person to ask needs --yes once; a damaged file of answers only asks again', async () => {
    const source = await makeSet('unasked')
    expect(await cli(['import', source, '-o', at('unasked.capture')])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/nobody can be asked here: agree to the notice above with --yes, once\n$/),
    })
    mkdirSync(dirname(configFile()), { recursive: true })
    writeFileSync(configFile(), '{"consent": ')
    expect((await cli(['import', source, '-o', at('unasked.capture'), '--yes'])).code).toBe(0)
    expect((await cli(['import', source, '-o', at('unasked.capture'), '--force'])).code).toBe(0)
  })

  it('goes on where the answer cannot be kept, and says so', async () => {
    const source = await makeSet('sealed')
    writeFileSync(at('file'), '')
    process.env.XDG_CONFIG_HOME = at('file')
    const { code, err } = await cli(['import', source, '-o', at('sealed.capture'), '--yes'])
    expect([code, err]).toEqual([0, expect.stringMatching(/the answer could not be kept, so it will be asked for again/)])
  })
})

describe('doctor', () => {
  const path = process.env.PATH
  const withTools = async (tools: Record<string, string>, work: () => Promise<void>) => {
    const folder = at(`tools${count++}`)
    mkdirSync(folder)
    for (const [name, script] of Object.entries(tools)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
      chmodSync(join(folder, name), 0o755)
    }
    symlinkSync(process.execPath, join(folder, 'node'))
    process.env.PATH = folder
    process.env.HF_HUB_CACHE = at('no models')
    await work().finally(() => {
      process.env.PATH = path
      delete process.env.HF_HUB_CACHE
    })
  }
  const check = async (name: string) => {
    const { out } = await cli(['doctor', '--json'])
    return (JSON.parse(out) as { checks: { name: string }[] }).checks.find(one => one.name === name)
  }

  it('names what is missing with its remedy, and is content with the rest', async () => {
    await withTools({}, async () => {
      const { code, out } = await cli(['doctor'])
      expect(code).toBe(0)
      expect(out).toMatch(/ok {4}node {6}Node \d+/)
      expect(out).toMatch(/note {2}colmap {4}not found\n +-> it finds camera poses .*apt install colmap/)
      expect(out).toMatch(/note {2}ffmpeg {4}not found\n +-> it reads videos: .*apt install ffmpeg/)
      expect(out).toMatch(/note {2}models {4}none that can be used in .*no models\n +-> for photographs: faceclipnerf models pull/)
      expect(out).toMatch(/ok {4}encoder {3}embedded face encoder, 128 values/)
      expect(out).toMatch(/ok {4}memory .* GiB of memory/)
      expect(out).toMatch(/(ok|note) {2,4}disk .* GiB free at /)
    })
  })
  it('says of a model in the cache why it cannot be used', async () => {
    await withTools({}, async () => {
      const snapshot = at(`no models/models--me--clip/snapshots/${'a'.repeat(40)}`)
      mkdirSync(snapshot, { recursive: true })
      expect(await check('models')).toMatchObject({ state: 'warning', text: expect.stringMatching(/no models \(me\/clip: .*config\.json.*\)$/) })
      rmSync(at('no models'), { recursive: true })
    })
  })
  it('reads versions, old ones too, and codecs', async () => {
    const decoders = 'echo " V....D h264  H.264"; echo " V....D libdav1d  dav1d (codec av1)"; echo " VFS..D hevc  HEVC"'
    await withTools(
      {
        colmap: 'echo "COLMAP 3.9.1 -- Structure (Commit x with CUDA)"',
        ffmpeg: `case "$*" in *version*) echo "ffmpeg version 6.1 Copyright";; *) ${decoders};; esac`,
      },
      async () => {
        expect(await check('colmap')).toEqual({ name: 'colmap', state: 'good', text: 'COLMAP 3.9.1', data: { version: '3.9.1' } })
        expect(await check('ffmpeg')).toMatchObject({
          state: 'warning',
          text: 'ffmpeg 6.1: H.264 yes, HEVC yes, VP9 no, AV1 yes',
          remedy: 'install a full build to read VP9',
        })
      },
    )
    await withTools({ colmap: 'echo "COLMAP 3.6"; exit 1' }, async () => {
      expect(await check('colmap')).toMatchObject({ state: 'warning', text: 'COLMAP 3.6 is older than 3.8' })
    })
    await withTools({ colmap: 'echo hm' }, async () => {
      expect(await check('colmap')).toMatchObject({ state: 'warning', text: 'there, but does not say which version it is' })
    })
  })
  it('says what is wrong with the device that the environment asks for', async () => {
    const before = process.env.FACECLIPNERF_DEVICE
    process.env.FACECLIPNERF_DEVICE = 'none such'
    const { code, out, err } = await cli(['doctor']).finally(() => {
      if (before === undefined) delete process.env.FACECLIPNERF_DEVICE
      else process.env.FACECLIPNERF_DEVICE = before
    })
    expect([code, err]).toEqual([1, 'faceclipnerf: device: see above for what to do\n'])
    expect(out).toMatch(/BAD {3}device .*\n +-> unset FACECLIPNERF_DEVICE, or set it to cpu/)
  })
})
