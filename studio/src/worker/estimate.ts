/** What a training step costs on this device, from a few real ones of a scene that is thrown away. */
import { type Capture, type Device, SceneManipulator, train } from 'faceclipnerf'
import type { TrainRequest } from '../protocol/messages.ts'
import { REPORT_EVERY } from './training.ts'
import { LIVE_BUDGETS } from './viewport.ts'

/** Milliseconds of measuring, the first report's, which compiles, included; one more report is made at least. The median leaves out what is slow at first. */
const ENOUGH = 1300
const MOST_REPORTS = 240
/** Steps between looks at the clock: each waits for the device. */
const STEPS = { cpu: 1, gpu: 8 }

/** Seconds of a step, with its share of a picture that is drawn meanwhile. Throws when aborted. */
export async function secondsPerStep(device: Device, capture: Capture, preset: TrainRequest['preset'], signal: AbortSignal): Promise<number> {
  const scene = new SceneManipulator(device, capture, { preset })
  const reportEvery = STEPS[device.kind]
  const times: number[] = []
  try {
    let reports = 0
    const began = performance.now()
    let last = began
    for await (const _ of train(scene, capture, { until: reportEvery * MOST_REPORTS, reportEvery, signal })) {
      const now = performance.now()
      if (++reports > 1) times.push((now - last) / 1000 / reportEvery)
      if (reports > 1 && now - began > ENOUGH) break
      last = now
    }
    signal.throwIfAborted()
    const pictures = LIVE_BUDGETS[device.kind] / 1000 / REPORT_EVERY[device.kind]
    return times.sort((a, b) => a - b)[times.length >> 1] + pictures
  } finally {
    scene.release()
  }
}
