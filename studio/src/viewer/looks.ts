/** Ways to look at several pictures at once, of which one is on at a time: before and after, side by side, the recorded picture. */
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
