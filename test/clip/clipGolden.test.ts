import { expect, test } from 'vitest'
import { absoluteLoss, directionalLoss } from '../../src/clip/losses.ts'
import { type Device, tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { l2Normalize } from '../../src/tensor/ops/l2Normalize.ts'
import { resizeImage } from '../../src/tensor/ops/resize.ts'
import { sliceRows } from '../../src/tensor/ops/rows.ts'
import { permute } from '../../src/tensor/ops/transpose.ts'
import { compile, evaluate } from '../../src/tensor/plan.ts'
import { reshape, type Tensor } from '../../src/tensor/tensor.ts'
import { expectGolden, loadGolden } from '../golden.ts'
import { testDevices } from '../tensor/harness.ts'
import { goldenModel } from './goldenModel.ts'

/** A software adapter beside other work is slow. */
const PATIENCE = { timeout: 120_000 }

const tiny = loadGolden('clip_tiny')
const coded = loadGolden('clip_coded_loss')

/** Pixels as the fixtures have them, [B, 3, S, S], and as the tower takes them. */
function pixelsOf(device: Device, path: string): { given: Tensor; pixels: Tensor } {
  const given = tensor(device, tiny.get(path), tiny.shape(path))
  return { given, pixels: permute(given, [0, 2, 3, 1]) }
}

async function onEveryDevice(run: (device: Device) => Promise<void>): Promise<void> {
  for (const { name, device, compileOnly } of await testDevices()) {
    // the null backend computes nothing, but it must compile every kernel
    await run(device).catch((error: Error) => {
      if (!compileOnly || !/values are off|NaN/.test(error.message)) throw new Error(`${name}: ${error.message}`, { cause: error })
    })
  }
}

for (const model of ['a', 'b']) {
  test(`clip_tiny ${model}: image features, losses and pixel gradients`, PATIENCE, () =>
    onEveryDevice(async device => {
      const { vision } = await goldenModel(device, `clip_tiny_${model}`)
      const { given, pixels } = pixelsOf(device, `${model}/in/pixel_values`)
      const reference = pixelsOf(device, `${model}/in/reference_pixel_values`)
      const text = tensor(device, tiny.get(`${model}/out/text_features`), tiny.shape(`${model}/out/text_features`))
      const unit = await textDifference(device, text)
      const features = vision.features(pixels)
      const loss = absoluteLoss(features, text)
      const directional = directionalLoss(features, vision.features(reference.pixels), unit, { coded: true })
      const [byLoss] = grad(loss, [given])
      const [byDirectional] = grad(directional, [given])
      const states = vision.hiddenStates(pixels)
      const wanted: [string, Tensor][] = [
        ['out/image_features', features],
        ['out/loss', loss],
        ['out/directional_loss', directional],
        ['grad/loss/pixel_values', byLoss],
        ['grad/directional_loss/pixel_values', byDirectional],
        ...states.map((state, i): [string, Tensor] => [`out/vision_hidden_${i}`, state]),
      ]
      using plan = compile(device, { outputs: wanted.map(([, x]) => x) })
      plan.run()
      for (const [path, x] of wanted) expectGolden(tiny, `${model}/${path}`, await plan.read(x))
    }),
  )

  test(`clip_tiny ${model}: text features and hidden states`, PATIENCE, () =>
    onEveryDevice(async device => {
      const { text, config } = await goldenModel(device, `clip_tiny_${model}`)
      for (const [ids, out] of [
        ['input_ids', 'text_features'],
        ['input_ids_zero_padded', 'text_features_zero_padded'],
      ]) {
        const rows = tokenRows(`${model}/in/${ids}`, config.text.endToken ?? -1)
        expectGolden(tiny, `${model}/out/${out}`, await text.features(rows))
      }
      const { ids, length, ends } = tokenRows(`${model}/in/input_ids`, config.text.endToken ?? -1)
      const embedded = text.embed(ids, length)
      expectGolden(tiny, `${model}/out/text_hidden_first`, embedded)
      const states = text.states(tensor(device, embedded, [ids.length, config.text.width]), ends.length)
      const [last] = await evaluate(device, [states])
      // the fixture ran with a padding mask, which changes what lies after the end token; nothing reads it
      const golden = tiny.get(`${model}/out/text_hidden_last`)
      const mask = tiny.get(`${model}/in/attention_mask`)
      const { width } = config.text
      expectGolden(
        tiny,
        `${model}/out/text_hidden_last`,
        last.map((value, i) => (mask[Math.floor(i / width)] ? value : golden[i])),
      )
    }),
  )
}

function tokenRows(path: string, end: number) {
  const ids = Uint32Array.from(tiny.get(path))
  const [texts, length] = tiny.shape(path)
  const ends = Array.from({ length: texts }, (_, t) => ids.subarray(t * length, (t + 1) * length).indexOf(end))
  return { ids, length, ends }
}

/** ΔT of the fixture: unit(text 0) − unit(text 1). */
async function textDifference(device: Device, text: Tensor): Promise<Tensor> {
  const [unit] = await evaluate(device, [l2Normalize(text)])
  const size = text.shape[1]
  return tensor(
    device,
    unit.slice(0, size).map((value, i) => value - unit[size + i]),
    [1, size],
  )
}

test('clip_coded_loss: the coded losses through a bilinear resize to 224', PATIENCE, () =>
  onEveryDevice(async device => {
    const { mean, std } = coded.cases.img224 as { mean: [number, number, number]; std: [number, number, number] }
    const { vision } = await goldenModel(device, 'clip_tiny_img224', { mean, std })
    const image = (path: string): Tensor => tensor(device, coded.get(path), [1, ...coded.shape(path)])
    const large = (x: Tensor): Tensor => resizeImage(x, { height: 224, width: 224, filter: 'bilinear' })
    const rgb = image('img224/in/rgb')
    const text = tensor(device, coded.get('img224/in/text_feature'), coded.shape('img224/in/text_feature'))
    const features = vision.features(large(rgb))
    const reference = vision.features(large(image('img224/in/reference_rgb')))
    const absolute = absoluteLoss(features, text, { coded: true })
    const directional = directionalLoss(features, reference, text, { coded: true })
    const wanted: [string, Tensor][] = [
      ['out/image_features', features],
      ['out/reference_features', reference],
      ['out/absolute_loss', absolute],
      ['out/directional_loss', directional],
      ['grad/absolute_loss/rgb', grad(absolute, [rgb])[0]],
      ['grad/directional_loss/rgb', grad(directional, [rgb])[0]],
    ]
    using plan = compile(device, { outputs: wanted.map(([, x]) => x) })
    plan.run()
    for (const [path, x] of wanted) expectGolden(coded, `img224/${path}`, await plan.read(x))
  }),
)

test('several images in one call give the features of one call each', async () => {
  const [, { device }] = await testDevices()
  const { vision } = await goldenModel(device, 'clip_tiny_b')
  const { pixels } = pixelsOf(device, 'b/in/pixel_values')
  const [batch, height, width, channels] = pixels.shape
  const flat = reshape(pixels, [batch, height * width * channels])
  const single = [...Array(batch).keys()].map(i => vision.features(reshape(sliceRows(flat, i, i + 1), [1, height, width, channels])))
  const [all, ...each] = await evaluate(device, [vision.features(pixels), ...single])
  expect([...all]).toEqual(each.flatMap(x => [...x]))
})

test('pixels of another size are refused', async () => {
  const [{ device }] = await testDevices()
  const { vision } = await goldenModel(device, 'clip_tiny_b')
  expect(() => vision.features(tensor(device, new Float32Array(12), [1, 2, 2, 3]))).toThrow('pixels [1, 2, 2, 3] are not [B, 24, 24, 3]')
})
