import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { HELP_EXAMPLES } from '../../cli/helpExamples.ts'
import { program, run } from '../../cli/run.ts'
import { fakeTerminal } from './fakeTerminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'faceclipnerf-run-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function cli(...argv: string[]) {
  const terminal = fakeTerminal()
  const code = await run(argv, terminal)
  return { code, out: terminal.stdout, err: terminal.stderr }
}

describe('help', () => {
  it('lists every verb, and every verb its options', async () => {
    const { code, out } = await cli('--help')
    expect(code).toBe(0)
    for (const verb of ['train', 'anchors', 'edit', 'render', 'evaluate', 'demo']) expect(out).toMatch(new RegExp(`^ {2}${verb} `, 'm'))
    for (const command of program(fakeTerminal()).commands) {
      const help = await cli(command.name(), '--help')
      expect(help.code).toBe(0)
      for (const option of command.options) {
        expect(help.out, command.name()).toContain(option.flags)
        expect(option.description, `${command.name()} ${option.flags}`).not.toBe('')
      }
    }
  })

  it('has examples with options that exist, as the documents have', async () => {
    const { commands } = program(fakeTerminal())
    const documents = ['README.md', 'docs/filming.md', 'docs/import.md', 'docs/recipe.md', 'docs/share.md', 'docs/studio.md']
    const lines = documents.flatMap(path => readFileSync(path, 'utf8').match(/^faceclipnerf .*$/gm) ?? [])
    for (const [verb, examples] of Object.entries(HELP_EXAMPLES)) lines.push(...examples.map(example => `faceclipnerf ${verb} ${example}`))
    for (const line of lines) {
      const [, name, ...words] = line.replace(/ #.*$/, '').trim().split(/ +/)
      const verb = commands.find(command => command.name() === name)
      const known = [verb, ...(verb?.commands ?? [])].flatMap(command => command?.options.flatMap(({ short, long }) => [short, long]) ?? [])
      expect(known, line).toEqual(expect.arrayContaining(words.filter(word => /^-/.test(word))))
    }
    expect((await cli('edit', '--help')).out).toContain('\n  faceclipnerf edit ada.scene "a surprised face" -o surprised.edit\n')
  })

  it('prints the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await cli('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })
})

