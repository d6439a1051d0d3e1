import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseClipConfig, parsePreprocessing } from '../../src/clip/clipConfig.ts'

const asset = (file: string) => JSON.parse(readFileSync(new URL(`../../assets/encoder/${file}`, import.meta.url), 'utf8'))
const config = (change: object = {}) => parseClipConfig(JSON.stringify({ ...asset('config.json'), ...change }), 'm/config.json')
const preprocessing = (change: object = {}) =>
  parsePreprocessing(JSON.stringify({ ...asset('preprocessor_config.json'), ...change }), 'm/preprocessor_config.json', 112)

test('the embedded encoder', () => {
  expect(config().vision).toEqual({
    width: 192,
    layers: 6,
    heads: 3,
    hidden: 768,
    activation: 'quick_gelu',
    eps: 1e-5,
    imageSize: 112,
    patch: 16,
  })
  expect(config().text).toMatchObject({ width: 128, context: 32, vocabulary: 655, endToken: 1, padToken: 1 })
  expect(preprocessing()).toMatchObject({ shortestEdge: 112, crop: 112, filter: 'bicubic' })
})

test('absent fields have the defaults of transformers, which are ViT-B/32', () => {
  const { embeddingSize, vision, text } = parseClipConfig('{"model_type":"clip","text_config":{},"vision_config":{}}', 'config.json')
  expect(embeddingSize).toBe(512)
  expect(vision).toMatchObject({ width: 768, layers: 12, heads: 12, imageSize: 224, patch: 32 })
  expect(text).toMatchObject({ width: 512, layers: 12, heads: 8, context: 77, endToken: 49407 })
})

test('the end token 2 of old configurations is left to the tokeniser', () => {
  const text = asset('config.json').text_config
  expect(config({ text_config: { ...text, eos_token_id: 2 } }).text.endToken).toBeUndefined()
})

test('the published sizes', () => {
  const large = parseClipConfig(
    JSON.stringify({
      model_type: 'clip',
      projection_dim: 768,
      text_config: { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12, eos_token_id: 2, pad_token_id: null },
      vision_config: { hidden_size: 1024, intermediate_size: 4096, num_attention_heads: 16, num_hidden_layers: 24, patch_size: 14 },
    }),
    'config.json',
  )
  expect(large).toMatchObject({
    embeddingSize: 768,
    vision: { width: 1024, layers: 24, heads: 16, patch: 14 },
    text: { width: 768, layers: 12, padToken: 1 },
  })
  const b16 = parseClipConfig('{"model_type":"clip","text_config":{},"vision_config":{"patch_size":16}}', 'config.json')
  expect(b16.vision).toMatchObject({ width: 768, patch: 16, imageSize: 224 })
})

test('text_config_dict of old configurations overrules text_config', () => {
  const old = { text_config: null, text_config_dict: { hidden_size: 768, num_attention_heads: 12, hidden_act: 'gelu' }, vision_config_dict: null }
  expect(config(old).text).toMatchObject({ width: 768, heads: 12, activation: 'gelu' })
  expect(config(old).vision.width).toBe(192)
})

test('the image processor inside a processor_config.json', () => {
  const nested = { image_processor: asset('preprocessor_config.json'), processor_class: 'CLIPProcessor' }
  expect(parsePreprocessing(JSON.stringify(nested), 'processor_config.json', 112)).toEqual(preprocessing())
})

test('sizes as plain numbers, as old preprocessors have them', () => {
  expect(preprocessing({ size: 128, crop_size: 112, resample: 2 })).toMatchObject({ shortestEdge: 128, crop: 112, filter: 'bilinear' })
})

test('what this code cannot run is refused by file and field', () => {
  const vision = asset('config.json').vision_config
  expect(() => parseClipConfig('{', 'm/config.json')).toThrow('m/config.json: not JSON')
  expect(() => parseClipConfig('[]', 'm/config.json')).toThrow('m/config.json: not an object')
  expect(() => config({ model_type: 'siglip' })).toThrow('m/config.json: field model_type is "siglip" (SigLIP pools by attention')
  expect(() => config({ model_type: 'bert' })).toThrow(
    'field model_type is "bert" (only the model type "clip" is supported); use a CLIP model folder',
  )
  expect(() => config({ vision_config: undefined })).toThrow('m/config.json: field vision_config is missing')
  expect(() => config({ vision_config: { ...vision, hidden_act: 'silu' } })).toThrow('field vision_config.hidden_act is "silu"')
  expect(() => config({ vision_config: { ...vision, num_attention_heads: 5 } })).toThrow('192 does not split into num_attention_heads 5')
  expect(() => config({ vision_config: { ...vision, patch_size: 15 } })).toThrow('image_size 112 is not a multiple of patch_size 15')
  expect(() => preprocessing({ image_mean: undefined })).toThrow('m/preprocessor_config.json: field image_mean is missing')
  expect(() => preprocessing({ do_center_crop: false })).toThrow('field do_center_crop is false')
  expect(() => preprocessing({ resample: 1 })).toThrow('field resample is 1')
  expect(() => preprocessing({ crop_size: 224 })).toThrow('crop_size 224 is not the image_size 112')
  expect(() => preprocessing({ size: { shortest_edge: 96 } })).toThrow('size 96 is smaller than crop_size 112')
})
