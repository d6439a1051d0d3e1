/** Everything a person does with a capture: looks at its pictures, leaves some out, trains, pauses, keeps what was learnt so far. */
import type { CaptureInfo, FrameChoice, NamedBytes, SceneInfo, Thumbnail, TrainProgress, TrainRequest } from '../protocol/messages.ts'
import type { Client, Pending } from './client.ts'
import type { Core } from './core.ts'
import { underWay } from './underWay.ts'

export type TrainPreset = TrainRequest['preset']

export class Trainer {
  private measuring: number | undefined
  private psnrs: readonly number[] = []

  constructor(private readonly core: Core) {}

  /** A capture was opened: all of it is to be learnt, and what a step takes here is measured. */
  async opened(capture: CaptureInfo): Promise<void> {
    this.core.set({ capture, leftOut: new Set(), stepSeconds: {}, scene: undefined, news: `${capture.name} can be trained` })
    const { device } = this.core.state()
    for (const preset of device?.kind === 'gpu' ? (['fast', 'tiny'] as const) : (['tiny', 'fast'] as const)) {
      if (this.core.state().capture !== capture || !(await this.measure(preset))) return
    }
  }

  /** Nothing is measured any more: something else is to be done. */
  stopMeasuring(): void {
    if (this.measuring !== undefined) this.core.client()?.cancel(this.measuring)
  }

  /** Whether something else can be opened: not while long work is under way, which the state then says. */
  makesWay(): boolean {
    this.stopMeasuring()
    const busy = underWay(this.core.state().job)
    if (busy) this.core.set({ problem: { message: `${busy}, then open the file.`, lost: false, waits: true } })
    return !busy
  }

  /** Back to the start. */
  close(): void {
    this.stopMeasuring()
    this.core.set({ capture: undefined })
  }

  /** Leaves frames out of the training, or takes them back in. */
  leaveOut(frames: Iterable<FrameChoice>, out: boolean): void {
    const leftOut = new Set(this.core.state().leftOut)
    for (const { id } of frames) {
      if (out) leftOut.add(id)
      else leftOut.delete(id)
    }
    this.core.set({ leftOut })
  }

  /** Small pictures of frames; none when the capture is closed meanwhile. */
  async thumbnails(ids: readonly string[]): Promise<readonly Thumbnail[]> {
    const asked = this.core.client()?.request('thumbnails', { ids }).answer
    return (await asked?.catch(() => undefined)) ?? []
  }

  report(): Promise<NamedBytes | undefined> {
    return this.core.run('writing the report', client => client.request('captureReport', {}))
  }

  /** Trains the capture that was opened; the picture sharpens as it learns. */
  async train(request: Omit<TrainRequest, 'leftOut'>): Promise<void> {
    this.stopMeasuring()
    const leftOut = [...this.core.state().leftOut]
    this.psnrs = []
    await this.learn(client => client.request('train', { ...request, leftOut }))
  }

  /** Goes on with the training that the device was lost in. */
  async resume(): Promise<void> {
    await this.learn(client => client.request('resume', {}))
  }

  /** Ends training after its step; what was learnt stays. */
  finish(): void {
    this.core.client()?.post({ kind: 'finish' })
  }

  pause(paused: boolean): void {
    const { job } = this.core.state()
    if (!job?.training) return
    this.core.client()?.post({ kind: 'pause', paused })
    this.core.set({ job: { ...job, training: { ...job.training, paused } }, news: paused ? 'training is paused' : 'training goes on' })
  }

  /** Whether the page can be seen: for a hidden one training draws nothing. */
  seen(seen: boolean): void {
    this.core.client()?.post({ kind: 'seen', seen })
  }

  /** What was learnt so far, as a scene file from which training can go on; training goes on too. */
  async soFar(): Promise<NamedBytes | undefined> {
    try {
      return await this.core.client()?.request('saveScene', {}).answer
    } catch (error) {
      this.core.trouble(error)
      return undefined
    }
  }

  /** A report of the training under way. */
  progressed(progress: TrainProgress): void {
    const { job } = this.core.state()
    if (!job?.training) return
    this.psnrs = [...this.psnrs, progress.psnr]
    this.core.set({ job: { ...job, training: { ...job.training, progress, psnrs: this.psnrs } } })
  }

  private async learn(ask: (client: Client) => Pending<SceneInfo>): Promise<void> {
    const scene = await this.core.run('training', ask, job => ({ ...job, training: { psnrs: this.psnrs, paused: false } }))
    if (!scene) return
    this.core.set({ scene, news: `trained for ${scene.step} steps` })
    this.core.sendView()
  }

  /** Measures what a step of a preset takes; whether that was found out. */
  private async measure(preset: TrainPreset): Promise<boolean> {
    const asked = this.core.client()?.request('estimate', { preset })
    if (!asked) return false
    this.measuring = asked.id
    this.core.set({ measuring: preset })
    // Without a figure the page says nothing of time; what went wrong shows when it is trained.
    const seconds = await asked.answer.catch(() => undefined)
    this.measuring = undefined
    this.core.set({ measuring: undefined })
    if (seconds !== undefined) this.core.set({ stepSeconds: { ...this.core.state().stepSeconds, [preset]: seconds } })
    return seconds !== undefined
  }
}
