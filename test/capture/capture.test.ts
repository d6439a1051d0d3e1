import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Camera, cameraFromJson } from '../../src/camera/camera.ts'
import { imageRays, project } from '../../src/camera/rays.ts'
import { boxResize } from '../../src/capture/boxFilter.ts'
import { type Capture, CaptureError, loadCapture } from '../../src/capture/capture.ts'
import { type FileSource, fileMap, folder } from '../../src/io/files.ts'
import { decodeImage, encodePng } from '../../src/io/imageCodec.ts'

const ADA = fileURLToPath(new URL('../../assets/captures/ada-mini', import.meta.url))

describe('ada-mini', () => {
  let source: FileSource
  let capture: Capture
  const asked: string[] = []
  beforeAll(async () => {
    const files = await folder(ADA)
    const note = <T>(path: string, go: (path: string) => T): T => {
      asked.push(path)
      return go(path)
    }
    source = { ...files, read: path => note(path, files.read), exists: path => note(path, files.exists), list: path => note(path, files.list) }
    capture = await loadCapture(source)
  })

  it('has the frames, splits, codes and bounds of its JSON files', () => {
    expect(capture).toMatchObject({ name: 'ada-mini', codeCount: 48, downscale: 1, near: 0.09010109783612516, far: 0.7364903457019689 })
    expect(capture.frames.map(frame => frame.split)).toEqual([...Array(48).fill('train'), ...Array(8).fill('val')])
    const held = capture.frames.find(frame => frame.id === 'v2_000024')
    expect(held).toMatchObject({ split: 'val', code: 24 })
    expect(capture.backgroundPoints).toHaveLength(1440 * 3)
  })

  it('has pixels and masks in 0..1 as stored', async () => {
    const { image, mask } = capture.frames[3]
    const stored = await decodeImage(await source.read('rgb/1x/000003.png'), 'stored')
    expect(image).toHaveLength(64 * 64 * 3)
    expect(image).toEqual(Float32Array.from(stored.data, value => value / 255))
    const storedMask = await decodeImage(await source.read('masks/000003.png'), 'stored')
    expect(mask).toEqual(Float32Array.from(storedMask.data, value => value / 255))
  })

  it('has cameras in scene units: projection is unchanged, positions are (p - center) * scale', async () => {
    const world = cameraFromJson(JSON.parse(new TextDecoder().decode(await source.read('camera/000003.json'))), 'world')
    const { camera } = capture.frames[3]
    const point = [0.03, -0.02, 0.01]
    const moved = point.map((value, k) => (value - capture.center[k]) * capture.scale)
    expect([...project(camera, moved)][0]).toBeCloseTo(project(world, point)[0], 3)
    const { origins, directions } = imageRays(camera)
    const original = imageRays(world, { scale: capture.scale, center: capture.center })
    expect(origins).toEqual(original.origins)
    expect(directions).toEqual(original.directions)
  })

  it('puts the background points between near and far of the cameras that see them', () => {
    const { position, orientation } = capture.frames[0].camera
    const depths = []
    for (let i = 0; i < capture.backgroundPoints.length; i += 3) {
      depths.push([0, 1, 2].reduce((sum, k) => sum + orientation[2][k] * (capture.backgroundPoints[i + k] - position[k]), 0))
    }
    const inside = depths.filter(depth => depth > capture.near && depth < capture.far)
    expect(inside.length).toBeGreaterThan(0.95 * depths.length)
  })

  it('never asks for ground truth', () => {
    expect(asked.filter(path => /expressions|landmarks|edits|depth|capture\.json/.test(path))).toEqual([])
  })

  it('loads half resolution with cameras and masks to match', async () => {
    const half = await loadCapture(ADA, { downscale: 2 })
    const [small, full] = [half.frames[5], capture.frames[5]]
    expect(half.downscale).toBe(2)
    expect(small.camera.imageSize).toEqual([32, 32])
    expect(small.camera.focalLength).toBeCloseTo(full.camera.focalLength / 2, 9)
    expect(small.image).toHaveLength(32 * 32 * 3)
    const mean = (values: Float32Array = new Float32Array(0)) => values.reduce((sum, value) => sum + value, 0) / values.length
    expect(small.mask).toHaveLength(32 * 32)
    expect(mean(small.mask)).toBeCloseTo(mean(full.mask), 5)
    expect(mean(small.image)).toBeCloseTo(mean(full.image), 1)
  })

  it('names the resolutions there are', async () => {
    await expect(loadCapture(ADA, { downscale: 4 })).rejects.toThrow(/ada-mini\/rgb\/4x: no images .*there are rgb\/1x, rgb\/2x; choose one of these/)
    await expect(loadCapture(`${ADA}-none`)).rejects.toThrow(/ada-mini-none: no such folder/)
  })

  it('says how what is no capture becomes one', async () => {
    const remedy = 'make one of it with faceclipnerf import'
    await expect(loadCapture(`${ADA}/rgb`)).rejects.toThrow(`ada-mini/rgb/dataset.json: not there, so this is no capture; ${remedy}`)
    await expect(loadCapture(`${ADA}/dataset.json`)).rejects.toThrow(`ada-mini/dataset.json: a file, and a capture is a folder; ${remedy}`)
  })
})

