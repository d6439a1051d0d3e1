import type { ViewMode } from '../protocol/messages.ts'
import { mixesAnchors } from '../viewer/looks.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'

const MODES: readonly { readonly mode: ViewMode; readonly label: string; readonly key: string }[] = [
  { mode: 'color', label: 'Colour', key: '1' },
  { mode: 'depth', label: 'Depth', key: '2' },
  { mode: 'acr', label: 'Anchors', key: '3' },
]

/** What of the face is shown. Anchors, where an edit takes each expression from, needs an edit that mixes some. */
export function ModeSwitch({ studio, state }: { studio: Studio; state: StudioState }) {
  const { mode } = state
  const mixes = mixesAnchors(state)
  return (
    <fieldset className="switch">
      <legend className="sr-only">What to show</legend>
      {MODES.map(({ mode: each, label, key }) => (
        <label key={each} title={each === 'acr' && !mixes ? 'Choose an edit first (3)' : `${label} (${key})`}>
          <input
            type="radio"
            name="mode"
            checked={mode === each}
            disabled={each === 'acr' && !mixes && mode !== 'acr'}
            onChange={() => studio.setMode(each)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  )
}
