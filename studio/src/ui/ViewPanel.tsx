import { useSyncExternalStore } from 'react'
import { ANCHOR_COLORS } from '../protocol/anchorColors.ts'
import { entryIn } from '../viewer/document.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { standsAt } from '../viewer/truth.ts'
import { shortSentence } from './Sentence.tsx'
import { DeviceNote } from './StartPage.tsx'
import { TruthTools } from './TruthTools.tsx'

/** What the view is compared with, whose camera it is, and what computes. */
export function ViewPanel({ studio, state }: { studio: Studio; state: StudioState }) {
  const { scene, document, compare, mode, anchor, frame } = state
  const shown = entryIn(document, document.shown)
  const stands = useStanding(studio, scene, frame)
  if (!scene) return null
  return (
    <section className="panel" aria-labelledby="view-title">
      <h2 id="view-title">View</h2>
      {document.edits.length > 0 && (
        <div className="field">
          <label htmlFor="compare-with">Compare with</label>
          <select
            id="compare-with"
            value={compare.on ? (compare.withEdit ?? 'unedited') : 'nothing'}
            onChange={({ currentTarget: { value } }) =>
              studio.look({ compare: value === 'nothing' ? { on: false } : { on: true, withEdit: value === 'unedited' ? undefined : Number(value) } })
            }
          >
            <option value="nothing">nothing</option>
            <option value="unedited">the unedited face</option>
            {document.edits.map(({ id, prompt }) => (
              <option key={id} value={id} disabled={id === shown?.id}>
                {shortSentence(prompt)}
              </option>
            ))}
          </select>
        </div>
      )}
      {mode === 'acr' && shown && (
        <fieldset className="legend">
          <legend>Where each expression comes in</legend>
          {shown.shares.map((id, k) => (
            <label key={id}>
              <input type="radio" name="anchor" checked={anchor === k} onChange={() => studio.setAnchor(k)} />
              <span className="swatch" style={{ background: `rgb(${ANCHOR_COLORS[k % ANCHOR_COLORS.length].join(' ')})` }} />
              {shareName(shown.shares, shown.anchors.length > 0, k)}
            </label>
          ))}
          <label>
            <input type="radio" name="anchor" checked={anchor === undefined} onChange={() => studio.setAnchor(undefined)} />
            all
          </label>
        </fieldset>
      )}
      <div className="field">
        <label htmlFor="camera">Camera</label>
        <select
          id="camera"
          value={stands && frame ? frame : ''}
          onChange={({ currentTarget: { value } }) => (value ? studio.jump(value) : studio.reset())}
        >
          <option value="">free</option>
          {scene.frames.map(({ id, split }) => (
            <option key={id} value={id}>
              {id}
              {split === 'val' ? ' (held out)' : ''}
            </option>
          ))}
        </select>
      </div>
      <TruthTools studio={studio} state={state} />
      <DeviceNote state={state} />
    </section>
  )
}

/** Whether the camera is at a frame, or on its way there; turned away from it it is free. */
function useStanding({ mover }: Studio, scene: StudioState['scene'], frame: string | undefined): boolean {
  const at = scene?.frames.find(({ id }) => id === frame)
  return useSyncExternalStore(mover.follow, () => at !== undefined && standsAt(mover.goal, at))
}

/** The first share is neutral, but where an edit builds on another: then that one's, and neutral second. */
function shareName(shares: readonly string[], isFirst: boolean, k: number): string {
  const number = isFirst ? k : k - 1
  if (number < 0) return shares[k]
  return number === 0 ? 'neutral' : `expression ${number}`
}
