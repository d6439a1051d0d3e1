/** From an import to a .capture folder that loads, and through the exports back: nothing is lost on the way. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import sharp, { type Sharp } from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import type { Camera } from '../../../src/camera/camera.ts'
import { pixelsToRays } from '../../../src/camera/rays.ts'
import { distortWide, type WideLens } from '../../../src/camera/wideLens.ts'
import { loadCapture } from '../../../src/capture/capture.ts'
import { captureFiles } from '../../../src/capture/captureFiles.ts'
import { exportFiles } from '../../../src/capture/exportCapture.ts'
import type { ImportedCapture } from '../../../src/capture/importedCapture.ts'
import { decodeMask } from '../../../src/capture/importedPicture.ts'
import { readDataset } from '../../../src/capture/readDataset.ts'
import { writeCapture } from '../../../src/capture/writeCapture.ts'
import { fileMap } from '../../../src/io/files.ts'
import { mapTree } from '../../../src/io/fileTree.ts'
import { decodeImage, encodePng, type Image } from '../../../src/io/imageCodec.ts'
import { addPictures, arc, cameraAt, type Files, json, names, picture, transformsOf, treeOf } from './formatFixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'faceclipnerf-import-'))
const at = (name: string): string => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

async function collect(files: AsyncIterable<{ path: string; bytes: Uint8Array }>): Promise<Files> {
  const out: Files = new Map()
  for await (const { path, bytes } of files) out.set(path, bytes)
  return out
}
const captureOf = (imported: ImportedCapture, options = {}): Promise<Files> => collect(captureFiles(imported, { holdOut: 0, ...options }))
const load = (files: Files) => loadCapture(fileMap(files, 'out'))
const parse = (files: Files, path: string) => JSON.parse(new TextDecoder().decode(files.get(path)))
async function transformsSet(cameras: Camera[], options: Parameters<typeof transformsOf>[1] = {}): Promise<Files> {
  return addPictures(new Map([['transforms.json', json(transformsOf(cameras, options))]]), cameras)
}
/** A plain picture as an import of one frame per picture. */
function imported(cameras: Camera[], pictures: Uint8Array[], more: Partial<ImportedCapture> = {}): ImportedCapture {
  const source = mapTree(new Map(pictures.map((bytes, i) => [`${i}.img`, bytes])), 'set')
  const frames = cameras.map((camera, i) => ({
    id: `${i}`,
    camera,
    image: { kind: 'file' as const, source, path: `${i}.img` },
    split: 'train' as const,
  }))
  return { name: 'set', format: 'test', frames, warnings: [], ...more }
}

