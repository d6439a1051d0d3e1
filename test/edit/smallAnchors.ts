import type { AnchorCodes } from '../../src/edit/anchors.ts'
import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'

/** Anchors from given codes of a scene, as a selection would return them. */
export async function anchorsOf(scene: SceneManipulator, indices: readonly number[]): Promise<AnchorCodes> {
  const size = scene.config.codeSize
  const codes = new Float32Array(indices.length * size)
  for (const [k, index] of indices.entries()) codes.set(await scene.readCode(index), k * size)
  const frames = indices.map(index => `train${index}`)
  return { codes, indices, frames, report: { encoder: 'none', method: 'k-medoids', labels: [0, 1, 2, 2, 1], sizes: [1, 2, 2] } }
}
