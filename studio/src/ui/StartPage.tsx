import type { Studio, StudioState } from '../viewer/studio.ts'

interface StartPageProps {
  studio: Studio
  state: StudioState
  onOpen(): void
}

/** What a person sees first: what this is, two ways in, and what it will compute on. */
export function StartPage({ studio, state: { device, job }, onOpen }: StartPageProps) {
  const waits = job !== undefined
  return (
    <div className="start">
      <div className="start-card">
        <h2>Type a sentence, see the face change</h2>
        <p className="start-lead">
          Turn a reconstructed face about, write what it should look like, and watch the expression form. Your browser computes everything; nothing is
          uploaded.
        </p>
        <div className="start-ways">
          <button type="button" className="primary large" disabled={waits} onClick={() => void studio.openDemo()}>
            Open the demo
          </button>
          <button type="button" className="large" disabled={waits} onClick={onOpen}>
            Open files…
          </button>
        </div>
        <p className="start-drop">
          or drop a <code>.scene</code>, its <code>.edit</code> files, a zip of them, or a zip of a <code>.capture</code> to train
        </p>
        <DeviceNote state={{ device }} />
        <p className="start-job">{job ? `${job.text} …` : '\u00a0'}</p>
      </div>
    </div>
  )
}

/** What computes, and what to do where that is slow. */
export function DeviceNote({ state: { device } }: { state: Pick<StudioState, 'device'> }) {
  if (!device) return <p className="device-note">Looking for a GPU …</p>
  if (device.kind === 'gpu') return <p className="device-note device-good">Computes on {device.description.replace(/^GPU, /, 'the GPU ')}.</p>
  const alone = !crossOriginIsolated
  return (
    <div className="device-note device-slow">
      <p>
        <strong>No WebGPU here:</strong> the CPU computes instead ({device.description.split(' (')[0].replace(/^CPU, /, '')}), with small pictures and
        edits of a minute.
      </p>
      <details>
        <summary>What can I do?</summary>
        <ul>
          <li>Use a current Chrome, Edge, Firefox or Safari, on a machine with a graphics driver.</li>
          <li>In Chrome or Edge see chrome://gpu; on Linux WebGPU may need a Vulkan driver.</li>
          {alone && (
            <li>
              This page is not cross-origin isolated, so the CPU works on one thread. <code>faceclipnerf studio</code> serves it isolated; a web
              server needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.
            </li>
          )}
        </ul>
      </details>
    </div>
  )
}