describe('round trips', () => {
  const unit = fc.double({ min: -1, max: 1, noNaN: true })
  const rig = fc
    .array(
      fc.tuple(
        fc.tuple(unit, unit, unit, unit).filter(q => Math.hypot(...q) > 0.1),
        fc.tuple(unit, unit, unit),
      ),
      { minLength: 2, maxLength: 5 },
    )
    .chain(list =>
      fc.record({
        cameras: fc
          .record({
            focalLength: fc.double({ min: 10, max: 2000, noNaN: true }),
            principalPoint: fc.tuple(unit, unit).map(([x, y]): [number, number] => [6 + x, 4 + y]),
            radialDistortion: fc.tuple(unit, unit, unit).map(([a, b, c]): [number, number, number] => [0.02 * a, 0.01 * b, 0.001 * c]),
            tangentialDistortion: fc.tuple(unit, unit).map(([a, b]): [number, number] => [0.005 * a, 0.005 * b]),
            skew: fc.constantFrom(0, 0.25),
          })
          .map(lens =>
            list.map(([q, p]) =>
              cameraAt(
                q,
                p.map(value => 3 * value),
                lens,
              ),
            ),
          ),
        splits: fc.array(fc.constantFrom('train' as const, 'val' as const), { minLength: list.length, maxLength: list.length }),
        near: fc.double({ min: 0.01, max: 1, noNaN: true }),
        scale: fc.double({ min: 0.1, max: 5, noNaN: true }),
      }),
    )

  it('import -> capture -> each export -> import -> capture is the same capture', async () => {
    const [image, mask] = [await picture(12, 8), await picture(12, 8, { channels: 1 })]
    await fc.assert(
      fc.asyncProperty(rig, async ({ cameras, splits, near, scale }) => {
        const start = imported(
          cameras,
          cameras.map(() => image),
          { points: Float32Array.of(1, 2, 3, 4, 5, 6), near, far: near + 2, scale, center: [0.1, 0.2, 0.3] },
        )
        const masks = mapTree(new Map([['m.png', mask]]), 'masks')
        start.frames = start.frames.map((frame, i) => ({
          ...frame,
          split: i === 0 ? 'train' : splits[i],
          mask: { kind: 'file', source: masks, path: 'm.png' },
        }))
        const first = await captureOf(start)
        for (const format of ['nerfies', 'transforms'] as const) {
          const there = await collect(exportFiles(fileMap(first, 'out'), format))
          const back = await readDataset(treeOf(there, 'back'))
          expect(back).toMatchObject({ format, warnings: [] })
          const again = await captureOf(back)
          expect([...again.keys()].sort()).toEqual([...first.keys()].sort())
          for (const [path, bytes] of first) {
            if (path === 'capture.json') continue
            if (path === 'scene.json' || path.startsWith('camera/')) expectClose(parse(again, path), parse(first, path))
            else if (path === 'dataset.json') expect(sorted(parse(again, path))).toEqual(sorted(parse(first, path)))
            else if (path === 'metadata.json') expect(parse(again, path)).toEqual(parse(first, path))
            else expect(Buffer.compare(bytes, again.get(path) ?? new Uint8Array()), path).toBe(0)
          }
        }
      }),
      { numRuns: 15 },
    )
  })

  /** near, far and the aspect ratio are quotients and products of what is stored: the last digit may differ. Everything else is equal. */
  function expectClose(a: Record<string, unknown>, b: Record<string, unknown>): void {
    expect(Object.keys(a)).toEqual(Object.keys(b))
    for (const [field, value] of Object.entries(a)) {
      const other = b[field]
      if (['near', 'far', 'pixel_aspect_ratio'].includes(field)) expect(Math.abs(Number(value) / Number(other) - 1)).toBeLessThan(1e-15 * 4)
      else expect(value).toEqual(other)
    }
  }
  const sorted = (dataset: { ids: string[] }) => ({ ...dataset, ids: [...dataset.ids].sort() })
})

describe('exports of other Nerfies folders', () => {
  const folder = async (change: (files: Files) => unknown): Promise<Files> => {
    const files = await captureOf(imported(arc(2), [await picture(12, 8), await picture(12, 8)]))
    for (const id of ['0', '1']) files.set(`masks/1x/${id}.png`, await picture(12, 8, { channels: 1 }))
    await change(files)
    return files
  }
  const exported = async (change: (files: Files) => unknown, format: 'nerfies' | 'transforms'): Promise<string[]> => [
    ...(await collect(exportFiles(fileMap(await folder(change), 'set'), format))).keys(),
  ]

  it('keep masks that lie beside their resolution', async () => {
    expect(await exported(() => 0, 'nerfies')).toEqual(expect.arrayContaining(['masks/1x/0.png', 'masks/1x/1.png']))
    expect(await exported(() => 0, 'transforms')).toEqual(expect.arrayContaining(['masks/0.png', 'masks/1.png']))
  })
  it('promise no picture and no camera that is not there', async () => {
    const lose = (files: Files): void => [1, 2, 4].forEach(factor => void files.delete(`rgb/${factor}x/1.png`))
    for (const format of ['nerfies', 'transforms'] as const)
      await expect(exported(lose, format)).rejects.toThrow(
        /set\/rgb\/1x\/1\.png: missing, but dataset\.json lists "1"; restore the picture, or take the id/,
      )
    await expect(exported(files => files.delete('rgb/1x/1.png'), 'transforms')).rejects.toThrow(
      /1\.png: missing, .*; there is rgb\/2x, rgb\/4x: make a capture of it with faceclipnerf import/,
    )
    await expect(exported(files => files.set('camera/1.json', json({})), 'nerfies')).rejects.toThrow(/camera\/1\.json: no "orientation"/)
  })
})

