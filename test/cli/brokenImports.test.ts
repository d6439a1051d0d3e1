/**
 * Inputs that cannot be imported. Each: one line that names the value and what to do, exit code 1, nothing left of the output, nothing written anywhere else.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../cli/run.ts'
import {
  addPictures,
  arc,
  colmapBinary,
  colmapText,
  type Files,
  json,
  llffRows,
  names,
  npyDoubles,
  picture,
  text,
  transformsOf,
} from '../capture/import/formatFixtures.ts'
import { fakeTerminal } from './fakeTerminal.ts'
import { type ZipEntry, zip } from './zipWriter.ts'

const scratch = mkdtempSync(join(tmpdir(), 'faceclipnerf-broken-'))
let place = ''
let count = 0
beforeAll(() => {
  process.env.XDG_CONFIG_HOME = join(scratch, 'config')
})
beforeEach(() => {
  place = join(scratch, `case${count++}`)
  mkdirSync(join(place, 'in'), { recursive: true })
  mkdirSync(join(place, 'out'))
})
afterAll(() => {
  delete process.env.XDG_CONFIG_HOME
  rmSync(scratch, { recursive: true })
})

const CAMERAS = arc(3)
const IDENTITY = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 2],
  [0, 0, 0, 1],
]
const at = (path: string): string => join(place, 'in', path)
function put(files: Files): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(at(path)), { recursive: true })
    writeFileSync(at(path), bytes)
  }
}
/** Everything below the case's folder, but what lies in `in`. */
const outside = (): string[] =>
  readdirSync(place, { recursive: true })
    .map(String)
    .filter(path => !path.startsWith('in'))
    .sort()

async function refused(source: string, message: RegExp, ...options: string[]): Promise<void> {
  const before = outside()
  const terminal = fakeTerminal()
  const code = await run(['import', source, '-o', join(place, 'out/a.capture'), '--yes', ...options], terminal)
  const last = terminal.stderr.trimEnd().split('\n').at(-1) ?? ''
  expect(last, terminal.stderr).toMatch(message)
  expect(last).toMatch(/^faceclipnerf: /)
  // the value, then what to do about it
  expect(last).toMatch(/; | such as |choose|pass|must/)
  expect(code).toBe(1)
  expect(outside()).toEqual(before)
  expect(existsSync(join(scratch, 'evil.png'))).toBe(false)
}

/** A transforms.json folder, with the file and the files spoilt. */
async function transformsCase(
  message: RegExp,
  spoil: { more?: object; frame?: (i: number) => object; raw?: string; files?: (files: Files) => unknown },
): Promise<void> {
  const model = transformsOf(CAMERAS, { more: spoil.more, frame: spoil.frame })
  const files = await addPictures(new Map([['transforms.json', spoil.raw === undefined ? json(model) : text(spoil.raw)]]), CAMERAS)
  await spoil.files?.(files)
  put(files)
  await refused(at(''), message)
}

