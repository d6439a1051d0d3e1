/** config.json and preprocessor_config.json of a CLIP in Hugging Face layout. Absent fields have the defaults of transformers' CLIPConfig. */
import { z } from 'zod'

export type ClipActivation = 'quick_gelu' | 'gelu'

/** One of the two transformers. */
export interface TowerConfig {
  readonly width: number
  readonly layers: number
  readonly heads: number
  /** Width of the hidden layer of each MLP. */
  readonly hidden: number
  readonly activation: ClipActivation
  /** Added to the variance in every layer norm. */
  readonly eps: number
}

export interface VisionConfig extends TowerConfig {
  /** Side of the image and of a patch, px. */
  readonly imageSize: number
  readonly patch: number
}

export interface TextConfig extends TowerConfig {
  /** Most tokens of a text, start and end included. */
  readonly context: number
  readonly vocabulary: number
  /** Undefined for OpenAI's old configurations, whose id 2 is no token at all: the tokeniser's end token counts. */
  readonly endToken: number | undefined
  readonly padToken: number
}

export interface ClipConfig {
  /** Length of image and text embeddings. */
  readonly embeddingSize: number
  readonly vision: VisionConfig
  readonly text: TextConfig
}

/** From an image of any size to the tower's input: shortest edge resized, centre crop, (x − mean)/std. */
export interface Preprocessing {
  /** px of the shortest edge after resizing, before the crop. */
  readonly shortestEdge: number
  /** px of the square crop. */
  readonly crop: number
  readonly filter: 'bicubic' | 'bilinear'
  /** Per channel, of sRGB 0..1. */
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

const count = z.int().positive()
const tower = {
  layer_norm_eps: z.number().positive().default(1e-5),
  hidden_act: z.enum(['quick_gelu', 'gelu']).default('quick_gelu'),
}
const textFields = z.object({
  ...tower,
  hidden_size: count.default(512),
  intermediate_size: count.default(2048),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(8),
  max_position_embeddings: count.min(3).default(77),
  vocab_size: count.default(49408),
  eos_token_id: z.int().nonnegative().default(49407),
  pad_token_id: z.int().nonnegative().nullish(),
})
const visionFields = z.object({
  ...tower,
  hidden_size: count.default(768),
  intermediate_size: count.default(3072),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  num_channels: z.literal(3).default(3),
  image_size: count.default(224),
  patch_size: count.default(32),
})
const configFile = z.object({
  model_type: z.literal('clip', {
    error: ({ input }) => (typeof input === 'string' && Object.hasOwn(OTHERS, input) ? OTHERS[input] : 'only the model type "clip" is supported'),
  }),
  projection_dim: count.default(512),
  text_config: textFields,
  vision_config: visionFields,
})

/** Models that are taken for CLIP, and why they are not. */
const OTHERS: Readonly<Record<string, string>> = {
  siglip: 'SigLIP pools by attention and has no class token: not supported',
  siglip2: 'SigLIP 2 pools by attention and has no class token: not supported',
  chinese_clip: 'its text tower is a BERT: not supported',
  clipseg: 'a segmentation model on top of CLIP: not supported',
  clip_text_model: 'a text tower alone: not supported',
  clip_vision_model: 'an image tower alone: not supported',
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

/** Parses config.json; `file` is how errors call it. Throws, naming the field, when it is not JSON or not a CLIP this code can run. */
export function parseClipConfig(json: string, file: string): ClipConfig {
  const config = parse(configFile, json, file, 'use a CLIP model folder as transformers saves it, e.g. openai/clip-vit-base-patch32', withOldFields)
  const { text_config: text, vision_config: vision } = config
  for (const [name, { hidden_size: width, num_attention_heads: heads }] of [['text_config', text] as const, ['vision_config', vision] as const]) {
    if (width % heads !== 0)
      throw new Error(`${file}: ${name}.hidden_size ${width} does not split into num_attention_heads ${heads}; restore the file`)
  }
  if (vision.image_size % vision.patch_size !== 0) {
    throw new Error(`${file}: vision_config.image_size ${vision.image_size} is not a multiple of patch_size ${vision.patch_size}; restore the file`)
  }
  const shared = (t: typeof text | typeof vision): TowerConfig => ({
    width: t.hidden_size,
    layers: t.num_hidden_layers,
    heads: t.num_attention_heads,
    hidden: t.intermediate_size,
    activation: t.hidden_act,
    eps: t.layer_norm_eps,
  })
  return {
    embeddingSize: config.projection_dim,
    vision: { ...shared(vision), imageSize: vision.image_size, patch: vision.patch_size },
    text: {
      ...shared(text),
      context: text.max_position_embeddings,
      vocabulary: text.vocab_size,
      // transformers treats 2 the same way: configurations written before its version 4.31 all say 2
      endToken: text.eos_token_id === 2 ? undefined : text.eos_token_id,
      padToken: text.pad_token_id ?? 1,
    },
  }
}

const square = z.union([count, z.object({ height: count, width: count }).refine(s => s.height === s.width, 'is not square')])
const triple = z.tuple([z.number(), z.number(), z.number()])
const preprocessorFile = z.object({
  do_resize: z.literal(true).default(true),
  size: z.union([count, z.object({ shortest_edge: count })]).default(224),
  do_center_crop: z.literal(true).default(true),
  crop_size: square.default(224),
  resample: z.union([z.literal(2), z.literal(3)]).default(3),
  do_rescale: z.literal(true).default(true),
  rescale_factor: z
    .number()
    .refine(f => Math.abs(f * 255 - 1) < 1e-6, 'is not 1/255')
    .default(1 / 255),
  do_normalize: z.literal(true).default(true),
  image_mean: triple,
  image_std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
})

/** Parses preprocessor_config.json, or the `image_processor` of a processor_config.json (transformers 5). Throws, naming the field, when a step is missing or the crop is not the tower's `imageSize`. */
export function parsePreprocessing(json: string, file: string, imageSize: number): Preprocessing {
  const p = parse(preprocessorFile, json, file, 'use the preprocessor_config.json that belongs to the model', imageProcessor)
  const crop = typeof p.crop_size === 'number' ? p.crop_size : p.crop_size.height
  const shortestEdge = typeof p.size === 'number' ? p.size : p.size.shortest_edge
  if (crop !== imageSize) throw new Error(`${file}: crop_size ${crop} is not the image_size ${imageSize} of config.json; use the files of one model`)
  if (shortestEdge < crop)
    throw new Error(`${file}: size ${shortestEdge} is smaller than crop_size ${crop}; set size.shortest_edge to at least ${crop}`)
  return { shortestEdge, crop, filter: p.resample === 3 ? 'bicubic' : 'bilinear', mean: p.image_mean, std: p.image_std }
}

const imageProcessor = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'image_processor' in value ? value.image_processor : value

function parse<T>(schema: z.ZodType<T>, json: string, file: string, remedy: string, prepare: (value: unknown) => unknown = value => value): T {
  let value: unknown
  try {
    value = prepare(JSON.parse(json))
  } catch (error) {
    throw new Error(`${file}: not JSON (${error instanceof Error ? error.message : error}); ${remedy}`)
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const path = issue.path.map(String)
  const found = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value)
  const where = path.length > 0 ? `field ${path.join('.')} is ${found === undefined ? 'missing' : JSON.stringify(found)}` : 'not an object'
  throw new Error(`${file}: ${where} (${issue.message}); ${remedy}`)
}
