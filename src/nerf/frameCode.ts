/** The code field of a recorded instant: what one frame's face looks like. */
import { tensor } from '../tensor/device.ts'
import { type CodeField, constantCode } from './codeField.ts'
import type { SceneFrame, SceneManipulator } from './sceneManipulator.ts'

/** A frame of the scene by its id. Throws with ids there are. */
export function findFrame(scene: SceneManipulator, id: string): SceneFrame {
  const { frames, name } = scene.description
  const found = frames.find(frame => frame.id === id)
  if (found) return found
  const shown = frames.slice(0, 8).map(frame => frame.id)
  throw new Error(
    `scene ${name}: no frame "${id}"; there are ${shown.join(', ')}${frames.length > shown.length ? ` … ${frames[frames.length - 1].id}` : ''}`,
  )
}

/** The latent code of a frame, everywhere. Throws for an id the scene does not have. */
export async function frameCode(scene: SceneManipulator, id: string): Promise<CodeField> {
  const code = await scene.readCode(findFrame(scene, id).code)
  return constantCode(tensor(scene.device, code, [scene.config.codeSize]))
}

/** A mix of frames' codes, everywhere: w_R + Σ weight · (code − w_R). Throws for an id the scene does not have and a weight that is not finite. */
export async function weightedCodes(scene: SceneManipulator, weights: Readonly<Record<string, number>>): Promise<CodeField> {
  const reference = await scene.readCode(scene.referenceCode)
  const mixed = reference.slice()
  for (const [id, weight] of Object.entries(weights)) {
    if (!Number.isFinite(weight)) throw new Error(`weightedCodes: the weight of frame ${id} is ${weight}; give a finite number, usually 0..1`)
    const code = await scene.readCode(findFrame(scene, id).code)
    for (const [i, value] of code.entries()) mixed[i] += weight * (value - reference[i])
  }
  return constantCode(tensor(scene.device, mixed, [scene.config.codeSize]))
}
