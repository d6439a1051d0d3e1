/** How well a scene in training shows views that it does not learn from: a few of them, small, so that it costs little. */
import { type Capture, evaluateScene, type SceneManipulator } from 'faceclipnerf'
import { smaller } from './smallPicture.ts'

/** Views, and px along their longer edge: well under a second each time. */
const LOOK = { gpu: { views: 4, side: 128 }, cpu: { views: 2, side: 32 } }

/** Makes the measure: dB over the person's pixels where there are masks, else over the pictures. Undefined where nothing is held out. */
export function heldOutMeasure(scene: SceneManipulator, capture: Capture): (() => Promise<number>) | undefined {
  const { views, side } = LOOK[scene.device.kind]
  const all = capture.frames.filter(frame => frame.split === 'val')
  if (all.length === 0) return undefined
  const count = Math.min(views, all.length)
  const chosen = Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)])
  const few: Capture = { ...capture, frames: chosen.map(frame => smaller(frame, side)) }
  return async () => {
    const { psnr, psnrPerson } = await evaluateScene(scene, few)
    return psnrPerson ?? psnr
  }
}
