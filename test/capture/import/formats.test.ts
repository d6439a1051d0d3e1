/** Every format that is imported: counts, intrinsics and poses are those of the cameras it was written from. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Camera } from '../../../src/camera/camera.ts'
import { project } from '../../../src/camera/rays.ts'
import { distortWide } from '../../../src/camera/wideLens.ts'
import type { ImportedCapture } from '../../../src/capture/importedCapture.ts'
import { readDataset } from '../../../src/capture/readDataset.ts'
import {
  addPictures,
  arc,
  cameraAt,
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
  treeOf,
} from './formatFixtures.ts'

const RUNS = { numRuns: 25 }
const unit = fc.double({ min: -1, max: 1, noNaN: true }).map(value => value + 0) // no -0
const quaternion = fc.tuple(unit, unit, unit, unit).filter(q => Math.hypot(...q) > 0.1)
const position = fc.tuple(unit, unit, unit).map(p => p.map(value => 5 * value))
const lens = fc.record({
  focalLength: fc.double({ min: 5, max: 3000, noNaN: true }),
  principalPoint: fc.tuple(unit, unit).map(([x, y]): [number, number] => [6 + x, 4 + y]),
})
const distortion = fc.record({
  radialDistortion: fc.tuple(unit, unit).map(([a, b]): [number, number, number] => [0.1 * a, 0.01 * b, 0]),
  tangentialDistortion: fc.tuple(unit, unit).map(([a, b]): [number, number] => [0.01 * a, 0.01 * b]),
})
const poses = fc.array(fc.tuple(quaternion, position), { minLength: 3, maxLength: 6 })
const cameras = (withDistortion: boolean): fc.Arbitrary<Camera[]> =>
  fc
    .tuple(poses, lens, distortion)
    .map(([list, optics, bent]) => list.map(([q, p]) => cameraAt(q, p, { ...optics, ...(withDistortion ? bent : {}) })))

/** Largest difference of any number of two cameras. */
function difference(a: Camera, b: Camera): number {
  const numbers = (c: Camera): number[] => [
    ...c.orientation.flat(),
    ...c.position,
    c.focalLength,
    c.pixelAspectRatio,
    ...c.principalPoint,
    c.skew,
    ...c.radialDistortion,
    ...c.tangentialDistortion,
    ...c.imageSize,
  ]
  const other = numbers(b)
  return Math.max(...numbers(a).map((value, i) => Math.abs(value - other[i])))
}

function expectCameras(imported: ImportedCapture, wanted: readonly Camera[], within: number): void {
  expect(imported.frames.map(frame => frame.id)).toEqual(names(wanted.length))
  for (const [i, { camera }] of imported.frames.entries()) {
    expect(camera).toBeDefined()
    if (camera) expect(difference(camera, wanted[i])).toBeLessThanOrEqual(within)
  }
}

const read = (files: Files): Promise<ImportedCapture> => readDataset(treeOf(files))