describe('errors are one line and exit code 1', () => {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const made = (name: string): string => {
    mkdirSync(join(folder, name))
    return join(folder, name)
  }
  it.each([
    ['an unknown verb', ['trian', 'x'], /^faceclipnerf: unknown command 'trian' \(Did you mean train\?\)$/],
    ['a verb like no other', ['frobnicate'], /^faceclipnerf: unknown command 'frobnicate'; faceclipnerf --help lists what there is$/],
    ['an option like no other', ['train', 'x', '-o', 'y.scene', '--zzz'], /unknown option '--zzz'; faceclipnerf train --help lists what there is$/],
    ['an unknown option', ['train', 'x', '-o', 'y.scene', '--stps', '3'], /unknown option '--stps' \(Did you mean --steps\?\)$/],
    ['a missing option', ['train', 'x'], /required option '-o, --output <file>' not specified$/],
    ['a missing argument', ['anchors'], /missing required argument 'scene'$/],
    [
      'an edit towards nothing',
      ['edit', 'x.scene', '-o', 'y.edit'],
      /neither a sentence nor --target nor --expression; say what the face should look like in one way$/,
    ],
    [
      'a value that is no number',
      ['train', 'x', '-o', 'y.scene', '--steps', '1.5'],
      /option '--steps <n>' argument '1.5' is invalid\. Give a whole number from 1\.$/,
    ],
    [
      'a value outside the choices',
      ['train', 'x', '-o', 'y.scene', '--preset', 'huge'],
      /argument 'huge' is invalid\. Allowed choices are tiny, fast, paper\.$/,
    ],
    [
      'no capture',
      ['train', join(folder, 'nothing'), '-o', join(folder, 'y.scene')],
      /nothing: no such folder; pass the path of an existing folder$/,
    ],
    [
      'a folder that is no capture',
      ['train', folder, '-o', join(folder, 'y.scene')],
      /dataset\.json: not there, so this is no capture; make one of it with faceclipnerf import$/,
    ],
    ['no scene', ['anchors', join(folder, 'no.scene'), '--device', 'cpu'], /no\.scene: no such file; make a scene with faceclipnerf train$/],
    ['a scene that is none', ['anchors', file('bad.scene', 'hello'), '--device', 'cpu'], /bad\.scene: /],
    [
      'an ending it cannot write',
      ['render', 'x.scene', '-o', 'x.gif'],
      /x\.gif: cannot write "\.gif" here; choose a name that ends in \.png or \.webp$/,
    ],
    [
      'a folder in the place of a file',
      ['train', 'x', '-o', made('dir.scene')],
      /dir\.scene: there is a folder of that name; choose the name of a file$/,
    ],
    [
      'a file in the place of a folder',
      ['edit', 'x.scene', 'a smile', '-o', join(file('f.txt', ''), 'a.edit')],
      /f\.txt is a file, not a folder\); choose another path$/,
    ],
    [
      'an edit in the place of a scene',
      ['edit', 'x.scene', 'a smile', '-o', 'x.scene'],
      /x\.scene: cannot write "\.scene" here; choose a name that ends in \.edit$/,
    ],
    ['a single anchor', ['anchors', 'x.scene', '--anchors', '1'], /argument '1' is invalid\. Give a whole number from 2\.$/],
    [
      'pictures that never come',
      ['render', 'x.scene', '--orbit', '3', '--fps', '0', '-o', 'x.webp'],
      /argument '0' is invalid\. Give a number from 0\.1 to 1000\.$/,
    ],
    ['a mesh of another kind', ['mesh', 'x.scene', '-o', 'x.obj'], /x\.obj: cannot write "\.obj" here; choose a name that ends in \.glb or \.ply$/],
    ['a page of another kind', ['share', 'x.scene', '-o', 'x.pdf'], /x\.pdf: cannot write "\.pdf" here; choose a name that ends in \.html or \.htm$/],
    ['a mesh of two faces', ['mesh', 'x.scene', '--frame', 'a', '--edit', 'b', '-o', 'x.glb'], /mesh: --edit and --frame exclude each other/],
    ['an animation as PNG', ['render', 'x.scene', '--orbit', '3', '-o', 'x.png'], /choose a name that ends in \.webp or \.mp4 or \.webm$/],
    [
      'a path that is not there',
      ['render', 'x.scene', '--path', join(folder, 'no.json'), '-o', 'x.mp4'],
      /no\.json: no such file; export one from nerfstudio/,
    ],
    [
      'a path that is no JSON',
      ['render', 'x.scene', '--path', file('bad.json', '{'), '-o', 'x.mp4'],
      /bad\.json: not JSON .*; export one from nerfstudio's viewer/,
    ],
    [
      'a path with a broken field',
      ['render', 'x.scene', '--path', file('half.json', '{"camera_path": [{"camera_to_world": [1]}]}'), '-o', 'x.mp4'],
      /half\.json: "camera_path" 0: "camera_to_world" is \[1\]; it must be 16 finite numbers/,
    ],
    [
      'two ways to look',
      ['render', 'x.scene', '--path', 'p.json', '--orbit', '3', '-o', 'x.mp4'],
      /--orbit and --path exclude each other; choose one$/,
    ],
    ['a path to save of one picture', ['render', 'x.scene', '--save-path', 'p.json', '-o', 'x.png'], /--save-path without --orbit/],
    ['two faces at once', ['render', 'x.scene', '--frame', 'a', '--edit', 'b', '-o', 'x.png'], /--edit and --frame exclude each other/],
    ['half an interpolation', ['render', 'x.scene', '--from', 'a', '-o', 'x.png'], /needs --from, --to and --at; give all three$/],
    ['ratios without an edit', ['render', 'x.scene', '--acr', '-o', 'x.png'], /--acr without --edit/],
    ['a size that is none', ['render', 'x.scene', '--size', '64', '-o', 'x.png'], /Give width x height in pixels, such as 256x256\.$/],
    [
      'a resume from nothing',
      ['train', 'assets/captures/ada-mini', '--downscale', '2', '-o', join(folder, 'new.scene'), '--resume', '--device', 'cpu'],
      /no such file to resume from/,
    ],
    [
      'a resolution there is not',
      ['train', 'assets/captures/ada-mini', '--downscale', '8', '-o', join(folder, 'new.scene')],
      /rgb\/8x: no images.*there are rgb\/1x, rgb\/2x; choose one of these$/,
    ],
  ])('%s', async (_, argv, message) => {
    const { code, out, err } = await cli(...argv)
    expect(code).toBe(1)
    expect(out).toBe('')
    const lines = err
      .trim()
      .split('\n')
      .filter(line => !line.startsWith('device: '))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^faceclipnerf: /)
    expect(lines[0]).toMatch(message)
  })
})

it('ends quietly when whoever reads its output has gone', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'edit', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let said = ''
  child.stderr.on('data', chunk => {
    said += chunk
  })
  const code = await new Promise(end => child.on('close', end))
  expect({ code, said }).toEqual({ code: 0, said: '' })
})
