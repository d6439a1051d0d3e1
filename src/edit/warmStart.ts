/** Where a new edit may start without a search: from the earlier edit whose sentence means most nearly the same. */
import { textDirection } from '../clip/prompts.ts'
import type { TextImageEncoder } from '../clip/textImageEncoder.ts'
import { changeSimilarity } from '../metrics/similarity.ts'
import { readLeaf } from '../tensor/device.ts'

/** The earlier sentence that means most nearly the same. */
export interface NearestPrompt {
  /** Index among the prompts given. */
  readonly index: number
  /** Cosine between what the two sentences change about "face": 1 for the same, about 0 for unrelated ones, 0 for "face" itself. */
  readonly similarity: number
}

/** The prompt nearest to another one in an encoder's space. Throws for no prompts and for an empty one. */
export async function nearestPrompt(encoder: TextImageEncoder, prompt: string, prompts: readonly string[]): Promise<NearestPrompt> {
  if (prompts.length === 0) throw new Error('nearestPrompt: no earlier prompts to compare with; give at least one')
  const wanted = await directionOf(encoder, prompt)
  let nearest: NearestPrompt = { index: 0, similarity: Number.NEGATIVE_INFINITY }
  for (const [index, other] of prompts.entries()) {
    const similarity = changeSimilarity(wanted, await directionOf(encoder, other))
    if (similarity > nearest.similarity) nearest = { index, similarity }
  }
  return nearest
}

async function directionOf(encoder: TextImageEncoder, prompt: string): Promise<Float32Array> {
  return await readLeaf(encoder.device, await textDirection(encoder, prompt))
}