describe('.capture folders', () => {
  it('are written whole, load, and hold 1x, 2x and 4x with cameras to match', async () => {
    const cameras = arc(5, { imageSize: [50, 30], principalPoint: [25.5, 14.5], focalLength: 40 })
    const steps = []
    for await (const step of writeCapture(await readDataset(treeOf(await transformsSet(cameras))), at('a.capture'), { holdOut: 5 })) steps.push(step)
    expect(steps.at(-1)).toMatchObject({ step: 5, steps: 5 })
    expect(readdirSync(folder)).toEqual(['a.capture'])
    for (const [downscale, size] of [
      [1, [50, 30]],
      [2, [25, 15]],
      [4, [12, 7]],
    ] as const) {
      const capture = await loadCapture(at('a.capture'), { downscale })
      expect(capture.frames[0].camera).toMatchObject({
        imageSize: size,
        focalLength: 40 / downscale,
        principalPoint: [25.5 / downscale, 14.5 / downscale],
      })
    }
    const capture = await loadCapture(at('a.capture'))
    expect(capture.frames.map(({ split, code }) => [split, code])).toEqual([
      ['train', 0],
      ['train', 1],
      ['train', 2],
      ['train', 3],
      ['val', 3],
    ])
    // the cameras look at the origin from 2: the person, half way to them at most, is between near and far
    expect(capture.near / capture.scale).toBeLessThanOrEqual(1)
    expect(capture.far / capture.scale).toBeGreaterThanOrEqual(3)
    expect(JSON.parse(readFileSync(at('a.capture/capture.json'), 'utf8'))).toMatchObject({ version: 1, format: 'transforms', static: false })
  })

  it('replace only a capture, and only when asked; an abort or an error leaves nothing new and the old whole', async () => {
    const read = async () => readDataset(treeOf(await transformsSet(arc(3))))
    const write = async (name: string, options = {}) => {
      for await (const _ of writeCapture(await read(), at(name), options));
    }
    await write('b.capture')
    await expect(write('b.capture')).rejects.toThrow(/b\.capture: is there already; choose another name, or replace it with --force/)
    const before = readFileSync(at('b.capture/dataset.json'), 'utf8')
    const controller = new AbortController()
    const stopped = async () => {
      for await (const { step } of writeCapture(await read(), at('b.capture'), { overwrite: true, signal: controller.signal }))
        if (step === 2) controller.abort()
    }
    await expect(stopped()).rejects.toThrow(/abort/)
    expect(readFileSync(at('b.capture/dataset.json'), 'utf8')).toBe(before)
    await write('b.capture', { overwrite: true })
    for await (const _ of writeCapture(await read(), at('left.capture'))) break
    writeFileSync(at('file'), 'mine')
    await expect(write('file', { overwrite: true })).rejects.toThrow(/file: something else is there already \(it has no dataset\.json\)/)
    expect(readFileSync(at('file'), 'utf8')).toBe('mine')
    expect(readdirSync(folder).filter(name => name.includes('tmp') || name.includes('left'))).toEqual([])
    expect(existsSync(at('b.capture/dataset.json'))).toBe(true)
  })

  it('give views of one instant one code, and a static scene one code in all', async () => {
    const cameras = arc(6)
    const set = async (frame: (i: number) => object) => readDataset(treeOf(await transformsSet(cameras, { frame })))
    const codes = async (frame: (i: number) => object, options = {}) =>
      (await load(await captureOf(await set(frame), { holdOut: 3, ...options }))).frames.map(f => [f.split === 'val' ? 'v' : 't', f.code].join(''))
    expect(await codes(() => ({}))).toEqual(['t0', 't1', 't2', 't3', 'v1', 'v3'])
    expect(await codes(i => ({ time: [0, 0, 10, 10, 20, 30][i] }))).toEqual(['t0', 't0', 't1', 't2', 'v1', 'v2'])
    expect(await codes(() => ({}), { isStatic: true })).toEqual(['t0', 't0', 't0', 't0', 'v0', 'v0'])
  })

  it('scale the cameras when pictures are reduced, or were scaled by someone else', async () => {
    const cameras = arc(2, { imageSize: [200, 100], principalPoint: [110, 45], focalLength: 150 })
    const small = await captureOf(imported(cameras, await Promise.all([picture(200, 100), picture(100, 50)])), { size: 80 })
    for (const id of ['0', '1'])
      expect(parse(small, `camera/${id}.json`)).toMatchObject({ focal_length: 60, principal_point: [44, 18], image_size: [80, 40] })
    const kept = imported(cameras, await Promise.all([picture(200, 100), picture(100, 50)]))
    await captureOf(kept, { size: 80 })
    expect(kept.warnings).toEqual([
      'set/1.img: smaller or larger than its camera says (100x50 for 200x100); the camera was scaled',
      'pictures of 200x100 were reduced to 80x40',
      'pictures of 100x50 were reduced to 80x40',
    ])
  })
})

