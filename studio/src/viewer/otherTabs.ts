/** Tells when the same scene or capture is open in two tabs: each has edits of its own, and both share one GPU. */

/** What tabs say to each other: that something was opened, and that one has it too. */
interface Word {
  readonly said: 'opened' | 'me too'
  readonly name: string
}

export interface OtherTabs {
  /** This tab has opened something, or nothing any more. */
  opened(name: string | undefined): void
  close(): void
}

/** @param found called with the name of what another tab has open too */
export function watchOtherTabs(found: (name: string) => void): OtherTabs {
  let mine: string | undefined
  if (typeof BroadcastChannel === 'undefined') return { opened: () => undefined, close: () => undefined }
  const channel = new BroadcastChannel('faceclipnerf.studio')
  const say = (word: Word): void => channel.postMessage(word)
  channel.onmessage = ({ data }: MessageEvent<Word>) => {
    if (data.name !== mine) return
    if (data.said === 'opened') say({ said: 'me too', name: mine })
    found(mine)
  }
  return {
    opened(name) {
      if (name === mine) return
      mine = name
      if (name !== undefined) say({ said: 'opened', name })
    },
    close: () => channel.close(),
  }
}
