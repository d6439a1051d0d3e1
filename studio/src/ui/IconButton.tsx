import type { ButtonHTMLAttributes, ReactNode } from 'react'

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'type' | 'className'> {
  /** What a screen reader says. */
  readonly label: string
  /** The icon. */
  readonly children: ReactNode
  readonly small?: boolean
}

/** A button that shows an icon alone. */
export function IconButton({ label, children, small = false, ...rest }: IconButtonProps) {
  return (
    <button type="button" className={small ? 'icon small' : 'icon'} {...rest}>
      {children}
      <span className="sr-only">{label}</span>
    </button>
  )
}
