import { expect, test } from 'vitest'
import { normalisePixels, preprocessImage } from '../../src/clip/preprocess.ts'
import type { Preprocessing } from '../../src/clip/preprocessing.ts'
import { expectGolden, loadGolden } from '../golden.ts'

const golden = loadGolden('preprocess_bicubic')

function preprocessing(name: string): Preprocessing {
  const { crop, shortest_edge, mean, std } = golden.cases[name] as Record<string, never>
  return { crop, shortestEdge: shortest_edge, filter: 'bicubic', mean, std }
}

/** [S, S, 3] -> [3, S, S]. */
function channelsFirst(pixels: Float32Array): Float32Array {
  const area = pixels.length / 3
  return Float32Array.from(pixels, (_, i) => pixels[(i % area) * 3 + Math.floor(i / area)])
}

for (const name of Object.keys(golden.cases)) {
  test(`golden ${name}`, () => {
    const [height, width] = golden.shape(`${name}/in/image`)
    const image = { width, height, data: Uint8Array.from(golden.get(`${name}/in/image`)) }
    const pixels = channelsFirst(normalisePixels(preprocessImage(image, preprocessing(name)), preprocessing(name)))
    expectGolden(golden, `${name}/out/pil/pixel_values`, pixels)
    expectGolden(golden, `${name}/out/default/pixel_values`, pixels)
  })
}

const siglip = loadGolden('siglip_tiny')
for (const filter of ['bicubic', 'bilinear'] as const) {
  test(`golden siglip_tiny: stretched to the square, ${filter}`, () => {
    const [height, width] = siglip.shape('tiny/in/image')
    const image = { width, height, data: Uint8Array.from(siglip.get('tiny/in/image')) }
    const how: Preprocessing = { crop: 34, filter, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }
    expectGolden(siglip, `tiny/out/${filter}/pixel_values`, channelsFirst(normalisePixels(preprocessImage(image, how), how)))
  })
}

test('an image of the right size is only scaled to 0..1', () => {
  const data = Uint8Array.from({ length: 12 }, (_, i) => i * 20)
  const out = preprocessImage({ width: 2, height: 2, data }, { ...preprocessing('wide_48x70_to_32'), crop: 2, shortestEdge: 2 })
  expect(out).toEqual(Float32Array.from(data, v => v / 255))
})

test('an image with alpha is refused', () => {
  const image = { width: 2, height: 2, data: new Uint8Array(16) }
  expect(() => preprocessImage(image, preprocessing('wide_48x70_to_32'))).toThrow('16 bytes for 2 x 2 pixels of 3 channels; drop the alpha')
})
