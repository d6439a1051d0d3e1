/** config.json of a CLIP or SigLIP in Hugging Face layout. Absent fields have the defaults of transformers' CLIPConfig and SiglipConfig. */
import { z } from 'zod'
import type { FrozenActivation } from '../tensor/ops/frozenDense.ts'
import { count, parseConfigFile } from './configFile.ts'

/** One of the two transformers. */
export interface TowerConfig {
  readonly width: number
  readonly layers: number
  readonly heads: number
  /** Width of the hidden layer of each MLP. */
  readonly hidden: number
  readonly activation: FrozenActivation
  /** Added to the variance in every layer norm. */
  readonly eps: number
}

export interface VisionConfig extends TowerConfig {
  /** Side of the image and of a patch, px. What is left of the image after whole patches is seen by none. */
  readonly imageSize: number
  readonly patch: number
}

export interface TextConfig extends TowerConfig {
  /** Most tokens of a text, start and end included. */
  readonly context: number
  readonly vocabulary: number
  /** The tokeniser's own where undefined: SigLIP's configurations name another model's, OpenAI's old ones an id (2) that is no end token. */
  readonly endToken: number | undefined
  readonly padToken: number | undefined
}

export interface ClipConfig {
  /**
   * 'clip': a class token, texts read from left to right and pooled at their end. 'siglip' (SigLIP, and SigLIP 2 of one size): attention pooling, texts filled
   * up to the context, every token seeing all, and pooled at the last.
   */
  readonly family: 'clip' | 'siglip'
  /** Length of image and text embeddings. */
  readonly embeddingSize: number
  readonly vision: VisionConfig
  readonly text: TextConfig
}

const ACTIVATIONS = { quick_gelu: 'quickGelu', gelu: 'gelu', gelu_pytorch_tanh: 'geluTanh', gelu_new: 'geluTanh' } as const
type ActivationName = keyof typeof ACTIVATIONS

/** Fields of a tower, with the defaults of a family. */
const tower = (activation: ActivationName, eps: number, width: number, hidden: number, heads: number) => ({
  layer_norm_eps: z.number().positive().default(eps),
  hidden_act: z.enum(Object.keys(ACTIVATIONS) as [ActivationName]).default(activation),
  hidden_size: count.default(width),
  intermediate_size: count.default(hidden),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(heads),
})
const clipFile = z.object({
  projection_dim: count.default(512),
  text_config: z.object({
    ...tower('quick_gelu', 1e-5, 512, 2048, 8),
    max_position_embeddings: count.min(3).default(77),
    vocab_size: count.default(49408),
    eos_token_id: z.int().nonnegative().default(49407),
    pad_token_id: z.int().nonnegative().nullish(),
  }),
  vision_config: z.object({
    ...tower('quick_gelu', 1e-5, 768, 3072, 12),
    num_channels: z.literal(3).default(3),
    image_size: count.default(224),
    patch_size: count.default(32),
  }),
})
const siglipFile = z.object({
  text_config: z.object({
    ...tower('gelu_pytorch_tanh', 1e-6, 768, 3072, 12),
    max_position_embeddings: count.min(3).default(64),
    vocab_size: count.default(32000),
    projection_size: count.nullish(),
  }),
  vision_config: z.object({
    ...tower('gelu_pytorch_tanh', 1e-6, 768, 3072, 12),
    num_channels: z.literal(3).default(3),
    image_size: count.default(224),
    patch_size: count.default(16),
    vision_use_head: z.literal(true).default(true),
  }),
})
const typeOf = z.object({
  model_type: z.enum(['clip', 'siglip'], {
    error: ({ input }) =>
      typeof input === 'string' && Object.hasOwn(OTHERS, input) ? OTHERS[input] : 'only the model types "clip" and "siglip" are supported',
  }),
})

