import { useState } from 'react'
import type { CaptureInfo } from '../protocol/messages.ts'
import { duration } from '../viewer/duration.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'
import type { TrainPreset } from '../viewer/trainer.ts'
import { Findings } from './Findings.tsx'
import { FrameGrid } from './FrameGrid.tsx'
import { download } from './files.ts'
import { NumberField } from './NumberField.tsx'
import { DeviceNote } from './StartPage.tsx'
import './capture.css'

/** Steps of the presets, as on the command line. */
const STEPS = { tiny: 2000, fast: 6000 } as const
const MOST_STEPS = 1_000_000
const PRESETS = [
  { name: 'tiny', text: 'small networks, for two CPU cores' },
  { name: 'fast', text: 'sharper, for a GPU' },
] as const

interface CaptureProps {
  studio: Studio
  state: StudioState
  capture: CaptureInfo
}

/** A capture that was opened: what it is like, its pictures to learn from or to leave out, and how to train it. */
export default function CaptureView({ studio, state, capture }: CaptureProps) {
  const { name, frames, size } = capture
  const heldOut = frames.filter(({ split }) => split === 'val').length
  return (
    <div className="capture-view">
      <header className="capture-head">
        <h2>Train “{name}”</h2>
        <p className="start-lead">
          {frames.length} pictures of {size[0]} × {size[1]} px, {heldOut} of them held out. The face sharpens before your eyes; stop whenever it is
          good enough.
        </p>
      </header>
      <TrainForm studio={studio} state={state} capture={capture} />
      <div className="capture-about">
        <Findings findings={capture.findings} />
        <FrameGrid studio={studio} frames={frames} leftOut={state.leftOut} />
      </div>
    </div>
  )
}

function TrainForm({ studio, state, capture: { frames } }: CaptureProps) {
  const { device, job, stepSeconds, measuring, leftOut } = state
  const [preset, setPreset] = useState<TrainPreset>(device?.kind === 'gpu' ? 'fast' : 'tiny')
  const [steps, setSteps] = useState<number>(STEPS[preset])
  const learnt = frames.filter(({ id, split }) => split === 'train' && !leftOut.has(id)).length
  const timeOf = (each: TrainPreset): string => {
    const seconds = stepSeconds[each]
    if (seconds !== undefined)
      return `about ${duration(seconds * (each === preset ? steps : STEPS[each]))} on this ${device?.kind === 'gpu' ? 'GPU' : 'CPU'}`
    return measuring === each ? 'measuring the time …' : '\u00a0'
  }
  const saveReport = async (): Promise<void> => {
    const file = await studio.trainer.report()
    if (file) download(file)
  }
  return (
    <form
      className="capture-form"
      aria-label="Training"
      onSubmit={event => {
        event.preventDefault()
        void studio.trainer.train({ preset, steps, seed: 0 })
      }}
    >
      <fieldset className="presets">
        <legend className="sr-only">Preset</legend>
        {PRESETS.map(each => (
          <label key={each.name} className="check preset">
            <input
              type="radio"
              name="preset"
              checked={preset === each.name}
              onChange={() => {
                setPreset(each.name)
                setSteps(STEPS[each.name])
              }}
            />
            <span>
              <b>{each.name}</b>: {each.text}
              <small>{timeOf(each.name)}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <div className="steps">
        <NumberField label="Steps" least={1} most={MOST_STEPS} step={1} value={steps} onChange={value => setSteps(Math.round(value))} />
      </div>
      <button type="submit" className="primary large" disabled={job !== undefined || learnt === 0}>
        Train
      </button>
      <p className="fine" aria-live="polite">
        {learnt === 0 ? 'Nothing is left to learn from: take some pictures back in.' : `Learns from ${learnt} pictures.`}
      </p>
      <DeviceNote state={state} />
      <button type="button" onClick={() => void saveReport()} disabled={job !== undefined}>
        Save the full report
      </button>
      <button type="button" className="quiet" onClick={() => studio.trainer.close()} disabled={job !== undefined}>
        Back to the start
      </button>
    </form>
  )
}
