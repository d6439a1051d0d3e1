/** What a reader left out or repaired, as a few sentences instead of one per frame. */
import { someOf } from './locate.ts'

export class SkipList {
  /** Sentences that stand by themselves. */
  readonly warnings: string[] = []
  private readonly skipped = new Map<string, string[]>()
  private readonly repairs: string[] = []

  /** @param why as in '3 pictures are listed but not there'. Returns an empty list, for flatMap. */
  add(why: string, name: string): [] {
    this.skipped.set(why, [...(this.skipped.get(why) ?? []), name])
    return []
  }

  repair(text: string): void {
    this.repairs.push(text)
  }

  /** The first thing that was left out, for an error when nothing is left. */
  first(): string {
    const [entry] = this.skipped
    return entry ? `${entry[1].length} ${entry[0]}, such as "${entry[1][0]}"` : 'the list is empty'
  }

  sentences(): string[] {
    const left = [...this.skipped].map(([why, names]) => `skipped ${names.length} that ${why}: ${someOf(names)}`)
    const [repair] = this.repairs
    const more = this.repairs.length > 1 ? ` (and ${this.repairs.length - 1} alike)` : ''
    return [...this.warnings, ...left, ...(repair === undefined ? [] : [`${repair}${more}`])]
  }
}