describe('pictures', () => {
  const one = async (bytes: Uint8Array, size: [number, number], options = {}): Promise<{ image: Image; mask?: Image }> => {
    const files = await captureOf(imported(arc(1, { imageSize: size }), [bytes]), options)
    const mask = files.get('masks/0.png')
    return { image: await decodeImage(files.get('rgb/1x/0.png') ?? new Uint8Array(), 'out'), ...(mask && { mask: await decodeImage(mask, 'mask') }) }
  }
  const buffer = async (image: Sharp): Promise<Uint8Array> => new Uint8Array(await image.toBuffer())
  const flat = (background: string) => sharp({ create: { width: 8, height: 4, channels: 3, background } })

  it('of 16 bits, in CMYK, grey, with a palette, as WebP, TIFF or with a wide profile become 8-bit sRGB', async () => {
    const deep = await encodePng({ width: 2, height: 1, channels: 3, data: Uint16Array.of(0, 257 * 100, 65535, 257 * 7, 257 * 8, 257 * 9) })
    expect([...(await one(deep, [2, 1])).image.data]).toEqual([0, 100, 255, 7, 8, 9])
    const cmyk = (await one(await buffer(flat('#c03020').toColourspace('cmyk').jpeg({ quality: 95 })), [8, 4])).image
    expect(cmyk.channels).toBe(3)
    // through print inks and back: red stays red
    expect(cmyk.data[0]).toBeGreaterThan(150)
    expect(cmyk.data[2]).toBeLessThan(80)
    const grey = (await one(await buffer(flat('#808080').toColourspace('b-w').png()), [8, 4])).image
    expect([...grey.data.subarray(0, 3)]).toEqual([128, 128, 128])
    expect([...(await one(await buffer(flat('#123456').png({ palette: true })), [8, 4])).image.data.subarray(0, 3)]).toEqual([0x12, 0x34, 0x56])
    expect([...(await one(await buffer(flat('#123456').webp({ lossless: true })), [8, 4])).image.data.subarray(0, 3)]).toEqual([0x12, 0x34, 0x56])
    expect([...(await one(await buffer(flat('#123456').tiff({ compression: 'lzw' })), [8, 4])).image.data.subarray(0, 3)]).toEqual([0x12, 0x34, 0x56])
    const wide = (await one(await buffer(flat('#c03020').withIccProfile('p3').png()), [8, 4])).image
    for (const [i, value] of [0xc0, 0x30, 0x20].entries()) expect(Math.abs(wide.data[i] - value)).toBeLessThanOrEqual(2)
  })

  it('with alpha are put on white, or another colour, and the alpha is the mask where there is none', async () => {
    const half = await encodePng({ width: 2, height: 1, channels: 4, data: Uint8Array.of(200, 100, 0, 51, 10, 20, 30, 255) })
    const { image, mask } = await one(half, [2, 1])
    expect([...image.data]).toEqual([244, 224, 204, 10, 20, 30])
    expect([...(mask?.data ?? [])]).toEqual([51, 255])
    expect([...(await one(half, [2, 1], { background: [0, 0, 0] })).image.data]).toEqual([40, 20, 0, 10, 20, 30])
    expect((await one(half, [2, 1], { masks: 'none' })).mask).toBeUndefined()
    expect((await one(await picture(8, 4, { channels: 4 }), [8, 4])).mask).toBeDefined()
    const opaque = await encodePng({ width: 1, height: 1, channels: 4, data: Uint8Array.of(1, 2, 3, 255) })
    expect((await one(opaque, [1, 1])).mask).toBeUndefined()
  })

  it.each([
    ['in the colour', [255, 255, 255, 255, 0, 0, 0, 255], [255, 0]],
    ['in the colour, with another alpha', [255, 255, 255, 255, 0, 0, 0, 0], [255, 0]],
    ['in the alpha of black', [0, 0, 0, 200, 0, 0, 0, 10], [200, 10]],
    ['the person cut out', [90, 60, 50, 255, 0, 0, 0, 0], [255, 0]],
  ])('have their mask %s', async (_, rgba, wanted) => {
    const mask = await encodePng({ width: 2, height: 1, channels: 4, data: Uint8Array.from(rgba) })
    expect([...(await decodeMask({ kind: 'file', source: mapTree(new Map([['m.png', mask]]), 'set'), path: 'm.png' }, false, false)).data]).toEqual(
      wanted,
    )
  })

  it('turned by EXIF stay as stored, unless only the turned one has the size of its camera', async () => {
    const stored = sharp(Buffer.from(Uint8Array.from({ length: 6 * 3 * 3 }, (_, i) => (i * 13) & 255)), { raw: { width: 6, height: 3, channels: 3 } })
    const plain = (await one(await buffer(stored.clone().png()), [6, 3])).image
    for (const orientation of [2, 3, 4, 5, 6, 7, 8]) {
      const bytes = await buffer(stored.clone().withMetadata({ orientation }).tiff({ compression: 'lzw' }))
      expect((await one(bytes, [6, 3])).image.data).toEqual(plain.data)
      if (orientation < 5) continue
      const turned = (await one(bytes, [3, 6])).image
      const wanted = await sharp(bytes).autoOrient().raw().toBuffer()
      expect([...turned.data], `orientation ${orientation}`).toEqual([...wanted])
    }
  })

  it('are averaged in linear light', async () => {
    const checks = await encodePng({ width: 4, height: 4, channels: 1, data: Uint8Array.from({ length: 16 }, (_, i) => ((i + (i >> 2)) & 1) * 255) })
    const files = await captureOf(imported(arc(1, { imageSize: [4, 4] }), [checks]))
    // half the light is 188 of 255 in sRGB
    for (const path of ['rgb/2x/0.png', 'rgb/4x/0.png'])
      for (const v of (await decodeImage(files.get(path) ?? new Uint8Array(), path)).data) expect(v).toBe(188)
  })
})

