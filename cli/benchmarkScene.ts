/** The scenes of a benchmark: trained once per capture, kept in its folder, gone on with where training was stopped. */
import { existsSync } from 'node:fs'
import {
  type AnchorCodes,
  type Capture,
  type Device,
  type PresetName,
  SceneManipulator,
  saveScene,
  type TextImageEncoder,
  train,
  writeAtomic,
} from 'faceclipnerf'
import { chooseAnchors } from './anchors.ts'
import { readAnchors, writeAnchors } from './anchorsFile.ts'
import { amount, type Reporter } from './progress.ts'
import { Interrupted } from './terminal.ts'
import { readScene } from './work.ts'

export interface SceneWish {
  readonly preset?: PresetName
  readonly trainSteps?: number
  /** Whether the networks have the Lipschitz layers of the preset. */
  readonly lipschitz: boolean
}

const CHECKPOINT_MS = 60_000

/** The scene of the file, trained to its end. Throws Interrupted, with a checkpoint written, when the signal aborts. */
export async function trainedScene(
  device: Device,
  capture: Capture,
  path: string,
  { preset, trainSteps, lipschitz }: SceneWish,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<SceneManipulator> {
  const scene = existsSync(path)
    ? await readScene(device, path)
    : new SceneManipulator(device, capture, {
        preset,
        seed: 0,
        config: c => ({
          ...c,
          ...(!lipschitz && { template: { ...c.template, lipschitz: 'none' as const }, slicing: { ...c.slicing, lipschitz: 'none' as const } }),
          training: trainSteps === undefined ? c.training : { ...c.training, steps: trainSteps },
        }),
      })
  const until = scene.config.training.steps
  if (scene.step >= until) return scene
  let saved = performance.now()
  for await (const report of train(scene, capture, { until, signal })) {
    reporter.step(`train ${capture.name}`, report, [`PSNR ${report.psnr.toFixed(2)} dB`, `${amount(report.raysPerSecond)} rays/s`])
    if (performance.now() - saved < CHECKPOINT_MS) continue
    await writeAtomic(path, await saveScene(scene, { training: true }))
    saved = performance.now()
  }
  await writeAtomic(path, await saveScene(scene, { training: true }))
  if (scene.step < until) throw new Interrupted(`saved ${path} at step ${scene.step} of ${until}; run the benchmark again to go on`)
  return scene
}

/** The anchors beside the scene, or found now and written there; the frame named is the neutral one. */
export async function sceneAnchors(
  scene: SceneManipulator,
  path: string,
  encoder: TextImageEncoder,
  choice: { readonly reference?: string | undefined; readonly anchors?: number | undefined },
  signal: AbortSignal,
): Promise<AnchorCodes> {
  const known = await readAnchors(path, scene)
  if (known) return known
  const anchors = await chooseAnchors(
    scene,
    encoder,
    { ...(choice.reference !== undefined && { reference: choice.reference }), ...(choice.anchors !== undefined && { anchors: choice.anchors }) },
    signal,
  )
  await writeAnchors(path, scene, anchors)
  return anchors
}
