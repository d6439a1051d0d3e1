import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseClipConfig } from '../../src/clip/clipConfig.ts'
import { parsePreprocessing } from '../../src/clip/preprocessing.ts'

const asset = (file: string) => JSON.parse(readFileSync(new URL(`../../assets/encoder/${file}`, import.meta.url), 'utf8'))
const config = (change: object = {}) => parseClipConfig(JSON.stringify({ ...asset('config.json'), ...change }), 'm/config.json')
const preprocessing = (change: object = {}) =>
  parsePreprocessing(JSON.stringify({ ...asset('preprocessor_config.json'), ...change }), 'm/preprocessor_config.json', config())
const siglip = (change: object = {}) =>
  parseClipConfig(JSON.stringify({ model_type: 'siglip', text_config: {}, vision_config: {}, ...change }), 'm/config.json')
const siglipPixels = (change: object = {}) => {
  const published = { do_resize: true, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], resample: 3, size: { height: 224, width: 224 } }
  return parsePreprocessing(JSON.stringify({ ...published, ...change }), 'm/preprocessor_config.json', siglip())
}

test('the embedded encoder', () => {
  expect(config().vision).toEqual({
    width: 192,
    layers: 6,
    heads: 3,
    hidden: 768,
    activation: 'quickGelu',
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
  expect(parsePreprocessing(JSON.stringify(nested), 'processor_config.json', config())).toEqual(preprocessing())
})

test('sizes as plain numbers, as old preprocessors have them', () => {
  expect(preprocessing({ size: 128, crop_size: 112, resample: 2 })).toMatchObject({ shortestEdge: 128, crop: 112, filter: 'bilinear' })
})

test('what this code cannot run is refused by file and field', () => {
  const vision = asset('config.json').vision_config
  expect(() => parseClipConfig('{', 'm/config.json')).toThrow('m/config.json: not JSON')
  expect(() => parseClipConfig('[]', 'm/config.json')).toThrow('m/config.json: not an object')
  expect(() => config({ model_type: 'siglip2' })).toThrow('m/config.json: field model_type is "siglip2" (NaFlex takes pictures of any shape')
  expect(() => config({ model_type: 'bert' })).toThrow(
    'field model_type is "bert" (only the model types "clip" and "siglip" are supported); use a CLIP or SigLIP model folder',
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

test('absent fields of a SigLIP have the defaults of transformers, which are base-patch16-224', () => {
  const { family, embeddingSize, vision, text } = siglip()
  expect([family, embeddingSize]).toEqual(['siglip', 768])
  expect(vision).toEqual({ width: 768, layers: 12, heads: 12, hidden: 3072, activation: 'geluTanh', eps: 1e-6, imageSize: 224, patch: 16 })
  expect(text).toMatchObject({ width: 768, context: 64, vocabulary: 32000, endToken: undefined, padToken: undefined })
  expect(siglipPixels()).toEqual({ crop: 224, filter: 'bicubic', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] })
  expect(siglipPixels({ resample: 2 }).filter).toBe('bilinear')
})

test('published sizes of SigLIP: patches that leave pixels over, a head that changes the width', () => {
  const so400m = { hidden_size: 1152, intermediate_size: 4304, num_attention_heads: 16, num_hidden_layers: 27 }
  const { vision } = siglip({ text_config: so400m, vision_config: { ...so400m, image_size: 384, patch_size: 14 } })
  expect(vision).toMatchObject({ width: 1152, hidden: 4304, imageSize: 384, patch: 14 })
  const giant = { hidden_size: 1536, intermediate_size: 6144, num_attention_heads: 16, num_hidden_layers: 40 }
  expect(siglip({ text_config: { ...so400m, projection_size: 1536, vocab_size: 256000 }, vision_config: giant }).embeddingSize).toBe(1536)
})

test('a SigLIP that does not fit together is refused by file and field', () => {
  expect(() => siglip({ text_config: { projection_size: 512 } })).toThrow('texts become 512 numbers')
  expect(() => siglip({ vision_config: { vision_use_head: false } })).toThrow('field vision_config.vision_use_head is false')
  expect(() => siglip({ vision_config: { image_size: 8 } })).toThrow('image_size 8 is smaller than patch_size 16')
  expect(() => siglipPixels({ size: { height: 224, width: 256 } })).toThrow('field size is {"height":224,"width":256} (is not square)')
  expect(() => siglipPixels({ size: { height: 256, width: 256 } })).toThrow('size 256 is not the image_size 224')
  expect(() => siglipPixels({ do_center_crop: true })).toThrow('field do_center_crop is true')
})
