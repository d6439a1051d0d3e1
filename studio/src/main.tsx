import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './ui/App.tsx'
import { applyTheme, readTheme } from './ui/theme.ts'
import './ui/tokens.css'
import './ui/layout.css'
import './ui/controls.css'
import './ui/panels.css'
import './ui/brush.css'
import './ui/grid.css'
import './ui/truth.css'
import { Studio } from './viewer/studio.ts'
import { watchSurroundings } from './viewer/surroundings.ts'

applyTheme(readTheme())
const studio = new Studio(() => new Worker(new URL('./worker/worker.ts', import.meta.url), { type: 'module' }))
watchSurroundings(studio)
const root = document.getElementById('root')
if (!root) throw new Error('studio: index.html has no element "root"; build it again')
createRoot(root).render(
  <StrictMode>
    <App studio={studio} />
  </StrictMode>,
)