describe('transforms.json', () => {
  it('gives poses and intrinsics to the last digit, said once or per frame', async () => {
    await fc.assert(
      fc.asyncProperty(cameras(true), fc.boolean(), async (list, perFrame) => {
        const files = await addPictures(new Map([['transforms.json', json(transformsOf(list, { perFrame }))]]), list)
        const imported = await read(files)
        expect(imported.format).toBe('transforms')
        expectCameras(imported, list, 0)
      }),
      RUNS,
    )
  })

  it('takes the size from the picture, the focal length from the angle, the middle as principal point', async () => {
    const list = arc(3)
    const { frames } = transformsOf(list) as { frames: object[] }
    const files = await addPictures(new Map([['transforms.json', json({ camera_angle_x: 2 * Math.atan(6 / 20), frames })]]), list)
    const { frames: read3 } = await read(files)
    expect(read3[0].camera).toMatchObject({ imageSize: [12, 8], principalPoint: [6, 4], pixelAspectRatio: 1 })
    expect(read3[0].camera?.focalLength).toBeCloseTo(20, 10)
  })

  it('reads fisheyes, masks, times, split lists and points', async () => {
    const list = arc(5)
    const model = transformsOf(list, {
      more: {
        camera_model: 'OPENCV_FISHEYE',
        k3: 0.3,
        k4: 0.4,
        aabb_scale: 16,
        ply_file_path: './points.ply',
        train_filenames: ['images/frame_000.png', './images/frame_001.png', 'images/frame_002.png'],
        val_filenames: ['images/frame_003.png'],
        test_filenames: [],
      },
      frame: i => ({ time: i / 4, mask_path: `masks/frame_00${i}.png` }),
    })
    const files = await addPictures(new Map([['transforms.json', json(model)]]), list)
    for (const name of names(4)) files.set(`masks/${name}.png`, await picture(12, 8, { channels: 1 }))
    files.set(
      'points.ply',
      text(
        'ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\nend_header\n1 2 3 9\n4 5 6 9\n',
      ),
    )
    const imported = await read(files)
    expect(imported.frames.map(({ split, time }) => [split, time])).toEqual([
      ['train', 0],
      ['train', 0.25],
      ['train', 0.5],
      ['val', 0.75],
    ])
    expect(imported.frames[0].lens).toEqual({ kind: 'fisheye', radial: [0, 0, 0.3, 0.4] })
    expect(imported.frames[0].mask).toMatchObject({ path: 'masks/frame_000.png' })
    expect([...(imported.points ?? [])]).toEqual([1, 2, 3, 4, 5, 6])
    expect(imported.warnings).toEqual(['skipped 1 that are in no split list: images/frame_004.png'])
  })

  it('finds pictures without extension, in another case, and by the end of a path of another machine', async () => {
    const list = arc(4)
    const forms = ['images/frame_000', './IMAGES/Frame_001.PNG', '/home/someone/images/frame_002.png', '..\\..\\images\\frame_003.png']
    const files = await addPictures(new Map([['transforms.json', json(transformsOf(list, { frame: i => ({ file_path: forms[i] }) }))]]), list)
    const imported = await read(files)
    expectCameras(imported, list, 0)
    expect(imported.warnings).toHaveLength(1)
    expect(imported.warnings[0]).toMatch(/"\.\/IMAGES\/Frame_001\.PNG" is spelt "images\/frame_001\.png" on disk \(and 2 alike\)/)
  })

  it('names and skips pictures that are not there, and frames listed twice', async () => {
    const list = arc(4)
    const files = await addPictures(
      new Map([['transforms.json', json(transformsOf(list, { frame: i => (i === 3 ? { file_path: 'images/frame_000.png' } : {}) }))]]),
      list,
    )
    files.delete('images/frame_001.png')
    const imported = await read(files)
    expect(imported.frames.map(frame => frame.id)).toEqual(['frame_000', 'frame_002'])
    expect(imported.warnings).toEqual([
      'skipped 1 that are listed but not there: images/frame_001.png',
      'skipped 1 that are listed more than once: images/frame_000.png',
    ])
  })

  it("moves COLMAP's points by applied_transform", async () => {
    const list = arc(3)
    const applied = [
      [1, 0, 0, 0],
      [0, 0, 1, 0],
      [0, -1, 0, 5],
    ]
    const files = await addPictures(new Map([['transforms.json', json(transformsOf(list, { more: { applied_transform: applied } }))]]), list)
    colmapBinary(files, list, { model: 'PINHOLE', modelId: 1, params: [1, 1, 1, 1], points: [[1, 2, 3]], folder: 'colmap/sparse/0' })
    const imported = await read(files)
    expect(imported.format).toBe('transforms')
    expect([...(imported.points ?? [])]).toEqual([1, 3, 3])
    files.set('transforms.json', json(transformsOf(list)))
    expect((await read(files)).warnings[0]).toMatch(/its points were left out, because no "applied_transform"/)
  })
})

describe("Blender's three files (NeRF, D-NeRF)", () => {
  it('gives splits, times and exact poses; pictures have no extension in the file', async () => {
    const list = arc(6).map(camera => ({ ...camera, principalPoint: [6, 4] as [number, number] }))
    const files: Files = new Map()
    for (const [i, camera] of list.entries()) files.set(`train/r_${i}.png`, await picture(...camera.imageSize, { channels: 4 }))
    const part = (from: number, to: number): Uint8Array => {
      const { frames } = transformsOf(list, { frame: i => ({ file_path: `./train/r_${i}`, rotation: 0.01, time: i / 5 }) }) as { frames: object[] }
      return json({ camera_angle_x: 2 * Math.atan(6 / 20), frames: frames.slice(from, to) })
    }
    files.set('transforms_train.json', part(0, 4)).set('transforms_val.json', part(4, 5)).set('transforms_test.json', part(5, 6))
    const imported = await read(files)
    expect(imported).toMatchObject({ format: 'blender', warnings: [] })
    expect(imported.frames.map(({ id, split, time }) => [id, split, time])).toEqual([
      ...[0, 1, 2, 3].map(i => [`r_${i}`, 'train', i / 5]),
      ['r_4', 'val', 0.8],
      ['r_5', 'val', 1],
    ])
    for (const [i, { camera }] of imported.frames.entries()) {
      expect(camera && difference(camera, list[i])).toBeLessThan(1e-12)
      expect(camera?.orientation).toEqual(list[i].orientation.map(row => row.map(value => value + 0)))
    }
  })
})

