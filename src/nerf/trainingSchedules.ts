/** What changes over a training run, as functions of the step: the coarse-to-fine windows and the common factor of the learning rates. */
import { exponentialSchedule, linearSchedule, piecewiseSchedule, type Schedule } from '../nn/schedules.ts'
import type { SceneConfig } from './sceneConfig.ts'

export function trainingSchedules({ training, template }: SceneConfig): { warp: Schedule; ambient: Schedule; rate: Schedule; jitter: Schedule } {
  const { steps, warpAlpha, ambientAlpha, finalRate, warmUp, jitterUntil } = training
  const fall = exponentialSchedule(1, finalRate, steps)
  const wait = Math.round(ambientAlpha[0] * steps)
  return {
    /** Bands of T's encoding that are open. */
    warp: linearSchedule(warpAlpha[0], warpAlpha[1], Math.round(warpAlpha[2] * steps)),
    /** Bands of the ambient encoding that are open. */
    ambient: piecewiseSchedule([
      { steps: wait, schedule: () => 0 },
      { steps: 0, schedule: linearSchedule(0, template.ambientBands, Math.round(ambientAlpha[1] * steps) - wait) },
    ]),
    /** How far samples may lie from the middle of their stretch of the ray, beside its half. */
    jitter: step => (step < jitterUntil * steps ? 1 : 0),
    /** Factor of all learning rates. */
    rate: step => fall(step) * Math.min((step + 1) / warmUp, 1),
  }
}
