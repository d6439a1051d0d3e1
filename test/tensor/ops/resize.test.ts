import { describe, expect, test } from 'vitest'
import { tensor } from '../../../src/tensor/device.ts'
import { grad } from '../../../src/tensor/grad.ts'
import { fill } from '../../../src/tensor/ops/fill.ts'
import { type ResizeOptions, resizeImage } from '../../../src/tensor/ops/resize.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { expectGolden, loadGolden } from '../../golden.ts'
import { checkOp, randomValues, testDevices } from '../harness.ts'
import { checkGolden } from './goldenCase.ts'

const bilinear = loadGolden('resize_bilinear')
const bicubic = loadGolden('preprocess_bicubic')

describe('golden resize_bilinear', () => {
  for (const name of Object.keys(bilinear.cases)) {
    test(name, () =>
      checkGolden(bilinear, ({ leaf, loss }) => {
        const image = leaf(`${name}/in/image`)
        const [height, width] = bilinear.shape(`${name}/out/resized`)
        const resized = resizeImage(image, { height, width, filter: 'bilinear', antialias: true })
        const [dimage] = grad(loss({ [`${name}/cot/resized`]: resized }), [image])
        return {
          [`${name}/out/resized`]: resized,
          [`${name}/grad/image`]: dimage,
          [`${name}/out/resized_without_antialias`]: resizeImage(image, { height, width, filter: 'bilinear', antialias: false }),
        }
      }),
    )
  }
})

const toByte = (value: number): number => Math.min(Math.max(Math.round(value), 0), 255)

describe('golden preprocess_bicubic', () => {
  for (const [name, settings] of Object.entries(bicubic.cases)) {
    test(name, async () => {
      const path = `${name}/in/image`
      const [h, w] = bicubic.shape(path)
      const [edge, crop] = [Number(settings.shortest_edge), Number(settings.crop)]
      // the shortest edge exactly, the longest rounded down, the crop centred: as the image processor does
      const [height, width] = h < w ? [edge, Math.floor((edge * w) / h)] : [Math.floor((edge * h) / w), edge]
      const window = { top: Math.floor((height - crop) / 2), left: Math.floor((width - crop) / 2), height: crop, width: crop }
      const [mean, std] = [settings.mean as number[], settings.std as number[]]
      for (const { device, compileOnly } of await testDevices()) {
        const image = tensor(device, bicubic.get(path), [h, w, 3])
        const [wide] = await evaluate(device, [resizeImage(image, { height: h, width, filter: 'bicubic' })])
        const bytes = tensor(device, wide.map(toByte), [h, width, 3])
        const [pixels] = await evaluate(device, [resizeImage(bytes, { height, width, filter: 'bicubic', crop: window })])
        await device.sync()
        if (compileOnly) continue
        const normalised = Float32Array.from(pixels, (_, i) => {
          const [c, at] = [Math.floor(i / crop ** 2), i % crop ** 2]
          return (toByte(pixels[at * 3 + c]) / 255 - mean[c]) / std[c]
        })
        expectGolden(bicubic, `${name}/out/default/pixel_values`, normalised)
        expectGolden(bicubic, `${name}/out/pil/pixel_values`, normalised)
      }
    })
  }
})

describe('resizeImage', () => {
  const cases: [string, number[], ResizeOptions][] = [
    ['a batch, enlarged', [2, 5, 7, 3], { height: 11, width: 9, filter: 'bilinear' }],
    ['bicubic, rows shrunk and columns enlarged', [13, 5, 2], { height: 4, width: 12, filter: 'bicubic' }],
    ['a window of it', [2, 9, 9, 3], { height: 14, width: 6, filter: 'bicubic', crop: { top: 3, left: 1, height: 5, width: 4 } }],
    ['to one pixel', [6, 5, 1], { height: 1, width: 1, filter: 'bilinear' }],
  ]
  for (const [name, shape, options] of cases)
    test(name, () => checkOp({ name: 'resizeImage', inputs: [{ shape }], build: ([x]) => resizeImage(x, options) }))

  test('the same size is the same image; a window is a part of the whole', async () => {
    const pixels = randomValues(6 * 7 * 2, 1)
    for (const { device, compileOnly } of await testDevices()) {
      const x = tensor(device, pixels, [6, 7, 2])
      const whole = { height: 9, width: 5, filter: 'bicubic' as const }
      const part = { ...whole, crop: { top: 2, left: 1, height: 3, width: 2 } }
      const [same, all, some] = await evaluate(device, [
        resizeImage(x, { height: 6, width: 7, filter: 'bicubic' }),
        resizeImage(x, whole),
        resizeImage(x, part),
      ])
      if (compileOnly) continue
      for (let i = 0; i < pixels.length; i++) expect(same[i]).toBeCloseTo(pixels[i], 5)
      for (let i = 0; i < some.length; i++) {
        const [row, column] = [Math.floor(i / 4) + 2, (Math.floor(i / 2) % 2) + 1]
        expect(some[i]).toBeCloseTo(all[(row * 5 + column) * 2 + (i % 2)], 5)
      }
    }
  })

  test('names sizes that do not fit', () => {
    expect(() => resizeImage(fill([4, 4], 0), { height: 2, width: 2, filter: 'bilinear' })).toThrow('[H, W, C] or [B, H, W, C], got [4, 4]')
    const crop = { top: 1, left: 0, height: 2, width: 2 }
    expect(() => resizeImage(fill([4, 4, 3], 0), { height: 2, width: 2, filter: 'bilinear', crop })).toThrow(
      'window of 2 x 2 at row 1, column 0 does not fit into the resized image of 2 x 2',
    )
  })
})
