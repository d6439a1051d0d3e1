import { useState } from 'react'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { IconButton } from './IconButton.tsx'
import { HelpIcon, OpenIcon, RedoIcon, ThemeIcon, UndoIcon } from './icons.tsx'
import { SaveMenu } from './SaveMenu.tsx'
import { applyTheme, readTheme, THEMES } from './theme.ts'

interface HeaderProps {
  studio: Studio
  state: StudioState
  onOpen(): void
  onHelp(): void
}

export function Header({ studio, state, onOpen, onHelp }: HeaderProps) {
  const { scene, isDemo, canUndo, canRedo, job } = state
  const [theme, setTheme] = useState(readTheme)
  const turnTheme = (): void => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]
    applyTheme(next)
    setTheme(next)
  }
  return (
    <header className="header">
      <h1 className="brand">
        <span className="brand-name">faceclipnerf</span> <span className="brand-part">studio</span>
      </h1>
      <p className="header-scene" title={scene && `preset ${scene.preset}, ${scene.step} steps`}>
        {scene && (isDemo ? 'demo: a made-up person' : scene.name)}
      </p>
      <nav className="header-tools" aria-label="File and help">
        {scene && (
          <>
            <IconButton label="Undo" onClick={() => studio.undo()} disabled={!canUndo} title="Undo (Ctrl Z)">
              <UndoIcon />
            </IconButton>
            <IconButton label="Redo" onClick={() => studio.redo()} disabled={!canRedo} title="Redo (Ctrl Shift Z)">
              <RedoIcon />
            </IconButton>
            <button type="button" className="quiet" onClick={onOpen} disabled={job !== undefined} title="Open a .scene, an .edit or a zip (Ctrl O)">
              <OpenIcon />
              <span className="label">Open</span>
            </button>
            <SaveMenu studio={studio} state={state} />
          </>
        )}
        <IconButton label={`Colours: ${theme}`} onClick={turnTheme} title={`Colours: ${theme}`}>
          <ThemeIcon theme={theme} />
        </IconButton>
        <IconButton label="Keys and help" onClick={onHelp} title="Keys (?)">
          <HelpIcon />
        </IconButton>
      </nav>
    </header>
  )
}
