/** preprocessor_config.json of a model in Hugging Face layout: how a picture becomes the image tower's input. */
import { z } from 'zod'
import type { ClipConfig } from './clipConfig.ts'
import { count, parseConfigFile } from './configFile.ts'

/** From an image of any size to the tower's input, (x − mean)/std. */
export interface Preprocessing {
  /** px of the shortest edge after resizing, before the centre is cropped (CLIP); undefined: the whole picture is stretched to the square (SigLIP). */
  readonly shortestEdge?: number
  /** px of the square that the tower sees. */
  readonly crop: number
  readonly filter: 'bicubic' | 'bilinear'
  /** Per channel, of sRGB 0..1. */
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

const triple = z.tuple([z.number(), z.number(), z.number()])
const rescaling = {
  do_resize: z.literal(true).default(true),
  resample: z.union([z.literal(2), z.literal(3)]).default(3),
  do_rescale: z.literal(true).default(true),
  rescale_factor: z
    .number()
    .refine(f => Math.abs(f * 255 - 1) < 1e-6, 'is not 1/255')
    .default(1 / 255),
  do_normalize: z.literal(true).default(true),
}
const positive = z.number().positive()
const sides = z.object({ height: count, width: count }).refine(s => s.height === s.width, 'is not square')
const square = z.union([count, sides])
const clipFile = z.object({
  ...rescaling,
  size: z.union([count, z.object({ shortest_edge: count })]).default(224),
  do_center_crop: z.literal(true).default(true),
  crop_size: square.default(224),
  image_mean: triple,
  image_std: z.tuple([positive, positive, positive]),
})
const siglipFile = z.object({
  ...rescaling,
  size: square.default(224),
  do_center_crop: z.literal(false).nullish(),
  image_mean: triple.default([0.5, 0.5, 0.5]),
  image_std: z.tuple([positive, positive, positive]).default([0.5, 0.5, 0.5]),
})

const REMEDY = 'use the preprocessor_config.json that belongs to the model'
const FILTERS = { 2: 'bilinear', 3: 'bicubic' } as const

/**
 * Parses preprocessor_config.json, or the `image_processor` of a processor_config.json (transformers 5). Throws, naming the field, when a step is missing or
 * the picture does not come out at the tower's size.
 */
export function parsePreprocessing(
  json: string,
  file: string,
  { family, vision: { imageSize } }: Pick<ClipConfig, 'family' | 'vision'>,
): Preprocessing {
  const refuseSize = (field: string, size: number): void => {
    if (size !== imageSize) throw new Error(`${file}: ${field} ${size} is not the image_size ${imageSize} of config.json; use the files of one model`)
  }
  if (family === 'siglip') {
    const p = parseConfigFile(siglipFile, json, file, REMEDY, imageProcessor)
    refuseSize('size', sideOf(p.size))
    return { crop: imageSize, filter: FILTERS[p.resample], mean: p.image_mean, std: p.image_std }
  }
  const p = parseConfigFile(clipFile, json, file, REMEDY, imageProcessor)
  const shortestEdge = typeof p.size === 'number' ? p.size : p.size.shortest_edge
  refuseSize('crop_size', sideOf(p.crop_size))
  if (shortestEdge < imageSize)
    throw new Error(`${file}: size ${shortestEdge} is smaller than crop_size ${imageSize}; set size.shortest_edge to at least ${imageSize}`)
  return { shortestEdge, crop: imageSize, filter: FILTERS[p.resample], mean: p.image_mean, std: p.image_std }
}

const sideOf = (size: number | { height: number }): number => (typeof size === 'number' ? size : size.height)

const imageProcessor = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'image_processor' in value ? value.image_processor : value
