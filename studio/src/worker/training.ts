/** A capture becoming a scene, step by step, with a copy kept now and then. */
import { type Capture, train } from 'faceclipnerf'
import type { CaptureInfo, TrainProgress, TrainRequest } from '../protocol/messages.ts'
import type { Session } from './session.ts'

/** Milliseconds between copies, which a lost device leaves behind. */
const CHECKPOINT_EVERY = 15_000
/** Steps between reports: pictures come with them. */
const REPORT_EVERY = { cpu: 5, gpu: 20 }

export function captureInfo({ name, frames }: Capture): CaptureInfo {
  const { imageSize } = frames[0].camera
  return { name, frames: frames.length, heldOut: frames.filter(({ split }) => split === 'val').length, size: imageSize }
}

/** Trains the session's scene to the last step, or until the signal; then its file is the scene as it is. */
export async function* learn(session: Session, capture: Capture, { steps }: TrainRequest, signal: AbortSignal): AsyncGenerator<TrainProgress> {
  const { scene, device } = session
  let kept = performance.now()
  for await (const progress of train(scene, capture, { until: steps, reportEvery: REPORT_EVERY[device.kind], signal })) {
    yield { ...progress, memory: device.memory.used }
    if (performance.now() - kept < CHECKPOINT_EVERY) continue
    await session.checkpoint()
    kept = performance.now()
  }
  await session.checkpoint()
}
