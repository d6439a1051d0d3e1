/** CLIP ViT-B/32's image tower with made-up weights: the sizes of the published files, for measurements without them. */
import type { WeightEntry } from '../src/io/weightFiles.ts'
import { randomValues } from '../test/tensor/opCase.ts'

/** Numbers of about the size that trained weights have, for every tensor of the image tower, by its Hugging Face name. Same numbers every time. */
export function madeUpVision(layers: number): Map<string, WeightEntry> {
  const entries = new Map<string, WeightEntry>()
  let seed = 100
  const put = (name: string, shape: number[], range: readonly [number, number] = [-0.05, 0.05]): void => {
    const length = shape.reduce((a, b) => a * b)
    const own = seed++
    entries.set(name, { dtype: 'F32', shape, file: 'made up', bytes: async () => new Uint8Array(randomValues(length, own, range).buffer) })
  }
  const norm = (name: string): void => {
    put(`${name}.weight`, [768], [0.8, 1.2])
    put(`${name}.bias`, [768])
  }
  const linear = (name: string, nIn: number, nOut: number): void => {
    put(`${name}.weight`, [nOut, nIn])
    put(`${name}.bias`, [nOut])
  }
  put('vision_model.embeddings.class_embedding', [768])
  put('vision_model.embeddings.position_embedding.weight', [50, 768])
  put('vision_model.embeddings.patch_embedding.weight', [768, 3, 32, 32])
  norm('vision_model.pre_layrnorm')
  for (let layer = 0; layer < layers; layer++) {
    const at = `vision_model.encoder.layers.${layer}`
    for (const name of ['layer_norm1', 'layer_norm2']) norm(`${at}.${name}`)
    for (const name of ['q', 'k', 'v', 'out']) linear(`${at}.self_attn.${name}_proj`, 768, 768)
    linear(`${at}.mlp.fc1`, 768, 3072)
    linear(`${at}.mlp.fc2`, 3072, 768)
  }
  norm('vision_model.post_layernorm')
  put('visual_projection.weight', [512, 768])
  return entries
}