const CAMERA = {
  orientation: [
    [1, 0, 0],
    [0, -1, 0],
    [0, 0, -1],
  ],
  position: [0, 0, 2],
  focal_length: 10,
  principal_point: [4, 3],
  skew: 0,
  pixel_aspect_ratio: 1,
  radial_distortion: [0, 0, 0],
  tangential: [0, 0],
  image_size: [8, 6],
}

/** A capture of two training frames and one validation frame, 8x6 px, in memory; `change` spoils it. */
async function tiny(
  change: (files: Map<string, Uint8Array>, json: (path: string, value: unknown) => void) => void | Promise<void> = () => {},
): Promise<FileSource> {
  const files = new Map<string, Uint8Array>()
  const json = (path: string, value: unknown) => files.set(path, new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)))
  json('dataset.json', { ids: ['a', 'b', 'v'], train_ids: ['a', 'b'], val_ids: ['v'] })
  json('scene.json', { scale: 0.5, center: [0, 0, 1], near: 0.1, far: 0.9 })
  json('metadata.json', { a: { warp_id: 0, appearance_id: 7 }, b: { appearance_id: 1 }, v: { warp_id: 1 } })
  for (const id of ['a', 'b', 'v']) {
    json(`camera/${id}.json`, CAMERA)
    files.set(`rgb/1x/${id}.png`, await picture(8, 6))
  }
  await change(files, json)
  return fileMap(files, 'tiny')
}

const picture = (width: number, height: number, channels = 3) =>
  encodePng({ width, height, channels, data: Uint8Array.from({ length: width * height * channels }, (_, i) => i & 255) })

describe('small captures', () => {
  it('needs no masks, points or validation frames, and reads legacy fields', async () => {
    const capture = await loadCapture(await tiny((_, json) => json('dataset.json', { train_ids: ['a', 'b'] })))
    expect(capture.frames.map(frame => [frame.id, frame.code])).toEqual([
      ['a', 0],
      ['b', 1],
    ])
    expect(capture.frames[0].mask).toBeUndefined()
    expect('mask' in capture.frames[0]).toBe(false)
    expect(capture.backgroundPoints).toHaveLength(0)
    expect((capture.frames[0].camera as Camera).position).toEqual([0, 0, 0.5])
  })

  it('takes grey and transparent pictures as RGB, and masks of any size', async () => {
    const capture = await loadCapture(
      await tiny(async files => {
        files.set('rgb/1x/a.png', await picture(8, 6, 1))
        files.set('rgb/1x/b.png', await picture(8, 6, 4))
        files.set('masks/a.png', await encodePng({ width: 16, height: 12, channels: 1, data: new Uint8Array(192).fill(51) }))
      }),
    )
    const [grey, clear, held] = capture.frames
    expect([...grey.image.subarray(3, 6)]).toEqual([...Float32Array.of(1 / 255, 1 / 255, 1 / 255)])
    expect([...clear.image.subarray(3, 6)]).toEqual([...Float32Array.of(4 / 255, 5 / 255, 6 / 255)])
    expect(grey.mask).toHaveLength(48)
    for (const value of grey.mask ?? []) expect(value).toBeCloseTo(0.2, 6)
    expect(held.mask).toBeUndefined()
  })

  it('allows one pixel of rounding below full size', async () => {
    const source = await tiny(async files => {
      for (const id of ['a', 'b', 'v']) {
        files.delete(`rgb/1x/${id}.png`)
        files.set(`rgb/4x/${id}.png`, await picture(2, 1))
      }
    })
    const capture = await loadCapture(source)
    expect(capture.downscale).toBe(4)
    expect(capture.frames[0].camera).toMatchObject({ imageSize: [2, 1], focalLength: 2.5 })
  })
})