describe('sources', () => {
  it('a path that is not there', () => refused(at('gone'), /gone: no such file or folder; check the path/))
  it('an empty folder', () => refused(at(''), /in: it holds no files; pass pictures, transforms\.json/))
  it('a folder of other things', () => {
    put(new Map([['notes.txt', text('hello')]]))
    return refused(at(''), /nothing that can be imported among its 1 files \(notes\.txt/)
  })
  it('a file of another kind', () => {
    put(new Map([['a.pdf', text('%PDF')]]))
    return refused(at('a.pdf'), /a\.pdf: not a kind of file that can be imported/)
  })
  it('a file of 0 bytes', () => {
    put(new Map([['transforms.json', new Uint8Array()]]))
    return refused(at('transforms.json'), /transforms\.json: the file is empty \(0 bytes\)/)
  })
  it('pictures too few', async () => {
    put(new Map([['a.png', await picture(8, 8)]]))
    await refused(at(''), /in: 1 pictures; at least 3/)
  })
  it('a pipe', () => {
    spawnSync('mkfifo', [at('pipe')])
    return refused(at('pipe'), /pipe: neither a file nor a folder/)
  })
  it('another format than --format says', async () => {
    put(await addPictures(new Map([['transforms.json', json(transformsOf(CAMERAS))]]), CAMERAS))
    await refused(at(''), /no colmap capture \(cameras\.bin or cameras\.txt is not there\); leave --format out/, '--format', 'colmap')
  })
  it.skipIf(process.platform === 'win32')('a folder and a file without permission', async () => {
    put(await addPictures(new Map([['transforms.json', json(transformsOf(CAMERAS))]]), CAMERAS))
    const sealed = (path: string, message: RegExp) => {
      chmodSync(path, 0)
      // root reads everything: let nobody try
      const asNobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
      const script = `const { openDataset } = await import('./src/capture/openDataset.ts'); await openDataset(${JSON.stringify(at(''))}).then(async ({ imported }) => { const { captureFiles } = await import('./src/capture/captureFiles.ts'); for await (const _ of captureFiles(imported)); }).catch(e => console.log('ERROR ' + e.message))`
      const copy = join(scratch, 'readable')
      if (!existsSync(copy)) for (const part of ['src', 'package.json', 'tsconfig.json']) cpSync(part, join(copy, part), { recursive: true })
      if (!existsSync(join(copy, 'node_modules'))) symlinkSync(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'))
      chmodSync(scratch, 0o755)
      const result = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        cwd: copy,
        env: { ...process.env, HOME: '/tmp' },
        encoding: 'utf8',
        ...asNobody,
      })
      chmodSync(path, 0o755)
      expect(`${result.stdout}${result.stderr}`).toMatch(message)
    }
    sealed(at('images/frame_001.png'), /ERROR .*frame_001\.png: cannot be read \(EACCES.*\); check its permissions/)
    sealed(at('transforms.json'), /ERROR .*transforms\.json: cannot be read \(EACCES.*\); check its permissions/)
    sealed(at(''), /ERROR .*: the folder cannot be read \(EACCES\); check its permissions/)
  })
})