describe('LLFF', () => {
  it('gives exact poses, sizes and bounds', async () => {
    await fc.assert(
      fc.asyncProperty(cameras(false), async list => {
        const square = list.map(camera => ({ ...camera, principalPoint: [6, 4] as [number, number] }))
        const files = await addPictures(new Map([['poses_bounds.npy', npyDoubles([list.length, 17], llffRows(square, 1.5, 8))]]), list)
        const imported = await read(files)
        expect(imported.format).toBe('llff')
        expectCameras(imported, square, 0)
        expect(imported.near).toBeCloseTo(1.35, 12)
        expect(imported.far).toBeCloseTo(8.8, 12)
      }),
      RUNS,
    )
  })
})

const F = 900
const MODELS: [string, number, number[], Partial<Camera>][] = [
  ['SIMPLE_PINHOLE', 0, [F, 6.5, 4.5], {}],
  ['PINHOLE', 1, [F, 1.1 * F, 6.5, 4.5], { pixelAspectRatio: (1.1 * F) / F }],
  ['SIMPLE_RADIAL', 2, [F, 6.5, 4.5, 0.01], { radialDistortion: [0.01, 0, 0] }],
  ['RADIAL', 3, [F, 6.5, 4.5, 0.01, 0.02], { radialDistortion: [0.01, 0.02, 0] }],
  ['OPENCV', 4, [F, F, 6.5, 4.5, 0.01, 0.02, 0.003, 0.004], { radialDistortion: [0.01, 0.02, 0], tangentialDistortion: [0.003, 0.004] }],
  [
    'FULL_OPENCV',
    6,
    [F, F, 6.5, 4.5, 0.01, 0.02, 0.003, 0.004, 0.05, 0, 0, 0],
    { radialDistortion: [0.01, 0.02, 0.05], tangentialDistortion: [0.003, 0.004] },
  ],
]

describe('COLMAP', () => {
  it.each(MODELS)('%s, text and binary: exact intrinsics, poses to 1e-12', async (model, modelId, params, more) => {
    await fc.assert(
      fc.asyncProperty(poses, async list => {
        const wanted = list.map(([q, p]) => cameraAt(q, p, { focalLength: F, principalPoint: [6.5, 4.5], ...more }))
        for (const write of [colmapText, colmapBinary]) {
          const files = await addPictures(new Map(), wanted)
          const imported = await read(
            write(files, wanted, {
              model,
              modelId,
              params,
              points: [
                [1, 2, 3],
                [4, 5, 6],
              ],
            }),
          )
          expect(imported.format).toBe('colmap')
          expectCameras(imported, wanted, 1e-12)
          expect([...(imported.points ?? [])]).toEqual([1, 2, 3, 4, 5, 6])
        }
      }),
      { numRuns: 6 },
    )
  })

  it.each([
    ['OPENCV_FISHEYE', 5, [F, F, 6, 4, 0.1, 0.2, 0.3, 0.4], { kind: 'fisheye', radial: [0.1, 0.2, 0.3, 0.4] }],
    ['SIMPLE_RADIAL_FISHEYE', 8, [F, 6, 4, 0.1], { kind: 'fisheye', radial: [0.1, 0, 0, 0] }],
    ['RADIAL_FISHEYE', 9, [F, 6, 4, 0.1, 0.2], { kind: 'fisheye', radial: [0.1, 0.2, 0, 0] }],
    ['FOV', 7, [F, F, 6, 4, 0.9], { kind: 'fov', omega: 0.9 }],
    [
      'FULL_OPENCV',
      6,
      [F, F, 6, 4, 0.1, 0.2, 0.01, 0.02, 0.3, 0.4, 0.5, 0.6],
      { kind: 'rational', numerator: [0.1, 0.2, 0.3], denominator: [0.4, 0.5, 0.6], tangential: [0.01, 0.02] },
    ],
    [
      'THIN_PRISM_FISHEYE',
      10,
      [F, F, 6, 4, 0.1, 0.2, 0.01, 0.02, 0.3, 0.4, 0.05, 0.06],
      { kind: 'fisheye', radial: [0.1, 0.2, 0.3, 0.4], tangential: [0.01, 0.02], thinPrism: [0.05, 0.06] },
    ],
  ] as const)('%s has a lens of its own', async (model, modelId, params, wanted) => {
    const list = arc(3)
    for (const write of [colmapText, colmapBinary]) {
      const imported = await read(write(await addPictures(new Map(), list), list, { model, modelId, params }))
      expect(imported.frames[0].lens).toEqual(wanted)
      expect(imported.frames[0].camera).toMatchObject({ focalLength: F, radialDistortion: [0, 0, 0] })
    }
  })

  it('names what is unregistered or lost, keeps subfolders apart, finds masks, takes the larger model', async () => {
    const list = arc(4)
    const files: Files = new Map()
    const imageNames = ['left/a 1.png', 'left/b.png', 'right/b.png', 'right/gone.png']
    for (const name of [...imageNames.slice(0, 3), 'right/extra.png']) files.set(`images/${name}`, await picture(12, 8))
    files.set('masks/left/b.png.png', await picture(12, 8, { channels: 1 }))
    colmapText(files, list, { model: 'SIMPLE_PINHOLE', modelId: 0, params: [20, 6, 4], imageNames })
    colmapBinary(files, list.slice(0, 2), { model: 'SIMPLE_PINHOLE', modelId: 0, params: [20, 6, 4], folder: 'sparse/1' })
    const imported = await read(files)
    expect(imported.frames.map(frame => frame.id)).toEqual(['a_1', 'left_b', 'right_b'])
    expect(imported.frames[1].mask).toMatchObject({ path: 'masks/left/b.png.png' })
    expect(imported.warnings).toEqual([
      'set/sparse/1: a second model of 2 images was left out, sparse/0 has 4',
      'skipped 1 that are registered but have no picture: right/gone.png',
      'skipped 1 that COLMAP did not register: right/extra.png',
    ])
  })

  it('projects as COLMAP does: R x + t, then the model', async () => {
    const camera = cameraAt([0.9, 0.1, -0.2, 0.3], [0.5, -0.4, 2], { focalLength: F, principalPoint: [6.5, 4.5], radialDistortion: [0.01, 0.02, 0] })
    const files = colmapText(await addPictures(new Map(), [camera]), [camera], { model: 'RADIAL', modelId: 3, params: [F, 6.5, 4.5, 0.01, 0.02] })
    const { frames } = await read(files)
    const line = new TextDecoder().decode(files.get('sparse/0/images.txt')).split('\n')[1].split(' ').map(Number)
    const [, w, x, y, z, tx, ty, tz] = line
    const point = [0.3, 0.2, 5]
    // v + 2 w (u x v) + 2 u x (u x v)
    const cross = (a: number[], b: number[]): number[] => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    const uv = cross([x, y, z], point)
    const uuv = cross([x, y, z], uv)
    const inCamera = point.map((value, i) => value + 2 * (w * uv[i] + uuv[i]) + [tx, ty, tz][i])
    const [u, v] = [inCamera[0] / inCamera[2], inCamera[1] / inCamera[2]]
    const r2 = u * u + v * v
    const radial = 1 + 0.01 * r2 + 0.02 * r2 * r2
    const found = frames[0].camera && project(frames[0].camera, point)
    expect(found?.[0]).toBeCloseTo(F * u * radial + 6.5, 3)
    expect(found?.[1]).toBeCloseTo(F * v * radial + 4.5, 3)
  })
})

