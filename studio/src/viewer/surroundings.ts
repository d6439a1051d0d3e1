/** What happens around the page: it is hidden, another tab has the same open, the storage is full, it is closed while there is something to lose. */

import { watchOtherTabs } from './otherTabs.ts'
import type { Job, StudioState } from './state.ts'
import { onStorageTrouble } from './storage.ts'
import type { Studio } from './studio.ts'
import { underWay } from './underWay.ts'

/** Watches from now on, as long as the page lives. */
export function watchSurroundings(studio: Studio): void {
  onStorageTrouble(() =>
    studio.note(
      'This browser does not store anything for the studio (its storage is full or blocked): your agreement and your sentences last until the tab is closed. To keep them, free or allow storage for this site.',
    ),
  )
  const tabs = watchOtherTabs(name =>
    studio.note(
      `“${name}” is open in another tab as well. Each tab has edits of its own, and they share this computer’s power: save what you want to keep in one, and close it.`,
    ),
  )
  const awake = new Awake()
  const title = document.title
  let leftAt: number | undefined
  studio.subscribe(() => {
    const state = studio.state()
    const { job } = state
    tabs.opened(nameOf(state))
    awake.want(job?.training !== undefined && !job.training.paused)
    const next = progressOf(job) ?? title
    if (document.title !== next) document.title = next
  })
  document.addEventListener('visibilitychange', () => {
    const { training } = studio.state().job ?? {}
    const step = training?.progress?.step
    studio.trainer.seen(!document.hidden)
    if (document.hidden) leftAt = step
    else if (step !== undefined && leftAt !== undefined) studio.note(awayNote(step - leftAt, training?.paused ?? false))
  })
  // The browser asks in words of its own.
  addEventListener('beforeunload', event => {
    const state = studio.state()
    if (underWay(state.job) ?? studio.unsaved.describe(state)) event.preventDefault()
  })
}

/** The demo is nobody's work. */
const nameOf = ({ scene, capture, isDemo }: StudioState): string | undefined => (isDemo ? undefined : (scene ?? capture)?.name)

/** The tab's title, which is seen when the page is not. */
function progressOf(job: Job | undefined): string | undefined {
  const { progress, paused } = job?.training ?? {}
  if (!progress) return undefined
  return `${paused ? 'paused' : `${Math.floor((100 * progress.step) / progress.steps)} %`} · training · faceclipnerf studio`
}

export function awayNote(steps: number, paused: boolean): string | undefined {
  if (paused) return undefined
  if (steps > 0)
    return `While this tab was hidden the training went on for ${steps} steps, without pictures. A window of its own, in sight, is fastest.`
  return 'While this tab was hidden the browser held the training back. It goes on now; keep the tab in a window of its own, in sight.'
}

/** Keeps the screen, and with it the computer, from going to sleep; a browser that does not know how, or a hidden page, costs nothing. */
class Awake {
  private wanted = false
  private lock: WakeLockSentinel | undefined

  constructor() {
    // A hidden page loses its lock.
    document.addEventListener('visibilitychange', () => void this.update())
  }

  want(wanted: boolean): void {
    if (wanted === this.wanted) return
    this.wanted = wanted
    void this.update()
  }

  private async update(): Promise<void> {
    try {
      if (!this.wanted) await this.lock?.release()
      else if (!document.hidden) this.lock = await navigator.wakeLock?.request('screen')
    } catch {
      // Not allowed on battery, say: then the person's own settings count.
    }
  }
}
