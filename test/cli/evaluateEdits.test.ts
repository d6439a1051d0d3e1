/** evaluate --edits and benchmark on a small scene: what they write, going on, and what they say of bad input. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../cli/run.ts'
import { saveEdit } from '../../src/edit/editFile.ts'
import { FreeCode } from '../../src/edit/freeCode.ts'
import { writeSafetensors } from '../../src/io/safetensors.ts'
import { loadScene } from '../../src/nerf/sceneFile.ts'
import { openDevice } from '../../src/node.ts'
import { fakeTerminal } from './fakeTerminal.ts'

const CAPTURE = 'assets/captures/ada-mini'
const folder = mkdtempSync(join(tmpdir(), 'faceclipnerf-evaluate-'))
const at = (name: string): string => join(folder, name)
const DEVICE = ['--device', 'cpu', '--threads', '2']
afterAll(() => rmSync(folder, { recursive: true }))

async function cli(argv: string[], terminal = fakeTerminal()) {
  const code = await run([...argv, ...DEVICE], terminal)
  return { code, out: terminal.stdout, err: terminal.stderr }
}

beforeAll(async () => {
  const trained = await cli(['train', CAPTURE, '-o', at('ada.scene'), '--steps', '8', '--downscale', '2', '--preset', 'tiny'])
  expect(trained.code, trained.err).toBe(0)
  using device = await openDevice({ kind: 'cpu', threads: 1 })
  const scene = await loadScene(device, readFileSync(at('ada.scene')), 'ada.scene')
  await scene.setReference(0)
  const code = new FreeCode(scene, await scene.readCode(20))
  const about = { strength: 1, steps: 0, seed: 0 }
  writeFileSync(at('smile.edit'), await saveEdit(code, { ...about, prompt: 'smiling face with closed eyes' }))
  writeFileSync(at('other.edit'), await saveEdit(code, { ...about, prompt: 'something else' }))
  code.release()
}, 60_000)

describe('evaluate --edits', () => {
  it('compares with true edits at the size of the scene, and writes a page and numbers', async () => {
    const { code, out, err } = await cli([
      'evaluate',
      at('ada.scene'),
      '--edits',
      at('smile.edit'),
      at('other.edit'),
      '--capture',
      CAPTURE,
      '--views',
      '2',
      '--no-judge',
      '-o',
      at('report'),
    ])
    expect(code, err).toBe(0)
    expect(out).toMatch(/"smiling face with closed eyes" {3}CLIP -?[\d.]+ {3}face [\d.]+ dB, -?[\d.]+ over no edit\n/)
    expect(out).toContain('no true edit of this sentence')
    expect(err).toContain('not measured: LPIPS: no weights; give them with --lpips')
    const report = JSON.parse(readFileSync(at('report/report.json'), 'utf8'))
    expect(report.scene.size).toEqual([32, 32])
    expect(report.edits[0].measures.truth).toMatchObject({ id: 'closed-eyes-smile', reach: 'mix', psnr: { face: { edited: expect.any(Number) } } })
    expect(report.edits[0].measures.truth.coefficients).toMatchObject({ edited: expect.any(Number), truth: expect.any(Number) })
    expect(report.edits[0].measures.change.mouth).toMatchObject({ inside: expect.any(Number), ratio: expect.any(Number) })
    expect(report.edits[1].measures.truth).toBeUndefined()
    expect(report.edits[1].notes[0]).toContain('has no true edit "something else"; it has neutral, closed-eyes-open-mouth')
    expect(report.heldOut.psnr).toBeGreaterThan(5)
    const page = readFileSync(at('report/index.html'), 'utf8')
    expect(page).toContain('alt="truth, cam0"')
    expect(page).toContain('Not measured')
  }, 60_000)

  it('says what is wrong before any work', async () => {
    const nothing = await cli(['evaluate', at('ada.scene')])
    expect([nothing.code, nothing.err]).toEqual([
      1,
      'faceclipnerf: evaluate: neither a capture nor --edits; give the capture to measure the scene, or edits to measure\n',
    ])
    const empty = await run(['evaluate', at('ada.scene'), '--edits'], fakeTerminal())
    expect(empty).toBe(1)
    const absent = await cli(['evaluate', at('ada.scene'), '--edits', at('none.edit')])
    expect(absent.err).toBe(`faceclipnerf: ${at('none.edit')}: no such file; make an edit with faceclipnerf edit\n`)
    const unwritable = await cli(['evaluate', at('ada.scene'), '--edits', at('smile.edit'), '-o', at('ada.scene')])
    expect(unwritable.err).toBe(
      `faceclipnerf: ${at('ada.scene')}: cannot be the folder to write to (there is a file of that name); choose another with -o\n`,
    )
    writeFileSync(at('wrong.safetensors'), writeSafetensors(new Map([['features.0.weight', { shape: [2, 3], data: new Float32Array(6) }]])))
    const wrong = await cli(['evaluate', at('ada.scene'), '--edits', at('smile.edit'), '--lpips', at('wrong.safetensors'), '-o', at('r')])
    expect(wrong.code).toBe(1)
    expect(wrong.err).toMatch(
      /wrong\.safetensors: tensor "features\.0\.weight" is \[2, 3\]; AlexNet has \[64, 3, 11, 11\], VGG16 has \[64, 3, 3, 3\]; give/,
    )
  }, 60_000)

  it('names true pictures as missing where there is no capture', async () => {
    const { code, err } = await cli(['evaluate', at('ada.scene'), '--edits', at('smile.edit'), '--views', '2', '--no-judge', '-o', at('bare')])
    expect(code).toBe(0)
    expect(err).toContain('not measured: PSNR, SSIM and expression against true pictures, change by region: no capture with true edits')
    expect(JSON.parse(readFileSync(at('bare/report.json'), 'utf8')).edits[0].measures.change).toBeUndefined()
  }, 60_000)
})

describe('benchmark', () => {
  const bench = (more: string[], terminal = fakeTerminal()) =>
    cli(
      ['benchmark', CAPTURE, '-o', at('bench'), '--downscale', '2', '--preset', 'tiny', '--train-steps', '8', '--steps', '2', '--views', '2']
        .concat(['--anchors', '3', '--no-judge', '--methods', 'hypernerf+i', 'no-edit'])
        .concat(more),
      terminal,
    )

  it('trains, edits and writes tables, goes on without doing anything twice, and takes more sentences later', async () => {
    const first = await bench(['--prompts', 'closed-eyes-smile'])
    expect(first.code, first.err).toBe(0)
    expect(first.out).toMatch(/1 of 2 {2}hypernerf\+i, "smiling face with closed eyes", seed 0: [\d.]+ s/)
    expect(first.out).toContain('## Against the true edits')
    const rows = at('bench/rows/ada-mini/hypernerf+i')
    const [json] = readdirSync(rows).filter(name => name.endsWith('.json'))
    expect(readdirSync(rows).filter(name => name.endsWith('.png'))).toHaveLength(2)
    const written = readFileSync(join(rows, json), 'utf8')
    expect(JSON.parse(written)).toMatchObject({ method: 'hypernerf+i', seed: 0, steps: 2, measures: { truth: { id: 'closed-eyes-smile' } } })
    const scene = readFileSync(at('bench/scenes/ada-mini.scene'))

    const second = await bench(['--prompts', 'closed-eyes-smile', 'a sad face'])
    expect(second.code, second.err).toBe(0)
    expect(second.out).not.toContain('1 of 4')
    expect(second.out).toContain('3 of 4  hypernerf+i, "a sad face"')
    expect(readFileSync(join(rows, json), 'utf8')).toBe(written)
    expect(readFileSync(at('bench/scenes/ada-mini.scene')).equals(scene)).toBe(true)
    const { tables, rows: all } = JSON.parse(readFileSync(at('bench/benchmark.json'), 'utf8'))
    expect(all).toHaveLength(4)
    expect(tables.map(({ title }: { title: string }) => title)).toEqual(["The paper's table", 'Against the true edits', 'Sentence by sentence'])
    expect(readFileSync(at('bench/benchmark.md'), 'utf8')).toContain('| no edit | +0.00 |')
    expect(existsSync(at('bench/index.html'))).toBe(true)
  }, 120_000)

  it('says what is wrong: an unknown method, other settings, a mistyped true edit, two captures of a name', async () => {
    const said = async (argv: string[]): Promise<string> => {
      const { code, err } = await cli(['benchmark', ...argv])
      expect(code).toBe(1)
      return err.split('\n').at(-2) ?? ''
    }
    expect(await said([CAPTURE, '-o', at('bad'), '--methods', 'gan'])).toMatch(/editMethod: no method "gan"; there are pac, hypernerf\+i, /)
    expect(existsSync(at('bad'))).toBe(false)
    expect(await said([CAPTURE, CAPTURE, '-o', at('bad')])).toContain('benchmark: two captures called ada-mini; rename a folder')
    const again = await bench(['--prompts', 'closed-eyes-smile', '--views', '3'])
    expect(again.err).toContain(`${at('bench')}: begun with views 2, not 3; go on with the same, or choose another folder with -o`)
    const typo = await bench(['--prompts', 'closed-eyes-simle'])
    expect(typo.err).toContain('no true edit "closed-eyes-simle"; there are closed-eyes-open-mouth, wide-eyes-smile, closed-eyes-smile')
  }, 60_000)

  it('stops at Ctrl-C with the rows that are done', async () => {
    const terminal = fakeTerminal()
    terminal.interrupt()
    const { code, err } = await bench(['--prompts', 'an angry face'], terminal)
    expect(code).toBe(130)
    expect(err).toMatch(/interrupted; 0 of 2 rows of ada-mini are in .*; run the benchmark again to go on\n$/)
  }, 60_000)
})
