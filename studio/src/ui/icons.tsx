/** Line icons, 20 px, in the colour of the text. Each stands beside words or a name for screen readers. */
import type { ReactNode } from 'react'
import type { Theme } from './theme.ts'

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="icon-picture" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      {children}
    </svg>
  )
}

export const UndoIcon = () => (
  <Icon>
    <path d="M7 4 3.5 7.5 7 11M4 7.5h7.5a4.5 4.5 0 0 1 0 9H8" />
  </Icon>
)
export const RedoIcon = () => (
  <Icon>
    <path d="m13 4 3.5 3.5L13 11M16 7.5H8.5a4.5 4.5 0 0 0 0 9H12" />
  </Icon>
)
export const OpenIcon = () => (
  <Icon>
    <path d="M3 15.5v-11h5l2 2.5h7v8.5z" />
  </Icon>
)
export const SaveIcon = () => (
  <Icon>
    <path d="M10 3v9.5M6 9l4 4 4-4M4 16.5h12" />
  </Icon>
)
export const HelpIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="7" />
    <path d="M7.8 8a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.7M10 14v.2" />
  </Icon>
)
export const CloseIcon = () => (
  <Icon>
    <path d="m5.5 5.5 9 9m0-9-9 9" />
  </Icon>
)
export const CompareIcon = () => (
  <Icon>
    <rect x="3" y="4" width="14" height="12" rx="1.5" />
    <path d="M10 2.5v15M6 8v4" />
  </Icon>
)
export const GridIcon = () => (
  <Icon>
    <path d="M3 4h6v5H3zM11 4h6v5h-6zM3 11h6v5H3zM11 11h6v5h-6z" />
  </Icon>
)
export const CamerasIcon = () => (
  <Icon>
    <path d="M4 5.5h12v9H4zM4 5.5l6 4.5 6-4.5M4 14.5l6-4.5 6 4.5" />
  </Icon>
)
export const FilmIcon = () => (
  <Icon>
    <path d="M3 4.5h14v11H3zM6.5 4.5v11m7-11v11M3 8h3.5M3 12h3.5m7-4H17m-3.5 4H17" />
  </Icon>
)
export const PlayIcon = () => (
  <Icon>
    <path d="M6.5 4.5v11l9-5.5z" />
  </Icon>
)
export const PauseIcon = () => (
  <Icon>
    <path d="M7 4.5v11m6-11v11" />
  </Icon>
)
export const RemoveIcon = () => (
  <Icon>
    <path d="M4 5.5h12M8 5.5v-2h4v2M5.5 5.5l.8 11h7.4l.8-11" />
  </Icon>
)
export const HomeIcon = () => (
  <Icon>
    <path d="M3.5 10 10 4l6.5 6M5.5 8.5V16h9V8.5" />
  </Icon>
)
export const LeftIcon = () => (
  <Icon>
    <path d="m12 5-5 5 5 5" />
  </Icon>
)
export const RightIcon = () => (
  <Icon>
    <path d="m8 5 5 5-5 5" />
  </Icon>
)

export function ThemeIcon({ theme }: { theme: Theme }) {
  if (theme === 'dark')
    return (
      <Icon>
        <path d="M16 12.5A6.8 6.8 0 0 1 7.5 4a6.8 6.8 0 1 0 8.5 8.5z" />
      </Icon>
    )
  return (
    <Icon>
      <circle cx="10" cy="10" r={theme === 'light' ? 3.5 : 6.5} />
      {theme === 'light' ? (
        <path d="M10 2v2m0 12v2M2 10h2m12 0h2M4.5 4.5l1.3 1.3m8.4 8.4 1.3 1.3m0-11-1.3 1.3m-8.4 8.4-1.3 1.3" />
      ) : (
        <path d="M10 3.5v13a6.5 6.5 0 0 0 0-13z" className="icon-filled" />
      )}
    </Icon>
  )
}
