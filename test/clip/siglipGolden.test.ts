import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadEncoder } from '../../src/clip/clipModel.ts'
import { fileMap } from '../../src/io/files.ts'
import { parseSafetensors, writeSafetensors } from '../../src/io/safetensors.ts'
import { type Device, readLeaf, tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { mul } from '../../src/tensor/ops/elementwise.ts'
import { sum } from '../../src/tensor/ops/reduce.ts'
import { resizeImage } from '../../src/tensor/ops/resize.ts'
import { permute } from '../../src/tensor/ops/transpose.ts'
import { compile, evaluate } from '../../src/tensor/plan.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { expectGolden, loadGolden } from '../golden.ts'
import { testDevices } from '../tensor/harness.ts'
import { plainDevice } from '../tensor/plainDevice.ts'
import { goldenModel } from './goldenModel.ts'

/** A software adapter beside other work is slow. */
const PATIENCE = { timeout: 120_000 }

const golden = loadGolden('siglip_tiny')
const FILES = ['config.json', 'tokenizer.json', 'preprocessor_config.json', 'model.safetensors']
const read = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../golden/siglip_tiny/${file}`, import.meta.url)))
const folder = (changes: Record<string, Uint8Array> = {}) => fileMap(new Map(FILES.map(file => [file, changes[file] ?? read(file)])), 'sig')

async function onEveryDevice(run: (device: Device) => Promise<void>): Promise<void> {
  for (const { name, device, compileOnly } of await testDevices()) {
    // the null backend computes nothing, but it must compile every kernel
    await run(device).catch((error: Error) => {
      if (!compileOnly || !/values are off|NaN/.test(error.message)) throw new Error(`${name}: ${error.message}`, { cause: error })
    })
  }
}

test('image features, hidden states and the gradient by the pixels', PATIENCE, () =>
  onEveryDevice(async device => {
    const { vision } = await goldenModel(device, 'siglip_tiny')
    const leaf = (path: string): Tensor => tensor(device, golden.get(path), golden.shape(path))
    const given = leaf('tiny/in/pixel_values')
    const pixels = permute(given, [0, 2, 3, 1])
    const features = vision.features(pixels)
    const [byPixels] = grad(sum(mul(features, leaf('tiny/cot/image_features'))), [given])
    const wanted: [string, Tensor][] = [
      ['out/image_features', features],
      ['grad/pixel_values', byPixels],
      ...vision.hiddenStates(pixels).map((state, i): [string, Tensor] => [`out/vision_hidden_${i}`, state]),
    ]
    using plan = compile(device, { outputs: wanted.map(([, x]) => x) })
    plan.run()
    for (const [path, x] of wanted) expectGolden(golden, `tiny/${path}`, await plan.read(x))
  }),
)

test('text features and hidden states', PATIENCE, () =>
  onEveryDevice(async device => {
    const { text, config } = await goldenModel(device, 'siglip_tiny')
    const ids = Uint32Array.from(golden.get('tiny/in/input_ids'))
    const [texts, length] = golden.shape('tiny/in/input_ids')
    const ends = Array<number>(texts).fill(length - 1)
    expectGolden(golden, 'tiny/out/text_features', await text.features({ ids, length, ends }))
    const embedded = text.embed(ids, length)
    expectGolden(golden, 'tiny/out/text_hidden_first', embedded)
    const [last] = await evaluate(device, [text.states(tensor(device, embedded, [ids.length, config.text.width]), texts)])
    expectGolden(golden, 'tiny/out/text_hidden_last', last)
  }),
)

test('a folder becomes an encoder: texts from sentences, pixels of sRGB 0..1', async () => {
  const encoder = await loadEncoder(plainDevice('single'), folder())
  const { device } = encoder
  expect(encoder).toMatchObject({ name: 'sig', embeddingSize: 24, imageSize: 34 })
  const sentences = (JSON.parse(readFileSync(new URL('../golden/siglip_tokens.json', import.meta.url), 'utf8')) as { prompts: { text: string }[] })
    .prompts
  expectGolden(golden, 'tiny/out/text_features', await readLeaf(device, await encoder.textFeatures(sentences.slice(0, 3).map(p => p.text))))
  const given = tensor(
    device,
    golden.get('tiny/in/pixel_values').map(v => (v + 1) / 2),
    golden.shape('tiny/in/pixel_values'),
  )
  const [features] = await evaluate(device, [encoder.imageFeatures(permute(given, [0, 2, 3, 1]))])
  expectGolden(golden, 'tiny/out/image_features', features)
  const unit = await readLeaf(device, await encoder.encodeText(['a surprised face']))
  expect(Math.hypot(...unit)).toBeCloseTo(1, 5)
})

test('a wide picture is stretched to the square, not cropped', async () => {
  const encoder = await loadEncoder(plainDevice('single'), folder(), { towers: ['image'] })
  const { device } = encoder
  const picture = tensor(
    device,
    Float32Array.from({ length: 20 * 50 * 3 }, (_, i) => (i % 97) / 97),
    [1, 20, 50, 3],
  )
  const square = resizeImage(picture, { height: 34, width: 34, filter: 'bicubic' })
  const [a, b] = await evaluate(device, [encoder.encodeImage(picture), encoder.encodeImage(square)])
  expect(a).toEqual(b)
})

test('16-bit weights stay 16-bit on a GPU, the packed ones of the pooling too, and give the same features', PATIENCE, async () => {
  const { tensors } = parseSafetensors(read('model.safetensors'), 'model.safetensors')
  const half = writeSafetensors(new Map([...tensors].map(([name, value]) => [name, { ...value, half: true }])))
  const pixels = Float32Array.from({ length: 34 * 34 * 3 }, (_, i) => (i % 97) / 97)
  const features = async (device: Device) => {
    const encoder = await loadEncoder(device, folder({ 'model.safetensors': half }), { towers: ['image'] })
    const [values] = await evaluate(device, [encoder.encodeImage(tensor(device, pixels, [1, 34, 34, 3]))])
    encoder.release()
    return values
  }
  const devices = await testDevices()
  const wide = await features(devices[0].device)
  for (const { name, device, compileOnly } of devices) {
    const values = await features(device)
    if (!compileOnly) for (const [i, value] of wide.entries()) expect(values[i], name).toBeCloseTo(value, 5)
  }
})

test('a missing weight of the pooling is named', async () => {
  const { tensors } = parseSafetensors(read('model.safetensors'), 'model.safetensors')
  tensors.delete('vision_model.head.probe')
  await expect(loadEncoder(plainDevice('single'), folder({ 'model.safetensors': writeSafetensors(tensors) }))).rejects.toThrow(
    'sig/model.safetensors: no tensor "vision_model.head.probe"',
  )
})
