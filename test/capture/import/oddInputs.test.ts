/** Inputs as other programs and other people leave them: read as they were meant, with a warning where something was guessed. */
import { describe, expect, it } from 'vitest'
import type { Camera } from '../../../src/camera/camera.ts'
import type { ImportedCapture } from '../../../src/capture/importedCapture.ts'
import { readDataset } from '../../../src/capture/readDataset.ts'
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
  treeOf,
} from './formatFixtures.ts'

const read = (files: Files): Promise<ImportedCapture> => readDataset(treeOf(files))
const paths = ({ frames }: ImportedCapture): string[] => frames.map(({ image }) => (image.kind === 'file' ? image.path : ''))
const textOf = (files: Files, path: string): string => new TextDecoder().decode(files.get(path))

const LIST = arc(4)
const NAMES = names(4)
const PINHOLE = { model: 'SIMPLE_PINHOLE', modelId: 0, params: [20, 6, 4] }
const RADIAL = { model: 'SIMPLE_RADIAL', modelId: 2, params: [20, 6, 4, 0.1] }
const LENS = { pinhole: [0, 0, 0], radial: [0.1, 0, 0] }
const lensOf = ({ frames }: ImportedCapture): Camera['radialDistortion'] | undefined => frames[0].camera?.radialDistortion

