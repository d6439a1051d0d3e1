/** What would be lost with the tab: edits that were made here and a scene that was trained here, until they are saved. The demo is nobody's work. */
import type { StudioState } from './state.ts'

export class Unsaved {
  private trainedHere = false
  private readonly edits = new Set<number>()

  /** Something else is open. */
  begin(): void {
    this.trainedHere = false
    this.edits.clear()
  }

  trained(): void {
    this.trainedHere = true
  }

  made(edit: number): void {
    this.edits.add(edit)
  }

  savedScene(): void {
    this.trainedHere = false
  }

  savedEdit(edit: number): void {
    this.edits.delete(edit)
  }

  /** What a person is told before it is lost; undefined where there is nothing to lose. */
  describe({ scene, isDemo, document }: Pick<StudioState, 'scene' | 'isDemo' | 'document'>): string | undefined {
    if (!scene || isDemo) return undefined
    const count = document.edits.filter(({ id }) => this.edits.has(id)).length
    const edits = count === 1 ? 'an edit that was made here' : count > 1 ? `${count} edits that were made here` : undefined
    const parts = [this.trainedHere ? `“${scene.name}”, which was trained here` : undefined, edits].filter(part => part !== undefined)
    return parts.length > 0 ? `Not saved yet: ${parts.join(', and ')}.` : undefined
  }
}
