/**
 * SigLIP on the device this machine has: `npm run check:siglip -- [golden folder] [--runs 9]`. The small model of test/golden against transformers: for every
 * tensor the largest error and its share of the tolerance (1 = at the limit), exit code 1 when one is off. Then the image tower at the size of
 * google/siglip-base-patch16-224 with made-up weights, batch 1: milliseconds forward, and forward with the gradient by the pixels.
 * FACECLIPNERF_DEVICE chooses the device.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type ClipConfig, parseClipConfig } from '../src/clip/clipConfig.ts'
import { ClipWeights } from '../src/clip/clipWeights.ts'
import { loadTextTransformer } from '../src/clip/textTransformer.ts'
import { loadVisionTransformer } from '../src/clip/visionTransformer.ts'
import { parseSafetensors } from '../src/io/safetensors.ts'
import { type WeightEntry, type WeightFiles, weightsInMemory } from '../src/io/weightFiles.ts'
import { openDevice } from '../src/node.ts'
import { tensor } from '../src/tensor/device.ts'
import { grad } from '../src/tensor/grad.ts'
import { mul, square } from '../src/tensor/ops/elementwise.ts'
import { sum } from '../src/tensor/ops/reduce.ts'
import { permute } from '../src/tensor/ops/transpose.ts'
import { compile } from '../src/tensor/plan.ts'
import type { Tensor } from '../src/tensor/tensor.ts'
import { loadGolden } from '../test/golden.ts'
import { randomValues } from '../test/tensor/opCase.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '9' } } })
const folder = pathToFileURL(`${resolve(positionals[0] ?? 'test/golden')}/`)
const runs = Math.max(5, Number(values.runs))

using device = await openDevice()
console.log(device.description)
await compareWithGolden()
await time()

async function compareWithGolden(): Promise<void> {
  const golden = loadGolden('siglip_tiny', folder)
  const read = (file: string): Uint8Array => readFileSync(new URL(`siglip_tiny/${file}`, folder))
  const config = parseClipConfig(new TextDecoder().decode(read('config.json')), 'config.json')
  const weights = new ClipWeights(device, weightsInMemory(parseSafetensors(read('model.safetensors'), 'model.safetensors'), 'model.safetensors'))
  const leaf = (path: string): Tensor => tensor(device, golden.get(path), golden.shape(path))
  const given = leaf('tiny/in/pixel_values')
  const features = (await loadVisionTransformer(weights, config)).features(permute(given, [0, 2, 3, 1]))
  const [byPixels] = grad(sum(mul(features, leaf('tiny/cot/image_features'))), [given])
  using plan = compile(device, { outputs: [features, byPixels] })
  plan.run()
  const [texts, length] = golden.shape('tiny/in/input_ids')
  const rows = { ids: Uint32Array.from(golden.get('tiny/in/input_ids')), length, ends: Array<number>(texts).fill(length - 1) }
  const found = {
    'out/image_features': await plan.read(features),
    'grad/pixel_values': await plan.read(byPixels),
    'out/text_features': await (await loadTextTransformer(weights, config)).features(rows),
  }
  for (const [path, actual] of Object.entries(found)) {
    const { atol, rtol } = golden.tolerance(`tiny/${path}`)
    const expected = golden.get(`tiny/${path}`)
    const errors = expected.map((value, i) => Math.abs(actual[i] - value))
    const share = Math.max(...errors.map((error, i) => error / (atol + rtol * Math.abs(expected[i]))))
    console.log(`${path}: largest error ${Math.max(...errors).toExponential(2)}, ${share.toFixed(3)} of the tolerance${share <= 1 ? '' : ': OFF'}`)
    if (!(share <= 1)) process.exitCode = 1
  }
  weights.release()
}

/** Every field left to its default is base-patch16-224. */
async function time(): Promise<void> {
  const config = parseClipConfig('{"model_type":"siglip","text_config":{},"vision_config":{}}', 'base-patch16-224')
  const weights = new ClipWeights(device, madeUpVision(config))
  const vision = await loadVisionTransformer(weights, config, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] })
  const { imageSize: side } = config.vision
  const pixels = tensor(device, randomValues(side * side * 3, 1, [0, 1]), [1, side, side, 3])
  const features = vision.features(pixels)
  const loss = sum(square(features))
  await report('forward', features)
  await report('forward and gradient', grad(loss, [pixels])[0])
  weights.release()
}

async function report(what: string, output: Tensor): Promise<void> {
  using plan = compile(device, { outputs: [output] })
  const times: number[] = []
  for (let run = 0; run < runs + 2; run++) {
    const began = performance.now()
    plan.run()
    await device.sync()
    if (run >= 2) times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  console.log(`base-patch16-224, batch 1, ${what}: median ${times[times.length >> 1].toFixed(2)} ms, fastest ${times[0].toFixed(2)} ms of ${runs}`)
}

/** Numbers of about the size that trained weights have, for every tensor of the image tower. */
function madeUpVision({ vision: { width, hidden, layers, imageSize, patch } }: ClipConfig): WeightFiles {
  const entries = new Map<string, WeightEntry>()
  const put = (name: string, shape: number[], range: readonly [number, number] = [-0.04, 0.04]): void => {
    const seed = 100 + entries.size
    const length = shape.reduce((a, b) => a * b)
    entries.set(name, { dtype: 'F32', shape, file: 'made up', bytes: async () => new Uint8Array(randomValues(length, seed, range).buffer) })
  }
  const norm = (name: string): void => {
    put(`${name}.weight`, [width], [0.8, 1.2])
    put(`${name}.bias`, [width])
  }
  const linear = (name: string, nIn: number, nOut: number): void => {
    put(`${name}.weight`, [nOut, nIn])
    put(`${name}.bias`, [nOut])
  }
  const mlp = (at: string): void => {
    linear(`${at}.fc1`, width, hidden)
    linear(`${at}.fc2`, hidden, width)
  }
  put('vision_model.embeddings.patch_embedding.weight', [width, 3, patch, patch])
  put('vision_model.embeddings.patch_embedding.bias', [width])
  put('vision_model.embeddings.position_embedding.weight', [Math.floor(imageSize / patch) ** 2, width])
  for (let layer = 0; layer < layers; layer++) {
    const at = `vision_model.encoder.layers.${layer}`
    for (const name of ['layer_norm1', 'layer_norm2']) norm(`${at}.${name}`)
    for (const name of ['q', 'k', 'v', 'out']) linear(`${at}.self_attn.${name}_proj`, width, width)
    mlp(`${at}.mlp`)
  }
  norm('vision_model.post_layernorm')
  const head = 'vision_model.head'
  put(`${head}.probe`, [1, 1, width])
  put(`${head}.attention.in_proj_weight`, [3 * width, width])
  put(`${head}.attention.in_proj_bias`, [3 * width])
  linear(`${head}.attention.out_proj`, width, width)
  norm(`${head}.layernorm`)
  mlp(`${head}.mlp`)
  return { name: 'made up', entries }
}
