import { useState } from 'react'
import type { CaptureInfo } from '../protocol/messages.ts'
import type { Job } from '../viewer/state.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { LineChart } from './LineChart.tsx'
import { DeviceNote } from './StartPage.tsx'

/** Steps of the presets, as on the command line. */
const STEPS = { tiny: 2000, fast: 6000 } as const
const PRESETS = [
  { name: 'tiny', text: 'tiny: small networks, minutes on two CPU cores' },
  { name: 'fast', text: 'fast: sharper, for a GPU' },
] as const

/** A capture that was opened: what it is, and how to train it. */
export function TrainPage({ studio, state, capture }: { studio: Studio; state: StudioState; capture: CaptureInfo }) {
  const [preset, setPreset] = useState<'tiny' | 'fast'>(state.device?.kind === 'gpu' ? 'fast' : 'tiny')
  const [steps, setSteps] = useState<number>(STEPS[preset])
  const { name, frames, heldOut, size } = capture
  return (
    <div className="start">
      <form
        className="start-card"
        onSubmit={event => {
          event.preventDefault()
          void studio.train({ preset, steps, seed: 0 })
        }}
      >
        <h2>Train “{name}”</h2>
        <p className="start-lead">
          {frames} pictures of {size[0]} × {size[1]} px, {heldOut} of them held out. The face sharpens before your eyes; stop whenever it is good
          enough.
        </p>
        <fieldset className="presets">
          <legend className="sr-only">Preset</legend>
          {PRESETS.map(each => (
            <label key={each.name} className="check">
              <input
                type="radio"
                name="preset"
                checked={preset === each.name}
                onChange={() => {
                  setPreset(each.name)
                  setSteps(STEPS[each.name])
                }}
              />
              <span>{each.text}</span>
            </label>
          ))}
          <label className="steps">
            Steps
            <input
              type="number"
              min={1}
              max={1_000_000}
              value={steps}
              onChange={event => setSteps(Math.max(1, Math.round(event.currentTarget.valueAsNumber || 1)))}
            />
          </label>
        </fieldset>
        <div className="start-ways">
          <button type="submit" className="primary large" disabled={state.job !== undefined}>
            Train
          </button>
        </div>
        <DeviceNote state={state} />
      </form>
    </div>
  )
}

/** A training under way. */
export function TrainPanel({ studio, job: { text, training } }: { studio: Studio; job: Job }) {
  const progress = training?.progress
  const psnrs = training?.psnrs ?? []
  return (
    <section className="panel" aria-labelledby="train-title">
      <h2 id="train-title">Training</h2>
      <div className="forming">
        <div className="forming-row">
          <progress value={progress && progress.step / progress.steps} aria-label="Progress of the training" />
          <button type="button" onClick={() => studio.finish()} disabled={!progress}>
            Stop and keep
          </button>
        </div>
        <p className="forming-text">{progress ? `step ${progress.step} of ${progress.steps} · ${left(progress.eta)} left` : `${text} …`}</p>
        {psnrs.length > 1 && <LineChart values={psnrs} name="PSNR" unit=" dB" digits={1} />}
      </div>
      {progress && (
        <dl className="facts">
          <div>
            <dt>PSNR of the rays</dt>
            <dd className="psnr">{progress.psnr.toFixed(2)} dB</dd>
          </div>
          <div>
            <dt>Loss</dt>
            <dd>{progress.loss.toFixed(5)}</dd>
          </div>
          <div>
            <dt>Rays a second</dt>
            <dd>{Math.round(progress.raysPerSecond).toLocaleString('en')}</dd>
          </div>
          <div>
            <dt>Memory</dt>
            <dd>{(progress.memory / 2 ** 20).toFixed(0)} MiB</dd>
          </div>
        </dl>
      )}
      <p className="fine">Turn the face while it learns. When it is done, save the scene: nothing is kept otherwise.</p>
    </section>
  )
}

const left = (eta: number): string => (eta < 90 ? `${Math.round(eta)} s` : `${Math.round(eta / 60)} min`)
