import { FILM_KEYS } from '../viewer/filmKeys.ts'
import { SHORTCUTS } from '../viewer/shortcuts.ts'
import { Dialog } from './Dialog.tsx'

const GROUPS = ['Camera', 'View', 'Edit'] as const
const MOUSE = [
  ['drag', 'turn about the face'],
  ['Shift drag, right drag, two fingers', 'move the face in the picture'],
  ['wheel, pinch', 'nearer, farther'],
  ['brush: drag, Alt drag, [ ] or Alt wheel', 'mark, unmark, size'],
] as const

export function HelpDialog({ open, onClose }: { open: boolean; onClose(): void }) {
  return (
    <Dialog open={open} title="Keys and gestures" onClose={onClose}>
      <div className="keys">
        <Keys title="Mouse and touch" rows={MOUSE} />
        {GROUPS.map(group => (
          <Keys
            key={group}
            title={group}
            rows={SHORTCUTS.flatMap(({ label }) => (label?.group === group ? [[label.keys, label.text] as const] : []))}
          />
        ))}
        <Keys title="Film, while it is open" rows={FILM_KEYS.map(({ label, text }) => [label, text] as const)} />
      </div>
      <div className="dialog-actions">
        <button type="button" className="primary" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  )
}

function Keys({ title, rows }: { title: string; rows: readonly (readonly [string, string])[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {rows.map(([keys, text]) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
