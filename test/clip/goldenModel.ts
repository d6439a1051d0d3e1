/** The small CLIP and SigLIP models of test/golden, their towers fed with numbers as the fixtures have them. */
import { readFileSync } from 'node:fs'
import { parseClipConfig } from '../../src/clip/clipConfig.ts'
import { ClipWeights } from '../../src/clip/clipWeights.ts'
import type { Preprocessing } from '../../src/clip/preprocessing.ts'
import { loadTextTransformer } from '../../src/clip/textTransformer.ts'
import { loadVisionTransformer } from '../../src/clip/visionTransformer.ts'
import { parseSafetensors } from '../../src/io/safetensors.ts'
import { weightsInMemory } from '../../src/io/weightFiles.ts'
import type { Device } from '../../src/tensor/device.ts'

/** Both towers of test/golden/NAME; without `normalisation` the image tower takes normalised pixels. */
export async function goldenModel(device: Device, name: string, normalisation?: Pick<Preprocessing, 'mean' | 'std'>) {
  const read = (file: string): Uint8Array => readFileSync(new URL(`../golden/${name}/${file}`, import.meta.url))
  const config = parseClipConfig(new TextDecoder().decode(read('config.json')), `${name}/config.json`)
  const file = `${name}/model.safetensors`
  const weights = new ClipWeights(device, weightsInMemory(parseSafetensors(read('model.safetensors'), file), file))
  return { config, vision: await loadVisionTransformer(weights, config, normalisation), text: await loadTextTransformer(weights, config) }
}
