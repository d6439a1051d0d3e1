import { type ReactNode, useEffect, useRef } from 'react'

interface DialogProps {
  open: boolean
  title: string
  onClose(): void
  children: ReactNode
}

/** A modal of the browser's own: it keeps the focus, and Escape closes it. */
export function Dialog({ open, title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal()
    else if (!open) dialog.current?.close()
  }, [open])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape, which every dialog has, is the key for a click beside it
    <dialog ref={dialog} aria-label={title} onClose={onClose} onClick={event => event.target === event.currentTarget && onClose()}>
      {open && (
        <div className="dialog-body" tabIndex={-1} ref={body => body?.focus({ preventScroll: true })}>
          <h2>{title}</h2>
          {children}
        </div>
      )}
    </dialog>
  )
}