describe('bad captures get one clear error', () => {
  const camera = (change: object) => ({ ...CAMERA, ...change })
  const cases: [string, Parameters<typeof tiny>[0], RegExp][] = [
    [
      'missing image',
      files => void files.delete('rgb/1x/b.png'),
      /tiny\/rgb\/1x\/b\.png: missing, but dataset\.json lists "b"; restore the file or take the id out/,
    ],
    [
      'truncated image',
      files => void files.set('rgb/1x/b.png', (files.get('rgb/1x/b.png') ?? new Uint8Array()).subarray(0, 60)),
      /tiny\/rgb\/1x\/b\.png: the PNG is truncated after 60 bytes; copy/,
    ],
    ['ids without files', (_, json) => json('dataset.json', { train_ids: ['a', 'ghost'] }), /no entry for "ghost", which dataset\.json lists/],
    ['missing camera', files => void files.delete('camera/v.json'), /tiny\/camera\/v\.json: missing, but dataset\.json lists "v"/],
    [
      'camera without a field',
      (_, json) => json('camera/b.json', camera({ focal_length: undefined })),
      /tiny\/camera\/b\.json: no "focal_length"; add the field/,
    ],
    [
      'NaN pose',
      (_, json) => json('camera/b.json', JSON.stringify(CAMERA).replace('[0,0,2]', '[0, NaN, -Infinity]')),
      /tiny\/camera\/b\.json: "position" is \[0,"NaN","-Infinity"\]; it must be 3 finite numbers/,
    ],
    [
      'NaN orientation',
      (_, json) => json('camera/a.json', JSON.stringify(CAMERA).replace('[1,0,0]', '[NaN, 0, 0]')),
      /"orientation" is \[\["NaN",0,0\]/,
    ],
    [
      'orientation that is no rotation',
      (_, json) =>
        json(
          'camera/a.json',
          camera({
            orientation: [
              [1, 0, 0],
              [0, 1, 0],
              [0, 1, 0],
            ],
          }),
        ),
      /not a rotation/,
    ],
    [
      'near ≥ far',
      (_, json) => json('scene.json', { scale: 1, center: [0, 0, 0], near: 0.9, far: 0.2 }),
      /tiny\/scene\.json: "near" is 0\.9 and "far" is 0\.2; near must be smaller/,
    ],
    ['near behind the camera', (_, json) => json('scene.json', { scale: 1, center: [0, 0, 0], near: -1, far: 0.2 }), /"near" is -1/],
    ['no scale', (_, json) => json('scene.json', { center: [0, 0, 0], near: 0.1, far: 0.2 }), /scene\.json: "scale" is missing/],
    ['scale 0', (_, json) => json('scene.json', { scale: 0, center: [0, 0, 0], near: 0.1, far: 0.2 }), /"scale" is 0; it must be positive/],
    [
      'NaN far',
      (_, json) => json('scene.json', '{"scale": 1, "center": [0, 0, 0], "near": 0.1, "far": NaN}'),
      /"far" is "NaN"; it must be a finite number/,
    ],
    ['short center', (_, json) => json('scene.json', { scale: 1, center: [0], near: 0.1, far: 0.2 }), /"center" is \[0\]; it must be three/],
    [
      'no training frames',
      (_, json) => json('dataset.json', { train_ids: [], val_ids: ['v'] }),
      /tiny\/dataset\.json: "train_ids" is empty; list at least one/,
    ],
    ['no id list', (_, json) => json('dataset.json', { ids: ['a'] }), /"train_ids" is undefined; it must be a list/],
    [
      'an id in both splits',
      (_, json) => json('dataset.json', { train_ids: ['a', 'b'], val_ids: ['b'] }),
      /"b" is twice in the ids \(train_ids and val_ids\)/,
    ],
    ['an id that leaves the folder', (_, json) => json('dataset.json', { train_ids: ['../secret'] }), /has "\.\.\/secret"; an id is a file name/],
    ['no metadata', files => void files.delete('metadata.json'), /tiny\/metadata\.json: no such file/],
    [
      'a code that is no row',
      (_, json) => json('metadata.json', { a: { warp_id: -1 }, b: { warp_id: 0 }, v: { warp_id: 0 } }),
      /"a" has warp_id -1; it must be a whole number/,
    ],
    ['broken JSON', (_, json) => json('scene.json', '{"scale": '), /tiny\/scene\.json: not valid JSON/],
    ['JSON of another kind', (_, json) => json('scene.json', '[]'), /tiny\/scene\.json: the file holds \[\], not an object/],
    [
      'image of another size',
      async files => void files.set('rgb/1x/v.png', await picture(4, 3)),
      /tiny\/rgb\/1x\/v\.png: the image is 4x3, but camera\/v\.json has image_size \[8, 6\], which is 8x6 at 1x; export/,
    ],
    [
      'mask of another shape',
      async files => void files.set('masks/a.png', await picture(8, 8, 1)),
      /tiny\/masks\/a\.png: the mask is 8x8 for an image of 8x6/,
    ],
    [
      'points of another shape',
      files => void files.set('points.npy', npyZeros('(2, 2)', 4)),
      /points\.npy: shape is \(2,2\); save the background points as \[n, 3\]/,
    ],
    [
      'points that are not finite',
      files => void files.set('points.npy', npyZeros('(1, 3)', 3, Number.NaN)),
      /points\.npy: point 0 has the value NaN/,
    ],
    [
      'no images at all',
      files => [...files.keys()].filter(key => key.startsWith('rgb')).forEach(key => void files.delete(key)),
      /tiny\/rgb\/1x: no images .*put the images there/,
    ],
  ]
  it.each(cases)('%s', async (_, change, message) => {
    const error = await loadCapture(await tiny(change)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CaptureError)
    expect(String(error)).toMatch(message)
  })
})

function npyZeros(shape: string, count: number, value = 0): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }\n`
  const bytes = new Uint8Array(10 + header.length + 4 * count)
  bytes.set([0x93, ...new TextEncoder().encode(`NUMPY\x01\x00`), header.length, 0, ...new TextEncoder().encode(header)])
  const view = new DataView(bytes.buffer, 10 + header.length)
  for (let i = 0; i < count; i++) view.setFloat32(4 * i, value, true)
  return bytes
}

describe('boxResize', () => {
  it('averages areas, also at uneven ratios, and keeps the mean', () => {
    expect([...boxResize([0, 1, 2, 3, 4, 5, 6, 7], 4, 2, 2, 1)]).toEqual([2.5, 4.5])
    expect([...boxResize([0, 3, 6], 3, 1, 2, 1)]).toEqual([1, 5])
    expect([...boxResize([1, 5], 2, 1, 4, 2)]).toEqual([1, 1, 5, 5, 1, 1, 5, 5])
    const values = Float32Array.from({ length: 13 * 11 }, (_, i) => (i * 37) % 101)
    const mean = (list: Float32Array) => list.reduce((sum, value) => sum + value, 0) / list.length
    expect(mean(boxResize(values, 13, 11, 5, 7))).toBeCloseTo(mean(values), 3)
  })
})
