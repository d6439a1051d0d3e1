import { Dialog } from './Dialog.tsx'

interface ReplaceDialogProps {
  open: boolean
  /** What is not saved. */
  why: string | undefined
  onAnswer(replace: boolean): void
}

/** Asked before something else is opened in place of work that is not saved. */
export function ReplaceDialog({ open, why, onAnswer }: ReplaceDialogProps) {
  return (
    <Dialog open={open} title="Open in place of this?" onClose={() => open && onAnswer(false)}>
      <p>{why} Opening something else loses that. To keep it, go back and take it out with Save.</p>
      <div className="dialog-actions">
        <button type="button" onClick={() => onAnswer(true)}>
          Open anyway
        </button>
        <button type="button" className="primary" onClick={() => onAnswer(false)}>
          Go back
        </button>
      </div>
    </Dialog>
  )
}
