import type { Studio, StudioState } from '../viewer/studio.ts'
import { IconButton } from './IconButton.tsx'
import { CloseIcon } from './icons.tsx'

/** Something to know, until it is put away. */
export function Note({ studio, state: { note, problem } }: { studio: Studio; state: StudioState }) {
  return (
    <div className="problem-place" role="status" hidden={problem !== undefined}>
      {note !== undefined && (
        <div className="problem note">
          <p>{note}</p>
          <IconButton label="Close the note" onClick={() => studio.note(undefined)} title="Close">
            <CloseIcon />
          </IconButton>
        </div>
      )}
    </div>
  )
}
