import type { Studio, StudioState } from '../viewer/studio.ts'
import { IconButton } from './IconButton.tsx'
import { CloseIcon } from './icons.tsx'

/** What went wrong and what to do, until it is put away. */
export function Problem({ studio, state: { problem } }: { studio: Studio; state: StudioState }) {
  return (
    <div className="problem-place" role="alert">
      {problem && (
        <div className="problem">
          <p>{problem.message}</p>
          {problem.lost && (
            <button type="button" className="primary" onClick={() => void studio.recovery.recover()}>
              Open it again
            </button>
          )}
          <IconButton label="Close the message" onClick={() => studio.dismiss()} title="Close">
            <CloseIcon />
          </IconButton>
        </div>
      )}
    </div>
  )
}
