/** Ways to look at several pictures at once, of which one is on at a time: before and after, side by side, the recorded picture. */
import { entryIn } from './document.ts'
import type { StudioState } from './state.ts'

export interface LookChange {
  readonly compare?: Partial<StudioState['compare']>
  readonly grid?: Partial<StudioState['grid']>
  readonly truth?: Partial<StudioState['truth']>
}

/** The state's looks after a change; what is turned on turns the others off. */
export function withLook({ compare, grid, truth }: StudioState, change: LookChange): Pick<StudioState, 'compare' | 'grid' | 'truth'> {
  const others = (own: keyof LookChange): { readonly on?: false } => {
    const turned = (Object.keys(change) as (keyof LookChange)[]).some(look => look !== own && change[look]?.on)
    return turned ? { on: false } : {}
  }
  return {
    compare: { ...compare, ...others('compare'), ...change.compare },
    grid: { ...grid, ...others('grid'), ...change.grid },
    truth: { ...truth, ...others('truth'), ...change.truth },
  }
}

/** Whether there is a face beside the unedited one; one that is forming counts. */
export const hasEdits = ({ document, job }: Pick<StudioState, 'document' | 'job'>): boolean =>
  document.edits.length > 0 || job?.edit?.progress !== undefined

/** Whether what is shown mixes expressions, so that there is something to see of their shares. */
export const mixesAnchors = ({ document, job }: Pick<StudioState, 'document' | 'job'>): boolean =>
  job?.edit?.progress !== undefined || (entryIn(document, document.shown)?.shares.length ?? 0) > 0
