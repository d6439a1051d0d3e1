import type { Studio, StudioState } from '../viewer/studio.ts'
import { CloseIcon } from './icons.tsx'

/** Something to know, until it is put away. */
export function Note({ studio, state: { note, problem } }: { studio: Studio; state: StudioState }) {
  return (
    <div className="problem-place" role="status" hidden={problem !== undefined}>
      {note !== undefined && (
        <div className="problem note">
          <p>{note}</p>
          <button type="button" className="icon" onClick={() => studio.note(undefined)} title="Close">
            <CloseIcon />
            <span className="sr-only">Close the note</span>
          </button>
        </div>
      )}
    </div>
  )
}
