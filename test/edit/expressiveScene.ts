import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import type { Device } from '../../src/tensor/device.ts'
import { smallScene } from '../nerf/smallScene.ts'
import { randomValues } from '../tensor/opCase.ts'

/** A scene with codes far apart that shows them: wide ambient coordinates, strong colours, and dense enough that rays end near. */
export async function expressiveScene(on: Device): Promise<SceneManipulator> {
  const scene = smallScene(on)
  const { parameters, config } = scene
  for (const [name, range] of [
    ['codes', [-2, 2]],
    ['H/logit/kernel', [-1, 1]],
    ['F/density/bias', [2, 2]],
    ['F/rgb/logit/kernel', [-4, 4]],
    ['F/rgb/logit/lip_c', [12, 12]],
  ] as const) {
    parameters.flat.write(randomValues(parameters.get(name).length, 1, range), parameters.offset(name))
  }
  scene.setStep(config.training.steps)
  await scene.setReference(0)
  return scene
}