/** Models that are taken for CLIP or SigLIP, and why they are not. */
const OTHERS: Readonly<Record<string, string>> = {
  siglip2: 'NaFlex takes pictures of any shape, padded and masked: not supported; SigLIP 2 of one size, such as google/siglip2-base-patch16-224, is',
  siglip_text_model: 'a text tower alone: not supported',
  siglip_vision_model: 'an image tower alone: not supported',
  chinese_clip: 'its text tower is a BERT: not supported',
  clipseg: 'a segmentation model on top of CLIP: not supported',
  clip_text_model: 'a text tower alone: not supported',
  clip_vision_model: 'an image tower alone: not supported',
}

const REMEDY = 'use a CLIP or SigLIP model folder as transformers saves it, e.g. openai/clip-vit-base-patch32'

/** Parses config.json; `file` is how errors call it. Throws, naming the field, when it is not JSON or not a model this code can run. */
export function parseClipConfig(json: string, file: string): ClipConfig {
  const { model_type: family } = parseConfigFile(typeOf, json, file, REMEDY)
  return family === 'siglip' ? siglipConfig(json, file) : clipConfig(json, file)
}

function clipConfig(json: string, file: string): ClipConfig {
  const config = parseConfigFile(clipFile, json, file, REMEDY, withOldFields)
  const { text_config: text, vision_config: vision } = config
  if (vision.image_size % vision.patch_size !== 0) {
    throw new Error(`${file}: vision_config.image_size ${vision.image_size} is not a multiple of patch_size ${vision.patch_size}; restore the file`)
  }
  return {
    family: 'clip',
    embeddingSize: config.projection_dim,
    vision: visionConfig(vision, file),
    text: {
      ...towerConfig(text, 'text_config', file),
      context: text.max_position_embeddings,
      vocabulary: text.vocab_size,
      // transformers treats 2 the same way: configurations written before its version 4.31 all say 2
      endToken: text.eos_token_id === 2 ? undefined : text.eos_token_id,
      padToken: text.pad_token_id ?? 1,
    },
  }
}

function siglipConfig(json: string, file: string): ClipConfig {
  const { text_config: text, vision_config: vision } = parseConfigFile(siglipFile, json, file, REMEDY)
  const projected = text.projection_size ?? text.hidden_size
  if (projected !== vision.hidden_size) {
    throw new Error(
      `${file}: texts become ${projected} numbers (text_config.projection_size, or hidden_size), pictures vision_config.hidden_size ${vision.hidden_size}; restore the file`,
    )
  }
  if (vision.image_size < vision.patch_size) {
    throw new Error(`${file}: vision_config.image_size ${vision.image_size} is smaller than patch_size ${vision.patch_size}; restore the file`)
  }
  return {
    family: 'siglip',
    embeddingSize: projected,
    vision: visionConfig(vision, file),
    text: {
      ...towerConfig(text, 'text_config', file),
      context: text.max_position_embeddings,
      vocabulary: text.vocab_size,
      endToken: undefined,
      padToken: undefined,
    },
  }
}

type TowerFields = z.infer<typeof clipFile>['text_config' | 'vision_config'] | z.infer<typeof siglipFile>['text_config' | 'vision_config']

function towerConfig(fields: TowerFields, name: string, file: string): TowerConfig {
  const { hidden_size: width, num_attention_heads: heads } = fields
  if (width % heads !== 0) throw new Error(`${file}: ${name}.hidden_size ${width} does not split into num_attention_heads ${heads}; restore the file`)
  return {
    width,
    layers: fields.num_hidden_layers,
    heads,
    hidden: fields.intermediate_size,
    activation: ACTIVATIONS[fields.hidden_act],
    eps: fields.layer_norm_eps,
  }
}

function visionConfig(fields: Extract<TowerFields, { image_size: number }>, file: string): VisionConfig {
  return { ...towerConfig(fields, 'vision_config', file), imageSize: fields.image_size, patch: fields.patch_size }
}

/** transformers before 4.27 wrote null for one of X_config and X_config_dict, and let the latter overrule the former. */
function withOldFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const config = { ...value } as Record<string, unknown>
  for (const name of ['text_config', 'vision_config']) {
    const overruling = config[`${name}_dict`]
    if (overruling) config[name] = { ...(config[name] as object | null | undefined), ...overruling }
  }
  return config
}
