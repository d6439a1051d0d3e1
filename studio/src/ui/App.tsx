import { type DragEvent, lazy, Suspense, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { NamedBytes } from '../protocol/messages.ts'
import type { Studio } from '../viewer/studio.ts'
import { underWay } from '../viewer/underWay.ts'
import { ConsentDialog } from './ConsentDialog.tsx'
import { hasConsent } from './consent.ts'
import { EditPanel } from './EditPanel.tsx'
import { readDropped, readFiles } from './files.ts'
import { Header } from './Header.tsx'
import { HelpDialog } from './HelpDialog.tsx'
import { Note } from './Note.tsx'
import { Problem } from './Problem.tsx'
import { ReplaceDialog } from './ReplaceDialog.tsx'
import { Stage } from './Stage.tsx'
import { StartPage } from './StartPage.tsx'
import { servedFiles } from './servedFiles.ts'
import { TrainPanel } from './Train.tsx'
import { useShortcuts } from './useShortcuts.ts'
import { ViewPanel } from './ViewPanel.tsx'

/** Comes when a capture is opened. */
const CaptureView = lazy(() => import('./CaptureView.tsx'))

export function App({ studio }: { studio: Studio }) {
  const state = useSyncExternalStore(studio.subscribe, studio.state)
  const [help, setHelp] = useState(false)
  const [waiting, setWaiting] = useState<readonly NamedBytes[]>()
  const [replacing, setReplacing] = useState<readonly NamedBytes[]>()
  const [dragging, setDragging] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const promptBox = useRef<HTMLInputElement>(null)

  const agreed = (files: readonly NamedBytes[]): void => {
    const replaces = files.some(({ name }) => /\.(scene|zip)$/i.test(name))
    if (replaces && studio.unsaved.describe(studio.state()) && !underWay(studio.state().job)) setReplacing(files)
    else void studio.openFiles(files)
  }
  /** Opens files once the notice has been agreed to, and asks where work would be lost. */
  const open = (files: readonly NamedBytes[]): void => {
    if (files.length === 0) return
    if (hasConsent()) agreed(files)
    else setWaiting(files)
  }
  const openRef = useRef(open)
  openRef.current = open

  useEffect(() => {
    // What `faceclipnerf studio FILE` was given is there to be fetched.
    servedFiles().then(
      files => openRef.current(files),
      (error: Error) => studio.say(error.message),
    )
  }, [studio])

  const pick = (): void => picker.current?.click()
  useShortcuts(studio, { help: () => setHelp(true), open: pick, prompt: () => promptBox.current?.focus() })

  const dropped = async (event: DragEvent): Promise<void> => {
    event.preventDefault()
    setDragging(false)
    open(await readDropped(event.dataTransfer))
  }

  const { scene } = state
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the whole page takes dropped files; the button "Open" is the way without a mouse
    <div
      className="app"
      data-open={scene !== undefined}
      onDragOver={event => {
        // not text that is dragged about
        if (!event.dataTransfer.types.includes('Files')) return
        event.preventDefault()
        setDragging(true)
      }}
      onDragLeave={event => event.currentTarget.contains(event.relatedTarget as Node | null) || setDragging(false)}
      onDrop={event => void dropped(event)}
    >
      <Header studio={studio} state={state} onOpen={pick} onHelp={() => setHelp(true)} />
      <main className="main">
        <Stage studio={studio} state={state} />
        {scene ? (
          <aside className="panels" aria-label="Tools">
            {state.job?.training ? <TrainPanel studio={studio} job={state.job} /> : <EditPanel studio={studio} state={state} promptBox={promptBox} />}
            <ViewPanel studio={studio} state={state} />
          </aside>
        ) : state.capture ? (
          <Suspense>
            <CaptureView key={state.capture.name} studio={studio} state={state} capture={state.capture} />
          </Suspense>
        ) : (
          <StartPage studio={studio} state={state} onOpen={pick} />
        )}
      </main>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        aria-label="Files to open"
        accept=".scene,.edit,.zip,.json"
        onChange={async ({ currentTarget }) => {
          const files = await readFiles(currentTarget.files ?? [])
          currentTarget.value = ''
          open(files)
        }}
      />
      <Note studio={studio} state={state} />
      <Problem studio={studio} state={state} />
      <p className="sr-only" role="status">
        {state.job ? state.job.text : state.news}
      </p>
      {dragging && <div className="drop-veil">Drop a .scene, an .edit, or a zip of them or of a .capture</div>}
      <HelpDialog open={help} onClose={() => setHelp(false)} />
      <ConsentDialog
        open={waiting !== undefined}
        onAnswer={agrees => {
          if (agrees && waiting) agreed(waiting)
          setWaiting(undefined)
        }}
      />
      <ReplaceDialog
        open={replacing !== undefined}
        why={studio.unsaved.describe(state)}
        onAnswer={replace => {
          if (replace && replacing) void studio.openFiles(replacing)
          setReplacing(undefined)
        }}
      />
    </div>
  )
}
