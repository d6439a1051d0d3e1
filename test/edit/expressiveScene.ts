import type { SceneManipulator } from '../../src/nerf/sceneManipulator.ts'
import type { Device } from '../../src/tensor/device.ts'
import { smallScene } from '../nerf/smallScene.ts'
import { randomValues } from '../tensor/opCase.ts'

/** A scene with codes far apart that shows them: wide ambient coordinates, strong colours, and dense enough that rays end near. */
export async function expressiveScene(on: Device, preset: 'tiny' | 'paper' = 'tiny'): Promise<SceneManipulator> {
  const scene = smallScene(on, { preset })
  const { parameters, config } = scene
  const template = preset === 'paper' ? 'F/fine' : 'F'
  // The density of `paper` is right as it begins.
  const density = preset === 'paper' ? [] : ([['F/density/bias', [2, 2]]] as const)
  for (const [name, range] of [
    ...density,
    ['codes', [-2, 2]],
    ['H/logit/kernel', [-1, 1]],
    [`${template}/rgb/logit/kernel`, [-4, 4]],
    [`${template}/rgb/logit/lip_c`, [12, 12]],
  ] as const) {
    parameters.flat.write(randomValues(parameters.get(name).length, 1, range), parameters.offset(name))
  }
  scene.setStep(config.training.steps)
  await scene.setReference(0)
  return scene
}
