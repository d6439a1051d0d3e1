import { useEffect, useRef } from 'react'
import type { Thumbnail } from '../protocol/messages.ts'
import { canvasOf } from '../viewer/thumbnail.ts'
import type { Trainer } from '../viewer/trainer.ts'

/** Pictures asked for at once: few enough that those in sight come soon. */
const BATCH = 24

/** Fills elements with the thumbnails of frames once they come near the window, each asked for once. @returns the ref of a frame's element */
export function useThumbnails(trainer: Trainer): (id: string) => (element: HTMLElement | null) => (() => void) | undefined {
  const loader = useRef<Loader>(undefined)
  loader.current ??= new Loader(trainer)
  const { current } = loader
  useEffect(() => () => current.close(), [current])
  return id => element => (element ? current.watch(id, element) : undefined)
}

class Loader {
  private readonly known = new Map<string, Thumbnail>()
  private readonly ids = new WeakMap<Element, string>()
  private wanted = new Map<string, HTMLElement>()
  private loading = false
  private observer: IntersectionObserver | undefined

  constructor(private readonly trainer: Trainer) {}

  watch(id: string, element: HTMLElement): () => void {
    const known = this.known.get(id)
    if (known) {
      if (!element.firstChild) element.replaceChildren(canvasOf(known))
      return () => undefined
    }
    this.observer ??= new IntersectionObserver(entries => this.cameNear(entries), { rootMargin: '300px' })
    this.ids.set(element, id)
    this.observer.observe(element)
    return () => this.observer?.unobserve(element)
  }

  close(): void {
    this.observer?.disconnect()
    this.observer = undefined
  }

  private cameNear(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const id = this.ids.get(target)
      if (id === undefined || this.known.has(id)) continue
      if (isIntersecting) this.wanted.set(id, target as HTMLElement)
      else this.wanted.delete(id)
    }
    void this.load()
  }

  private async load(): Promise<void> {
    if (this.loading) return
    this.loading = true
    while (this.wanted.size > 0) {
      const batch = [...this.wanted].slice(0, BATCH)
      for (const [id] of batch) this.wanted.delete(id)
      const found = await this.trainer.thumbnails(batch.map(([id]) => id))
      for (const [i, picture] of found.entries()) {
        const [id, element] = batch[i]
        this.known.set(id, picture)
        this.observer?.unobserve(element)
        element.replaceChildren(canvasOf(picture))
      }
    }
    this.loading = false
  }
}