describe('transforms.json', () => {
  const set = async (model: object, more: [path: string, size: [number, number]][] = []): Promise<ImportedCapture> => {
    const files = await addPictures(new Map([['transforms.json', json(model)]]), LIST)
    for (const [path, size] of more) files.set(path, await picture(...size))
    return read(files)
  }
  const beside = (folder: string, size: [number, number]): [string, [number, number]][] => NAMES.map(name => [`${folder}/${name}.png`, size])

  it('tells pictures of another machine from their masks and reduced copies', async () => {
    const frame = (i: number): object => ({
      file_path: i === 0 ? `${NAMES[i]}.png` : `/home/ada/scan/images/${NAMES[i]}.png`,
      mask_path: `${i === 1 ? '..' : 'C:'}\\scan\\masks\\${NAMES[i]}.png`,
    })
    const more = [...beside('images_2', [6, 4]), ...beside('masks', [12, 8]), ...beside('depth', [12, 8])]
    const { frames } = await set(transformsOf(LIST, { frame }), more)
    expect(frames.map(({ image, mask }) => [image, mask])).toMatchObject(
      NAMES.map(name => [{ path: `images/${name}.png` }, { path: `masks/${name}.png` }]),
    )
  })

  it('takes reduced copies where there is nothing else', async () => {
    const model = json(transformsOf(LIST, { frame: i => ({ file_path: `/home/ada/images/${NAMES[i]}.png` }) }))
    const imported = await read(await addPictures(new Map([['transforms.json', model]]), LIST, 'images_2'))
    expect(paths(imported)).toEqual(NAMES.map(name => `images_2/${name}.png`))
  })

  it('finds masks by their names alone', async () => {
    const { frames } = await set(transformsOf(LIST, { frame: i => ({ mask_path: `${NAMES[i]}.png` }) }), beside('masks', [12, 8]))
    expect(frames.map(({ mask }) => mask)).toMatchObject(NAMES.map(name => ({ path: `masks/${name}.png` })))
  })

  it('does not take a picture for its own mask, when the mask is lost', async () => {
    const { frames, warnings } = await set(transformsOf(LIST, { frame: i => ({ mask_path: `/home/ada/masks/${NAMES[i]}.png` }) }))
    expect(frames.some(({ mask }) => mask)).toBe(false)
    expect(warnings).toEqual([expect.stringMatching(/^skipped 4 that are masks that are not there: \/home\/ada\/masks/)])
  })

  it('reads split lists in their own spelling, and trains on all when they name none of the frames', async () => {
    const splits = async (more: object): Promise<[string, string[]]> => {
      const { frames, warnings } = await set(transformsOf(LIST, { more }))
      return [frames.map(({ split }) => split).join(' '), warnings]
    }
    const lists = { train_filenames: NAMES.slice(0, 3).map(name => `images\\${name}.png`), val_filenames: [`${NAMES[3]}.png`], test_filenames: [] }
    expect(await splits(lists)).toEqual(['train train train val', []])
    expect(await splits({ train_filenames: ['a.png'], val_filenames: ['b.png'] })).toEqual([
      'train train train train',
      [expect.stringMatching(/"train_filenames" names none of the frames \(its first is "a\.png"\), so every frame trains/)],
    ])
  })

  it('reads matrices with a rounding in the last row, or as text, and angles in degrees', async () => {
    const wanted = (await set(transformsOf(LIST))).frames.map(({ camera }) => camera)
    const model = transformsOf(LIST) as { frames: { transform_matrix: number[][] }[] }
    for (const [i, frame] of model.frames.entries())
      frame.transform_matrix = i % 2 ? frame.transform_matrix.with(3, [1e-17, 0, -3e-18, 1 - 2e-16]) : frame.transform_matrix
    const text = JSON.stringify(model).replaceAll(/-?\d+\.\d+(e-?\d+)?/g, '"$&"')
    const { frames } = await set(JSON.parse(text))
    expect(frames.map(({ camera }) => camera)).toEqual(wanted)
    const { fl_x: _, fl_y: __, ...rest } = transformsOf(LIST) as Record<string, unknown>
    const degrees = (2 * Math.atan(6 / 20) * 180) / Math.PI
    expect((await set({ ...rest, x_fov: degrees })).frames[0].camera?.focalLength).toBeCloseTo(20, 10)
    await expect(set({ ...rest, x_fov: 190 })).rejects.toThrow(/"x_fov" is 190; it must be an angle between 0 and 180 degrees/)
  })

  it('keeps the distortion of a pinhole, and says so', async () => {
    const { frames, warnings } = await set(transformsOf(LIST, { more: { camera_model: 'PINHOLE', k1: 0.05, p2: 0.01 } }))
    expect(frames[0].camera).toMatchObject({ radialDistortion: [0.05, 0, 0], tangentialDistortion: [0, 0.01] })
    expect(warnings).toEqual([expect.stringMatching(/camera_model "PINHOLE" has distortion; it is taken as OPENCV.* \(and 3 alike\)/)])
  })

  it('reads JSON with comments, trailing commas or in UTF-16; what is in quotes stays', async () => {
    const loose = JSON.stringify(transformsOf(LIST, { more: { note: 'a, // b /* c */ ,]' } }), null, 1)
      .replaceAll('}\n', '}, /* frame */\n')
      .replace(/\}, (\/\*.*?\*\/)?\n?$/, '} // end')
    const open = async (bytes: Uint8Array): Promise<[number, string[]]> => {
      const { frames, warnings } = await read(await addPictures(new Map([['transforms.json', bytes]]), LIST))
      return [frames.length, warnings]
    }
    expect(await open(text(`// by hand\n${loose}`))).toEqual([
      4,
      [expect.stringMatching(/transforms\.json: has comments or commas before a closing/)],
    ])
    const wide = Buffer.from(`\ufeff${JSON.stringify(transformsOf(LIST))}`, 'utf16le')
    expect(await open(new Uint8Array(wide))).toEqual([4, []])
    expect(await open(new Uint8Array(wide.swap16()))).toEqual([4, []])
    await expect(open(text('{"frames": [1, // cut'))).rejects.toThrow(/transforms\.json: not valid JSON/)
  })

  it.each(['.\\points.ply', '/home/ada/points.ply', 'out/points.ply'])('finds the points of %s', async ply => {
    const files = await addPictures(new Map([['transforms.json', json(transformsOf(LIST, { more: { ply_file_path: ply } }))]]), LIST)
    const properties = ['x', 'y', 'z'].map(axis => `property float ${axis}\r\n`).join('')
    files.set('points.ply', text(`ply\r\nformat ascii 1.0\r\nelement vertex 1\r\n${properties}end_header\r\n1 2 3\r\n`))
    const { points, warnings } = await read(files)
    expect([[...(points ?? [])], warnings]).toEqual([[1, 2, 3], []])
  })
})

