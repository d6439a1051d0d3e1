/** A capture becoming a scene, step by step: with breaks, a copy kept now and then, and a look at views that it does not learn from. */
import { type Capture, train } from 'faceclipnerf'
import type { TrainProgress, TrainRequest } from '../protocol/messages.ts'
import { Breaks } from './breaks.ts'
import { heldOutMeasure } from './heldOut.ts'
import { Pace } from './pace.ts'
import type { Session } from './session.ts'

/** Milliseconds between copies, which a lost device leaves behind. */
const CHECKPOINT_EVERY = 15_000
/** Steps between reports: pictures come with them. */
export const REPORT_EVERY = { cpu: 5, gpu: 20 }

export class Training {
  readonly breaks = new Breaks()
  private readonly ended = new AbortController()

  /** @param capture what it learns from, frames that were left out gone */
  constructor(
    readonly capture: Capture,
    readonly request: TrainRequest,
  ) {}

  /** It ends after its step. */
  finish(): void {
    this.ended.abort()
  }

  /** Trains the session's scene from where it stands to the last step, or until the signal; then its file is the scene as it is. */
  async *steps(session: Session, cancelled: AbortSignal): AsyncGenerator<TrainProgress> {
    const { scene, device } = session
    const { steps } = this.request
    const signal = AbortSignal.any([cancelled, this.ended.signal])
    const measure = heldOutMeasure(scene, this.capture)
    const pace = new Pace(scene.step)
    const copy: { kept?: number; heldOut?: number } = {}
    let last = performance.now()
    try {
      for await (const { step, loss, psnr } of train(scene, this.capture, { until: steps, reportEvery: REPORT_EVERY[device.kind], signal })) {
        const seconds = pace.reached(step)
        const now = performance.now()
        if (now - last > CHECKPOINT_EVERY) {
          await session.checkpoint({ training: true })
          copy.kept = step
          copy.heldOut = await measure?.()
          last = performance.now()
          pace.rested(last - now)
        }
        yield {
          step,
          steps,
          loss,
          psnr,
          secondsPerStep: seconds,
          raysPerSecond: scene.config.training.rays / seconds,
          eta: seconds * (steps - step),
          memory: device.memory.used,
          ...copy,
        }
        pace.rested(await this.breaks.take(signal))
      }
      await session.checkpoint()
    } finally {
      await this.breaks.drain()
    }
  }
}
