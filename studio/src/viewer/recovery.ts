/** A device that is lost is opened again without asking, unless that happens over and over: then a person decides. */
import type { Core } from './core.ts'

/** Times in so many milliseconds that it is tried by itself. */
const [MOST, WITHIN] = [2, 60_000]

interface Ways {
  /** Opens the device anew; whether that worked. */
  restart(): Promise<boolean>
  /** Goes on with the training that was interrupted. */
  resume(): Promise<void>
}

export class Recovery {
  private tried: readonly number[] = []
  private underWay = false
  /** What was interrupted; kept while a person is asked. */
  private interrupted: { readonly training: boolean; readonly edit: boolean } = { training: false, edit: false }

  constructor(
    private readonly core: Core,
    private readonly ways: Ways,
    private readonly now: () => number = Date.now,
  ) {}

  /** The device was lost; the viewport and the work under way both say so. */
  lost(): void {
    if (this.underWay) return
    const { job } = this.core.state()
    if (job) this.interrupted = { training: job.training !== undefined, edit: job.edit !== undefined }
    this.tried = this.tried.filter(time => this.now() - time < WITHIN)
    if (this.tried.length >= MOST) {
      this.ask('The GPU was lost again and again, which drivers do when they are busy or out of memory.')
      return
    }
    this.tried = [...this.tried, this.now()]
    void this.recover()
  }

  /** Opens the device again and goes on with what can go on. */
  async recover(): Promise<void> {
    if (this.underWay) return
    this.underWay = true
    this.core.set({ problem: undefined, note: 'The GPU was lost. Opening it again …' })
    const opened = await this.ways.restart()
    this.underWay = false
    if (!opened) {
      this.ask(this.core.state().problem?.message ?? 'The GPU could not be opened again.')
      return
    }
    const { training, edit } = this.interrupted
    this.interrupted = { training: false, edit: false }
    const rest = training
      ? 'The training goes on from its last copy.'
      : edit
        ? 'The edit under way was lost: start it again. Everything else is as it was.'
        : 'Everything is as it was.'
    this.core.set({ note: `The GPU was lost and is open again. ${rest}` })
    if (training) await this.ways.resume()
  }

  private ask(why: string): void {
    this.core.set({
      note: undefined,
      problem: { message: `${why} Your scene and finished edits are safe in memory; close other programs and tabs that use the GPU.`, lost: true },
    })
  }
}
