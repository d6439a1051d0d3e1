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

test('sizes as plain numbers, as old preprocessors have them', () => {
  expect(preprocessing({ size: 128, crop_size: 112, resample: 2 })).toMatchObject({ shortestEdge: 128, crop: 112, filter: 'bilinear' })
})

test('what this code cannot run is refused by file and field', () => {
  const vision = asset('config.json').vision_config
  expect(() => parseClipConfig('{', 'm/config.json')).toThrow('m/config.json: not JSON')
  expect(() => parseClipConfig('[]', 'm/config.json')).toThrow('m/config.json: not an object')
  expect(() => config({ model_type: 'siglip' })).toThrow('m/config.json: field model_type is "siglip"')
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