describe('wide lenses', () => {
  /** Draws a smooth pattern of directions through a lens: each pixel has the colour of the direction it sees. */
  async function photograph(camera: Camera, lens: WideLens): Promise<Uint8Array> {
    const [width, height] = camera.imageSize
    const data = new Uint8Array(width * height * 3)
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [u, v] = undistort(
          lens,
          (x + 0.5 - camera.principalPoint[0]) / camera.focalLength,
          (y + 0.5 - camera.principalPoint[1]) / (camera.focalLength * camera.pixelAspectRatio),
        )
        data.set(colour(u, v), 3 * (y * width + x))
      }
    }
    return encodePng({ width, height, channels: 3, data })
  }
  const colour = (u: number, v: number): number[] => [128 + 100 * Math.sin(3 * u), 128 + 100 * Math.sin(3 * v + 1), 128 + 100 * Math.cos(2 * (u + v))]
  /** By fixed-point steps, unlike anything in the code under test. */
  function undistort(lens: WideLens, xd: number, yd: number): [number, number] {
    let [x, y] = [xd, yd]
    for (let i = 0; i < 200; i++) {
      const [fx, fy] = distortWide(lens, x, y)
      x += 0.7 * (xd - fx)
      y += 0.7 * (yd - fy)
    }
    return [x, y]
  }

  it.each<[string, WideLens]>([
    ['fisheye', { kind: 'fisheye', radial: [0.05, -0.01, 0, 0] }],
    ['fov', { kind: 'fov', omega: 0.9 }],
    ['rational', { kind: 'rational', numerator: [0.1, 0, 0], denominator: [0.02, 0, 0], tangential: [0.002, -0.001] }],
    ['thin prism', { kind: 'fisheye', radial: [0.02, 0, 0, 0], tangential: [0.01, 0], thinPrism: [0.01, 0.01] }],
  ])('%s: the pinhole picture shows along each of its rays what the lens showed', async (_, lens) => {
    const camera = cameraAt([1, 0, 0, 0], [0, 0, 0], { imageSize: [120, 80], focalLength: 90, pixelAspectRatio: 1.1, principalPoint: [62, 39] })
    const set = imported([camera], [await photograph(camera, lens)])
    set.frames[0].lens = lens
    const capture = await load(await captureOf(set, { size: 60 }))
    const { image, camera: pinhole } = capture.frames[0]
    expect(pinhole.radialDistortion).toEqual([0, 0, 0])
    let worst = 0
    for (let y = 1; y < pinhole.imageSize[1] - 1; y++) {
      for (let x = 1; x < pinhole.imageSize[0] - 1; x++) {
        const [dx, dy, dz] = pixelsToRays(pinhole, [x + 0.5, y + 0.5])
        const wanted = colour(dx / dz, dy / dz)
        for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs(255 * image[3 * (y * pinhole.imageSize[0] + x) + c] - wanted[c]))
      }
    }
    expect(worst).toBeLessThan(2)
  })
})

