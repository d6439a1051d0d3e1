import type { Studio, StudioState } from '../viewer/studio.ts'
import { EXPORTS, save } from './exports.ts'

/** Everything that can be taken out. */
export function SavePanel({ studio, state }: { studio: Studio; state: StudioState }) {
  return (
    <section className="panel" aria-labelledby="save-title">
      <h2 id="save-title">Save</h2>
      <ul className="saves">
        {EXPORTS.map(row => {
          const missing = row.missing(state)
          return (
            <li key={row.id}>
              <button type="button" disabled={missing !== undefined || state.job !== undefined} onClick={() => void save(studio, row)}>
                {row.label}
              </button>
              <span className="save-hint">{missing ?? row.hint}</span>
            </li>
          )
        })}
      </ul>
      <p className="fine">Edited pictures are synthetic: say so where you show them.</p>
    </section>
  )
}