describe('zips', () => {
  const zipped = async (more: ZipEntry[], prefix = ''): Promise<Uint8Array> => {
    const files = await addPictures(new Map([['transforms.json', json(transformsOf(CAMERAS))]]), CAMERAS)
    return zip([...[...files].map(([name, bytes]) => ({ name: prefix + name, bytes })), ...more])
  }
  const zipCase = (bytes: Uint8Array, message: RegExp): Promise<void> => {
    put(new Map([['a.zip', bytes]]))
    return refused(at('a.zip'), message)
  }
  const evil = text('evil')

  it.each(['ada/', './', 'my scans\\ada\\', './/ada/./'])('imports whole ones, also with everything in "%s"', async folder => {
    put(new Map([['a.zip', await zipped([{ name: '__MACOSX/ada/._x.png', bytes: evil }], folder)]]))
    const terminal = fakeTerminal()
    expect(await run(['import', at('a.zip'), '-o', join(place, 'out/a.capture'), '--yes'], terminal), terminal.stderr).toBe(0)
    expect(readdirSync(join(place, 'out/a.capture/rgb/1x')).sort()).toEqual(names(3).map(name => `${name}.png`))
  })
  it('0 bytes', () => zipCase(new Uint8Array(), /a\.zip: the file is empty/))
  it('no zip at all', () => zipCase(text('hello'), /a\.zip: not a kind of file that can be imported/))
  it('without entries', () => zipCase(zip([]), /a\.zip: it holds no files/))
  it('cut off', async () =>
    zipCase((await zipped([])).subarray(0, 900), /a\.zip: cannot be read as a zip \(End of central directory.*; copy or make the file again/))
  it.each([
    ['path traversal', '../../evil.png', /invalid relative path|refused/],
    ['path traversal further in', 'images/../../../evil.png', /invalid relative path|refused/],
    ['an absolute path', '/tmp/evil.png', /absolute path|refused/],
    ['a drive', 'C:/evil.png', /absolute path|refused/],
    ['backslashes', '..\\..\\evil.png', /invalid relative path|refused/],
  ])('%s', async (_, name, message) => zipCase(await zipped([{ name, bytes: evil }]), message))
  it('a link', async () =>
    zipCase(
      await zipped([{ name: 'images/link.png', bytes: text('/etc/passwd'), mode: 0o120777, method: 0 }]),
      /"images\/link\.png" is a link; zip the files themselves/,
    ))
  it('a bomb by its ratio', async () =>
    zipCase(
      await zipped([{ name: 'images/big.png', bytes: new Uint8Array(2 ** 24) }]),
      /"images\/big\.png" unpacks \d+ bytes to 16777216, more than 200 times as many; refused as a zip bomb/,
    ))
  it('a bomb by its claim', async () =>
    zipCase(
      await zipped([{ name: 'b.png', bytes: evil, claim: { size: 3 * 2 ** 30 } }]),
      /"b\.png" unpacks to 3221225472 bytes, more than 1073741824/,
    ))
  it('a bomb of entries that share their bytes', async () => {
    const [first, ...rest] = Array.from(
      { length: 40 },
      (_, i): ZipEntry => ({ name: `${i}.png`, bytes: new Uint8Array(5000).map((_, k) => (k * k) & 255), method: 0, shared: i > 0 }),
    )
    await zipCase(zip([first, ...rest]), /its entries overlap; refused as a zip bomb/)
  })
  it('an entry larger than it says', async () => {
    const bytes = await picture(12, 8)
    const files = new Map([['transforms.json', json(transformsOf(CAMERAS))]])
    const entries = [...files].map(([name, value]): ZipEntry => ({ name, bytes: value }))
    await zipCase(
      zip([...entries, ...names(3).map((name): ZipEntry => ({ name: `images/${name}.png`, bytes, claim: { size: 20 } }))]),
      /the entry is damaged \(too many bytes/,
    )
  })
  it('damaged inside', async () => {
    const entries = names(3).map(
      (name): ZipEntry => ({ name: `images/${name}.png`, bytes: text('x'.repeat(100)), raw: Uint8Array.from({ length: 50 }, () => 255) }),
    )
    await zipCase(zip([{ name: 'transforms.json', bytes: json(transformsOf(CAMERAS)) }, ...entries]), /frame_000\.png: the entry is damaged/)
  })
  it('changed inside, without a trace in its sizes', async () => {
    const changed = json(transformsOf(CAMERAS)).map((byte, i) => (i === 5 ? byte ^ 1 : byte))
    const entry = { name: 'transforms.json', bytes: json(transformsOf(CAMERAS)), raw: changed, method: 0 }
    await zipCase(zip([entry]), /transforms\.json: the entry is damaged \(its checksum does not fit\)/)
  })
  it('encrypted', async () =>
    zipCase(await zipped([{ name: 'x.png', bytes: evil, flags: 1 }]), /"x\.png" is encrypted; make the zip without a password/))
  it('another packing', async () =>
    zipCase(await zipped([{ name: 'x.png', bytes: evil, method: 12 }]), /"x\.png" is packed by method 12; make the zip with deflate/))
  it('one name twice', async () => zipCase(await zipped([{ name: 'transforms.json', bytes: evil }]), /the entry "transforms\.json" is there twice/))
  it('two captures', async () => {
    const one = json(transformsOf(CAMERAS))
    await zipCase(
      zip([
        { name: 'a/transforms.json', bytes: one },
        { name: 'b/transforms.json', bytes: one },
      ]),
      /2 captures side by side: a \(transforms\), b \(transforms\); pass one/,
    )
  })
})

describe('transforms.json', () => {
  const matrix = (transform_matrix: unknown) => ({ frame: (i: number) => (i === 1 ? { transform_matrix } : {}) })
  const cases: [string, RegExp, Parameters<typeof transformsCase>[1]][] = [
    ['no JSON', /transforms\.json: not valid JSON \(.*\); write the file again/, { raw: '{"frames": [' }],
    ['a list', /transforms\.json: \[\] is not an object/, { raw: '[]' }],
    ['no frames', /"frames" is undefined; it must list the pictures/, { raw: '{"fl_x": 20}' }],
    ['empty frames', /"frames" is \[\]; it must list/, { raw: '{"fl_x": 20, "frames": []}' }],
    ['frames of another type', /"frames" is "all"; it must be a list/, { raw: '{"frames": "all"}' }],
    ['a frame of another type', /frame 0: "a\.png" is not an object/, { raw: '{"frames": ["a.png"]}' }],
    ['a name of another type', /frame 0: "file_path" is 7; it must be text/, { raw: '{"frames": [{"file_path": 7}]}' }],
    ['NaN in a matrix', /frame 1: "transform_matrix" is \[\[1,"NaN".*; it must be 12 or 16 finite numbers/, { raw: '' }],
    [
      'a matrix of another size',
      /frame 1: "transform_matrix" is \[\[1,0\],\[0,1\]\]; it must be 12 or 16/,
      matrix([
        [1, 0],
        [0, 1],
      ]),
    ],
    ['no matrix', /frame 1: "transform_matrix" is missing/, matrix(null)],
    ['a matrix of words', /frame 1: "transform_matrix" is .*; it must be 12 or 16/, matrix(IDENTITY.map(row => row.map(() => 'one')))],
    [
      'a singular matrix',
      /frame 1: the rotation .* is singular or sheared; export this pose again/,
      matrix(IDENTITY.map(row => row.map(() => 0)).toSpliced(3, 1, [0, 0, 0, 1])),
    ],
    ['a sheared matrix', /frame 1: the rotation .* is singular or sheared/, matrix(IDENTITY.toSpliced(0, 1, [1, 0.5, 0, 0]))],
    ['a mirror', /frame 1: the rotation .* is a mirror image; export right-handed/, matrix(IDENTITY.toSpliced(0, 1, [-1, 0, 0, 0]))],
    [
      'a transposed matrix',
      /frame 1: "transform_matrix" ends in the row \[0,0,2,1\], not \[0,0,0,1\]/,
      matrix([
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 2, 1],
      ]),
    ],
    ['no focal length', /neither "fl_x" nor "camera_angle_x" is there/, { more: { fl_x: null, fl_y: null } }],
    ['a negative focal length', /"fl_x" is -3; it must be a positive number of pixels/, { more: { fl_x: -3 } }],
    ['an angle of 200 degrees', /"camera_angle_x" is 3\.5; it must be an angle/, { more: { fl_x: null, camera_angle_x: 3.5 } }],
    ['no width', /"w" is 0; it must be a whole number of pixels above 0/, { more: { w: 0 } }],
    ['a width in words', /"w" is "wide"; it must be a finite number/, { more: { w: 'wide' } }],
    ['half a pixel', /"h" is 8\.5; it must be a whole number/, { more: { h: 8.5 } }],
    ['a panorama', /camera_model "EQUIRECTANGULAR" is not supported; undistort/, { more: { camera_model: 'EQUIRECTANGULAR' } }],
    ['a coefficient too many', /"k4" is 0\.1, which the model OPENCV does not have here/, { more: { k4: 0.1 } }],
    [
      'pictures that are all gone',
      /none of the pictures in its pose file is there \(3 are listed but not there, such as "images\/frame_000\.png"\)/,
      { files: f => names(3).map(name => f.delete(`images/${name}.png`)) },
    ],
    ['pictures outside', /none of the pictures .*such as "\.\.\/\.\.\/secret0\.png"/, { frame: i => ({ file_path: `../../secret${i}.png` }) }],
    ['near behind far', /near is 5 and far 2 \(world units\); they must be 0 <= near < far/, { more: { faceclipnerf: { near: 5, far: 2 } } }],
    [
      'points cut off',
      /points\.ply: cut: 9 vertices need 108 bytes, there are 3/,
      {
        more: { ply_file_path: 'points.ply' },
        files: f =>
          f.set(
            'points.ply',
            text('ply\nformat binary_little_endian 1.0\nelement vertex 9\nproperty float x\nproperty float y\nproperty float z\nend_header\nabc'),
          ),
      },
    ],
    [
      'points that are none',
      /points\.ply: not a PLY file/,
      { more: { ply_file_path: 'points.ply' }, files: f => f.set('points.ply', text('hello')) },
    ],
  ]
  it.each(cases)('%s', async (name, message, spoil) => {
    if (name !== 'NaN in a matrix') return transformsCase(message, spoil)
    const bad = JSON.stringify(
      transformsOf(
        CAMERAS,
        matrix([
          [1, 'NaN', 0, 0],
          [0, 1, 0, 0],
          [0, 0, 1, 2],
          [0, 0, 0, 1],
        ]),
      ),
    ).replace('"NaN"', 'NaN')
    return transformsCase(message, { raw: bad })
  })
})

describe('pictures', () => {
  const spoilt = (bytes: Uint8Array, message: RegExp) => transformsCase(message, { files: files => files.set('images/frame_001.png', bytes) })
  it('0 bytes', () => spoilt(new Uint8Array(), /frame_001\.png: the picture is empty \(0 bytes\)/))
  it('a cut PNG', async () => spoilt((await picture(12, 8)).subarray(0, 70), /frame_001\.png: cannot decode the picture of 70 bytes/))
  it('a cut JPEG', async () => {
    const whole = await sharp({ create: { width: 12, height: 8, channels: 3, background: '#888' } })
      .jpeg()
      .toBuffer()
    await spoilt(new Uint8Array(whole.subarray(0, whole.length - 40)), /frame_001\.png: cannot decode the picture/)
  })
  it('no picture', () => spoilt(text('<html>not found</html>'), /frame_001\.png: cannot decode the picture of 22 bytes/))
  it('a picture that claims to be huge', async () => {
    const bytes = await picture(12, 8)
    new DataView(bytes.buffer).setUint32(16, 60000)
    new DataView(bytes.buffer).setUint32(20, 60000)
    await spoilt(bytes, /frame_001\.png: the picture says it is 60000x60000, more than 134217728 pixels/)
  })
  it('HEIC', () => spoilt(Uint8Array.of(0, 0, 0, 24, ...text('ftypheic'), 0, 0, 0, 0), /HEIC pictures cannot be read here; convert them to JPEG/))
  it('HEIC of another maker', () => spoilt(Uint8Array.of(0, 0, 0, 24, ...text('ftypmif1\0\0\0\0mif1heic')), /HEIC pictures cannot be read here/))
  it('a pointer of Git LFS', () =>
    spoilt(text('version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n'), /pointer of Git LFS.*; fetch the pictures with git lfs pull/))
  it('of another shape than the camera', async () =>
    spoilt(await picture(8, 12), /frame_001\.png: the picture is 8x12, its camera 12x8; use the picture the poses were found with/))
  it('with a mask of another shape', () =>
    transformsCase(/frame_001\.png: its mask is 8x8 for a picture of 12x8; export it with the same shape/, {
      frame: i => (i === 1 ? { mask_path: 'm.png' } : {}),
      files: async files => files.set('m.png', await picture(8, 8, { channels: 1 })),
    }))
  it.skipIf(process.platform === 'win32')('links out of the folder: never followed', async () => {
    const secret = join(place, 'out/secret.png')
    writeFileSync(secret, await picture(12, 8))
    put(new Map([['transforms.json', json(transformsOf(CAMERAS, { frame: i => ({ file_path: `link${i}.png` }) }))]]))
    for (const i of [0, 1, 2]) symlinkSync(secret, at(`link${i}.png`))
    await refused(at(''), /none of the pictures in its pose file is there/)
    symlinkSync(at(''), at('ring'))
    put(await addPictures(new Map(), CAMERAS))
    put(new Map([['transforms.json', json(transformsOf(CAMERAS))]]))
    const terminal = fakeTerminal()
    expect(await run(['import', at(''), '-o', join(place, 'out/a.capture'), '--yes'], terminal)).toBe(0)
    expect(terminal.stderr).toMatch(/link0\.png: left out, because this link leads out of the folder, to .*secret\.png; copy the file itself/)
  })
})

describe('COLMAP', () => {
  const PINHOLE = { model: 'SIMPLE_PINHOLE', modelId: 0, params: [20, 6, 4] }
  const colmapCase = async (
    message: RegExp,
    spoil: (files: Files) => void,
    { model = PINHOLE, write = colmapBinary, pictures = true } = {},
  ): Promise<void> => {
    const files = pictures ? await addPictures(new Map(), CAMERAS) : new Map<string, Uint8Array>()
    write(files, CAMERAS, model)
    spoil(files)
    put(files)
    await refused(at(''), message)
  }
  const cut = (files: Files, path: string, size: number) => files.set(path, (files.get(path) ?? new Uint8Array()).subarray(0, size))
  const replace = (files: Files, path: string, from: string | RegExp, to: string) =>
    files.set(path, text(new TextDecoder().decode(files.get(path)).replace(from, to)))

  it('without images.bin', () =>
    colmapCase(/sparse\/0\/images\.bin: a COLMAP model without images\.bin; export the model again/, f => void f.delete('sparse/0/images.bin')))
  it('without cameras', () => colmapCase(/no cameras\.bin or cameras\.txt|without cameras/, f => void f.delete('sparse/0/cameras.bin')))
  it('cut images.bin', () => colmapCase(/images\.bin: (cut off after 100 bytes|says it holds)/, f => void cut(f, 'sparse/0/images.bin', 100)))
  it('images.bin of 0 bytes', () => colmapCase(/images\.bin: cut off after 0 bytes/, f => void cut(f, 'sparse/0/images.bin', 0)))
  it('a count that cannot be', () =>
    colmapCase(/images\.bin: says it holds \d+ images, which its \d+ bytes cannot/, f => void f.get('sparse/0/images.bin')?.fill(200, 0, 6)))
  it('cut points3D.bin', () =>
    colmapCase(/points3D\.bin: (cut off|says it holds 1 points)/, f => void cut(f, 'sparse/0/points3D.bin', 30), {
      model: { ...PINHOLE, points: [[1, 2, 3]] } as typeof PINHOLE,
    }))
  it('no image registered', () =>
    colmapCase(/sparse\/0: the model has no registered image; run COLMAP's mapper again/, f => void f.set('sparse/0/images.bin', new Uint8Array(8))))
  it('a camera model from the future', () =>
    colmapCase(
      /camera 7 has the model number 77, which is not known; undistort with colmap image_undistorter/,
      f => void new DataView((f.get('sparse/0/cameras.bin') ?? new Uint8Array(16)).buffer).setInt32(12, 77, true),
    ))
  it('a camera model without a form here', () =>
    colmapCase(/camera 7 has the model RAD_TAN_THIN_PRISM_FISHEYE, which is not supported/, () => undefined, {
      model: { model: 'RAD_TAN_THIN_PRISM_FISHEYE', modelId: 11, params: Array(16).fill(1) },
    }))
  it('a camera with too few numbers', () =>
    colmapCase(/camera 7 has 2 parameters, SIMPLE_PINHOLE has 3 \(f, cx, cy\)/, f => void replace(f, 'sparse/0/cameras.txt', ' 20 6 4', ' 20 6'), {
      write: colmapText,
    }))
  it('NaN in a camera', () =>
    colmapCase(
      /cameras\.txt: line 3: the camera has the value "nan", not a finite number/,
      f => void replace(f, 'sparse/0/cameras.txt', ' 20 6 4', ' nan 6 4'),
      { write: colmapText },
    ))
  it('a focal length of 0', () =>
    colmapCase(/camera 7 has focal lengths 0, 0 and size 12x8; they must be positive/, () => undefined, { model: { ...PINHOLE, params: [0, 6, 4] } }))
  it('an image of no camera', () =>
    colmapCase(
      /image "frame_000\.png" has camera 9, which is not among the cameras/,
      f => void replace(f, 'sparse/0/images.txt', / 7 frame_000/, ' 9 frame_000'),
      { write: colmapText },
    ))
  it('an image without a name', () =>
    colmapCase(/images\.txt: line 2 "1 .* is no image/, f => void replace(f, 'sparse/0/images.txt', / 7 frame_000\.png/, ''), { write: colmapText }))
  it('a rotation of zeros', () =>
    colmapCase(
      /image "frame_000\.png" has the pose \[0,0,0,0,.*no unit quaternion/,
      f => void replace(f, 'sparse/0/images.txt', /^1 \S+ \S+ \S+ \S+/m, '1 0 0 0 0'),
      { write: colmapText },
    ))
  it('without pictures', () =>
    colmapCase(/none of the 3 registered pictures is there .*put them into images\//, () => undefined, { pictures: false }))
})

describe('LLFF', () => {
  const llffCase = async (message: RegExp, bytes: Uint8Array, pictures = 3): Promise<void> => {
    put(await addPictures(new Map([['poses_bounds.npy', bytes]]), CAMERAS.slice(0, pictures)))
    await refused(at(''), message)
  }
  const rows = (change: (values: number[]) => unknown = () => undefined): Uint8Array => {
    const values = llffRows(CAMERAS, 1, 3)
    change(values)
    return npyDoubles([3, 17], values)
  }
  it('no npy', () => llffCase(/poses_bounds\.npy: not a \.npy file/, text('hello hello hello')))
  it('cut', () => llffCase(/poses_bounds\.npy: shape \(3,17\) of <f8 needs 408 bytes of data/, rows().subarray(0, 300)))
  it('another shape', () => llffCase(/shape is \(3,15\); LLFF's file has one row of 17 per picture/, npyDoubles([3, 15], Array(45).fill(1))))
  it('fewer pictures', () => llffCase(/3 poses, but there are images: 2; LLFF needs one picture per pose/, rows(), 2))
  it('NaN', () =>
    llffCase(
      /row 1: column 3 is NaN; every value must be finite/,
      rows(v => v.fill(Number.NaN, 20, 21)),
    ))
  it('a size of 0', () =>
    llffCase(
      /row 0: the size is 12x0 and the focal length 20/,
      rows(v => v.fill(0, 4, 5)),
    ))
  it('depths the wrong way round', () =>
    llffCase(
      /the depths reach from .* to .*; they must be 0 <= near < far/,
      rows(v => [15, 32, 49].forEach(i => void v.fill(9, i, i + 1))),
    ))
})

describe('Nerfies', () => {
  const CAMERA = {
    orientation: [
      [1, 0, 0],
      [0, -1, 0],
      [0, 0, -1],
    ],
    position: [0, 0, 2],
    focal_length: 20,
    principal_point: [6, 4],
    image_size: [12, 8],
  }
  const nerfies = async (change: (files: Files) => void): Promise<void> => {
    const files: Files = new Map([
      ['dataset.json', json({ train_ids: ['a', 'b'], val_ids: ['c'] })],
      ['scene.json', json({ scale: 1, center: [0, 0, 0], near: 1, far: 3 })],
    ])
    for (const id of ['a', 'b', 'c']) files.set(`camera/${id}.json`, json(CAMERA)).set(`rgb/1x/${id}.png`, await picture(12, 8))
    change(files)
    put(files)
  }
  it('imports old and partial ones with warnings', async () => {
    await nerfies(files => {
      files.set('camera/b.json', json({ ...CAMERA, tangential: [0.001, 0.002] }))
      files.delete('rgb/1x/c.png')
      files.delete('scene.json')
    })
    const terminal = fakeTerminal()
    expect(await run(['import', at(''), '-o', join(place, 'out/a.capture'), '--yes', '--holdout', '0'], terminal), terminal.stderr).toBe(0)
    expect(JSON.parse(readFileSync(join(place, 'out/a.capture/camera/b.json'), 'utf8'))).toMatchObject({
      tangential_distortion: [0.001, 0.002],
      skew: 0,
    })
    for (const warning of [
      /metadata\.json: not there; every training frame/,
      /scene\.json: not there; near and far/,
      /skipped 1 that are listed but have no picture: c/,
      /no "skew"; taken as 0 \(and \d+ alike\)/,
    ])
      expect(terminal.stderr).toMatch(warning)
  })
  it.each<[string, (files: Files) => void, RegExp]>([
    [
      'an id that leads outside',
      f => void f.set('dataset.json', json({ train_ids: ['../../evil'] })),
      /the ids hold "\.\.\/\.\.\/evil"; an id is a file name/,
    ],
    ['no ids', f => void f.set('dataset.json', json({})), /neither "train_ids" nor "ids" is there/],
    [
      'NaN in a camera',
      f => void f.set('camera/a.json', text(JSON.stringify(CAMERA).replace('[0,0,2]', '[0,NaN,2]'))),
      /camera\/a\.json: "position" is \[0,"NaN",2\]; it must be 3 finite numbers/,
    ],
    ['a scale of 0', f => void f.set('scene.json', json({ scale: 0 })), /scene\.json: "scale" is 0; it must be positive/],
    ['near behind far', f => void f.set('scene.json', json({ scale: 1, center: [0, 0, 0], near: 3, far: 1 })), /near is 3 and far 1/],
    [
      'no training frame',
      f => void f.set('dataset.json', json({ train_ids: [], val_ids: ['a'] })),
      /no training picture; put some into the training split/,
    ],
    ['no pictures', f => ['a', 'b', 'c'].forEach(id => void f.delete(`rgb/1x/${id}.png`)), /rgb\/1x: no pictures; put them there/],
  ])('%s', async (_, change, message) => {
    await nerfies(change)
    await refused(at(''), message)
  })
})

describe('outputs', () => {
  const good = async () => put(await addPictures(new Map([['transforms.json', json(transformsOf(CAMERAS))]]), CAMERAS))
  it('something else is there', async () => {
    await good()
    mkdirSync(join(place, 'out/a.capture'))
    writeFileSync(join(place, 'out/a.capture/mine.txt'), 'mine')
    await refused(at(''), /a\.capture: something else is there already \(it has no dataset\.json\); choose another name/, '--force')
  })
  it('a file stands where a folder should be', async () => {
    await good()
    writeFileSync(join(place, 'out/file'), 'mine')
    await refused(
      at(''),
      /could not be written after 0 bytes \(ENOTDIR|EEXIST.*\); nothing was kept; choose another path/,
      '-o',
      join(place, 'out/file/a.capture'),
    )
  })
})
