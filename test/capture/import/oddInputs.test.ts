/** Inputs as other programs and other people leave them: read as they were meant, with a warning where something was guessed. */
import { describe, expect, it } from 'vitest'
import type { Camera } from '../../../src/camera/camera.ts'
import type { ImportedCapture } from '../../../src/capture/importedCapture.ts'
import { readDataset } from '../../../src/capture/readDataset.ts'
import { addPictures, arc, colmapBinary, colmapText, type Files, llffRows, names, npyDoubles, picture, text, treeOf } from './formatFixtures.ts'

const read = (files: Files): Promise<ImportedCapture> => readDataset(treeOf(files))
const paths = ({ frames }: ImportedCapture): string[] => frames.map(({ image }) => (image.kind === 'file' ? image.path : ''))
const textOf = (files: Files, path: string): string => new TextDecoder().decode(files.get(path))

const LIST = arc(4)
const NAMES = names(4)
const PINHOLE = { model: 'SIMPLE_PINHOLE', modelId: 0, params: [20, 6, 4] }
const RADIAL = { model: 'SIMPLE_RADIAL', modelId: 2, params: [20, 6, 4, 0.1] }
const LENS = { pinhole: [0, 0, 0], radial: [0.1, 0, 0] }
const lensOf = ({ frames }: ImportedCapture): Camera['radialDistortion'] | undefined => frames[0].camera?.radialDistortion

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