describe('an unposed capture', () => {
  it('is frames without cameras, in the order of their numbers, which the writer refuses by name', async () => {
    const files: Files = new Map()
    for (const name of ['10.jpg.png', '9.jpg.png', '2.jpg.png', 'masks/2.jpg.png']) files.set(name, await picture(4, 4))
    const set = await readDataset(treeOf(files))
    expect(set.frames.map(frame => frame.id)).toEqual(['2.jpg', '9.jpg', '10.jpg'])
    expect(set.frames[0].mask).toMatchObject({ path: 'masks/2.jpg.png' })
    await expect(captureOf(set)).rejects.toThrow(/set\/2\.jpg\.png: no camera is known for this picture; find the poses first/)
  })
  it('decodes frames of other kinds one after the other, in order', async () => {
    const asked: string[] = []
    let running = 0
    const frame = (id: string) => ({
      id,
      camera: arc(1)[0],
      split: 'train' as const,
      image: {
        kind: 'pixels' as const,
        name: id,
        async decode(): Promise<Image> {
          expect(running++).toBe(0)
          asked.push(id)
          await new Promise(resolve => setTimeout(resolve, 2))
          running--
          return { width: 12, height: 8, channels: 3, data: new Uint8Array(12 * 8 * 3) }
        },
      },
    })
    await captureOf({ name: 'v', format: 'video', frames: names(5).map(frame), warnings: [] })
    expect(asked).toEqual(names(5))
  })
})