describe('poses under another name', () => {
  const named = (...list: string[]): Promise<Files> => addPictures(new Map(list.map(name => [name, json(transformsOf(LIST))])), LIST)
  it.each(['Transforms.JSON', 'poses.json'])('%s is read as a transforms.json, with a warning', async name => {
    const { format, frames, warnings } = await read((await named(name)).set('notes.json', json({ a: 1 })))
    expect([format, frames.length, warnings]).toEqual(['transforms', 4, [`set/${name}: read as a transforms.json, which its content is`]])
  })
  it('are not chosen among several, and not looked for where pictures are asked for', async () => {
    const files = await named('a.json', 'b.json')
    for (const name of NAMES) files.set(`images_2/${name}.png`, await picture(6, 4))
    await expect(read(files)).rejects.toThrow(/set: 2 files of poses: a\.json, b\.json; pass the one that is meant, or --format images/)
    const { frames } = await readDataset(treeOf(files), { format: 'images' })
    expect(frames.map(({ id, camera }) => [id, camera])).toEqual(NAMES.map(name => [name, undefined]))
  })
})

describe("Blender's three files", () => {
  it('may hold a test without frames', async () => {
    const files = await addPictures(new Map([['transforms_train.json', json(transformsOf(LIST))]]), LIST)
    files.set('transforms_test.json', json({ camera_angle_x: 0.6, frames: [] }))
    expect((await read(files)).frames).toHaveLength(4)
  })
})

describe('COLMAP', () => {
  it('takes the model that belongs to the pictures, where an undistorter left two of as many images', async () => {
    const files = await addPictures(new Map(), LIST, 'images')
    await addPictures(files, LIST, 'input')
    // Gaussian splatting: images/ are undistorted, input/ are not
    colmapText(files, LIST, { ...RADIAL, folder: 'distorted/sparse/0' })
    const distortedAlone = await read(files)
    expect([lensOf(distortedAlone), paths(distortedAlone)[0]]).toEqual([LENS.radial, 'input/frame_000.png'])
    colmapText(files, LIST, { ...PINHOLE, folder: 'sparse/0' })
    const both = await read(files)
    expect([lensOf(both), paths(both)[0]]).toEqual([LENS.pinhole, 'images/frame_000.png'])
  })

  it("keeps to automatic_reconstructor's pairs of model and pictures", async () => {
    const files = colmapText(await addPictures(new Map(), LIST, 'dense/0/images'), LIST, { ...PINHOLE, folder: 'dense/0/sparse' })
    colmapText(files, LIST, { ...RADIAL, folder: 'sparse/0' })
    const dense = await read(files)
    expect([lensOf(dense), paths(dense)[0]]).toEqual([LENS.pinhole, 'dense/0/images/frame_000.png'])
    const sparse = await read(await addPictures(files, LIST, 'images'))
    expect([lensOf(sparse), paths(sparse)[0]]).toEqual([LENS.radial, 'images/frame_000.png'])
  })

  it('reads images.txt whose empty lines an editor stripped, with CRLF and a byte order mark', async () => {
    const files = colmapText(await addPictures(new Map(), LIST), LIST, PINHOLE)
    const path = 'sparse/0/images.txt'
    files.set(path, text(`\ufeff${textOf(files, path).replaceAll(/\n+/g, '\r\n')}`))
    expect((await read(files)).frames.map(frame => frame.id)).toEqual(NAMES)
  })

  it.each<[string, string, (name: string) => string]>([
    ['other case', 'images/NAME.PNG', name => `${name}.png`],
    ['converted', 'images/NAME.png', name => `${name}.jpg`],
    ['Windows folders', 'images/cam 0/NAME.png', name => `cam 0\\${name}.png`],
    ['another machine', 'images/NAME.png', name => `/home/ada/images/${name}.png`],
  ])('finds pictures under names of %s, and says so', async (_, place, nameOf) => {
    const files: Files = new Map()
    for (const name of NAMES)
      files.set(place.replace('NAME', name), await picture(12, 8)).set(`masks/${name}.png`, await picture(12, 8, { channels: 1 }))
    const imported = await read(colmapText(files, LIST, { ...PINHOLE, imageNames: NAMES.map(nameOf) }))
    expect(paths(imported)).toEqual(NAMES.map(name => place.replace('NAME', name)))
    expect(imported.frames[0].mask).toMatchObject({ path: 'masks/frame_000.png' })
    expect(imported.warnings).toEqual([expect.stringMatching(/ was found as "images\/.*" \(and 3 alike\)/)])
  })

  it('does not take the mask or the depth of a lost picture for the picture', async () => {
    const files = await addPictures(new Map(), LIST)
    files.delete('images/frame_002.png')
    files.set('masks/frame_002.png', await picture(12, 8, { channels: 1 })).set('depth/frame_003.png', await picture(12, 8))
    const { frames, warnings } = await read(colmapText(files, LIST, { ...PINHOLE, imageNames: NAMES.map(name => `${name}.jpg`) }))
    expect(frames.map(({ id }) => id)).toEqual(['frame_000', 'frame_001', 'frame_003'])
    expect(warnings[0]).toBe('skipped 1 that are registered but have no picture: frame_002.jpg')
  })

  it('reads a model in a folder of its own, text where the binary is not whole, and beside a broken one', async () => {
    const beside = await read(colmapText(await addPictures(new Map(), LIST), LIST, { ...PINHOLE, folder: 'model' }))
    expect(paths(beside)).toHaveLength(4)
    const files = colmapText(colmapBinary(await addPictures(new Map(), LIST), LIST, PINHOLE), LIST, RADIAL)
    files.delete('sparse/0/images.bin')
    files.set('sparse/1/cameras.bin', new Uint8Array())
    const partial = await read(files)
    expect(lensOf(partial)).toEqual(LENS.radial)
    expect(partial.warnings).toEqual([expect.stringMatching(/sparse\/1\/images\.bin: .*; this model was left out/)])
  })
})

