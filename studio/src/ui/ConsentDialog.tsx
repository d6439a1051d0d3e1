import { keepConsent, NOTICE } from './consent.ts'
import { Dialog } from './Dialog.tsx'

/** Asked once, before the first face that is not the demo's. */
export function ConsentDialog({ open, onAnswer }: { open: boolean; onAnswer(agreed: boolean): void }) {
  return (
    <Dialog open={open} title="Faces are people" onClose={() => open && onAnswer(false)}>
      <p>This opens a reconstruction of a face. It is biometric data, and what is made of it can look like the person.</p>
      <ul>
        {NOTICE.map(line => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <div className="dialog-actions">
        <button type="button" onClick={() => onAnswer(false)}>
          Do not open
        </button>
        <button
          type="button"
          className="primary"
          onClick={() => {
            keepConsent()
            onAnswer(true)
          }}
        >
          I agree
        </button>
      </div>
    </Dialog>
  )
}