describe('wide lenses', () => {
  it('are the pinhole without coefficients (fov, rational) and the equidistant projection (fisheye)', () => {
    fc.assert(
      fc.property(unit, unit, (x, y) => {
        expect(distortWide({ kind: 'rational', numerator: [0, 0, 0], denominator: [0, 0, 0], tangential: [0, 0] }, x, y)).toEqual([x, y])
        expect(distortWide({ kind: 'fov', omega: 0 }, x, y)).toEqual([x, y])
        const [u, v] = distortWide({ kind: 'fisheye', radial: [0, 0, 0, 0] }, x, y)
        expect(Math.hypot(u, v)).toBeCloseTo(Math.atan(Math.hypot(x, y)), 12)
      }),
    )
  })
  it("agree with OpenCV's and COLMAP's formulas at a point worked out by hand", () => {
    // r = 1: theta = pi/4; fisheye with k1 = 0.1: theta (1 + 0.1 theta^2)
    const theta = Math.PI / 4
    expect(distortWide({ kind: 'fisheye', radial: [0.1, 0, 0, 0] }, 1, 0)[0]).toBeCloseTo(theta * (1 + 0.1 * theta * theta), 12)
    // r2 = 1: (1 + 0.1 + 0.2 + 0.3) / (1 + 0.4 + 0.5 + 0.6) + 2 p1 x y + p2 (r2 + 2 x2)
    const rational = { kind: 'rational', numerator: [0.1, 0.2, 0.3], denominator: [0.4, 0.5, 0.6], tangential: [0.01, 0.02] } as const
    expect(distortWide(rational, 1, 0)[0]).toBeCloseTo(1.6 / 2.5 + 0.06, 12)
    expect(distortWide(rational, 1, 0)[1]).toBeCloseTo(0.01, 12)
    expect(distortWide({ kind: 'fov', omega: 1 }, 1, 0)[0]).toBeCloseTo(Math.atan(2 * Math.tan(0.5)), 12)
    const prism = { kind: 'fisheye', radial: [0, 0, 0, 0], tangential: [0, 0], thinPrism: [0.1, 0.2] } as const
    expect(distortWide(prism, 1, 0)).toEqual([theta + 0.1 * theta * theta, 0.2 * theta * theta].map(value => expect.closeTo(value, 12)))
  })
})