describe('LLFF', () => {
  it('gives each picture its row also where names have no leading zeros', async () => {
    const list = arc(11)
    const files: Files = new Map([['poses_bounds.npy', npyDoubles([11, 17], llffRows(list, 1, 3))]])
    for (let i = 0; i < 11; i++) files.set(`images/${i}.png`, await picture(12, 8))
    const { frames, warnings } = await read(files)
    // LLFF's order: 0, 1, 10, 2, …
    const rows = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 2]
    expect(frames.map(({ id, camera }) => [id, camera?.position])).toEqual(rows.map((row, i) => [String(i), list[row].position]))
    expect(warnings).toEqual([expect.stringMatching(/rows are taken in the order images\/0\.png, images\/1\.png, images\/10\.png/)])
  })
})

describe('Nerfies', () => {
  const CAMERA = {
    orientation: [
      [1, 0, 0],
      [0, -1, 0],
      [0, 0, -1],
    ],
    ...{ position: [0, 0, 2], focal_length: 20, principal_point: [6, 4], image_size: [12, 8] },
    ...{ skew: 0, pixel_aspect_ratio: 1, radial_distortion: [0, 0, 0], tangential_distortion: [0, 0] },
  }
  it('takes the resolution that has most pictures, ids where the training list is empty, and bounds that are there', async () => {
    const files: Files = new Map([
      ['dataset.json', json({ ids: ['a', 'b', 'c'], train_ids: [], val_ids: ['c'] })],
      ['scene.json', json({ scale: 2, center: [0, 0, 0], far: 6 })],
      ['metadata.json', json({ a: { warp_id: 0 }, b: { warp_id: 1 }, c: { warp_id: 1 } })],
      ['rgb/1x/a.png', await picture(12, 8)],
    ])
    for (const id of ['a', 'b', 'c']) files.set(`camera/${id}.json`, json(CAMERA)).set(`rgb/2x/${id}.png`, await picture(6, 4))
    const imported = await read(files)
    expect(imported.frames.map(({ id, split, camera }) => [id, split, camera?.imageSize])).toEqual([
      ['a', 'train', [6, 4]],
      ['b', 'train', [6, 4]],
      ['c', 'val', [6, 4]],
    ])
    expect(imported).toMatchObject({ near: undefined, far: 3, warnings: [expect.stringMatching(/scene\.json: no near, found from the cameras/)] })
  })
})
