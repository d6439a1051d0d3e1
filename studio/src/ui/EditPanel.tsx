import { type RefObject, useRef, useState } from 'react'
import { entryIn, shownEdit } from '../viewer/document.ts'
import { duration } from '../viewer/duration.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { BrushTools, PAINTED } from './BrushTools.tsx'
import { EditList } from './EditList.tsx'
import { LineChart } from './LineChart.tsx'
import { NumberField } from './NumberField.tsx'
import { Sentence } from './Sentence.tsx'

interface EditPanelProps {
  studio: Studio
  state: StudioState
  promptBox: RefObject<HTMLInputElement | null>
}

const EXAMPLES = ['a surprised face', 'a smiling face', 'closed eyes', 'face with closed eyes and opened mouth', 'an angry face'] as const
/** Steps of an edit, as on the command line. */
const STEPS = 60
const MOST_STEPS = 1000
const MOST_SEED = 2 ** 31 - 1

/** Sentence in, edits out. */
export function EditPanel({ studio, state, promptBox }: EditPanelProps) {
  const [prompt, setPrompt] = useState('')
  const [steps, setSteps] = useState(STEPS)
  const [seed, setSeed] = useState(0)
  const [quick, setQuick] = useState(false)
  const [region, setRegion] = useState('')
  const [builds, setBuilds] = useState(false)
  const title = useRef<HTMLHeadingElement>(null)
  const { job, prompts, scene, document } = state
  const shown = entryIn(document, document.shown)
  const chooseRegion = (name: string): void => {
    setRegion(name)
    studio.brush.setOn(name === PAINTED)
    if (name === PAINTED) studio.look({ grid: { on: false } })
  }
  const submit = (): void => {
    const base = builds && shown ? shownEdit(shown) : undefined
    const paints = region === PAINTED
    const painted = paints ? studio.brush.regions() : undefined
    if (painted?.length === 0) {
      studio.say('nothing is painted; paint on the face where it may change, or choose another place under Options')
      return
    }
    studio.brush.setOn(false)
    void studio.submit(sentence, { steps, seed, quick, region: paints ? undefined : region || undefined, painted, base })
  }
  const cancel = (): void => {
    studio.cancel()
    // the button goes: the focus stays near it
    title.current?.focus({ preventScroll: true })
  }
  const sentence = prompt.trim()
  return (
    <section className="panel" aria-labelledby="edit-title">
      <h2 id="edit-title" ref={title} tabIndex={-1}>
        Edit
      </h2>
      <form
        className="prompt"
        onSubmit={event => {
          event.preventDefault()
          if (sentence && !job) submit()
        }}
      >
        <label htmlFor="prompt">What should the face look like?</label>
        <div className="prompt-row">
          <input
            id="prompt"
            ref={promptBox}
            list="prompts"
            value={prompt}
            autoComplete="off"
            placeholder="a surprised face"
            onChange={event => setPrompt(event.currentTarget.value)}
            onKeyDown={event => event.key === 'Escape' && event.currentTarget.blur()}
          />
          <button type="submit" className="primary" disabled={!sentence || job !== undefined}>
            Edit
          </button>
        </div>
        <datalist id="prompts">
          {prompts.map(text => (
            <option key={text} value={text} />
          ))}
        </datalist>
        <ul className="examples" aria-label="Examples">
          {EXAMPLES.map(text => (
            <li key={text}>
              <button type="button" className="chip-button" onClick={() => setPrompt(text)}>
                {text}
              </button>
            </li>
          ))}
        </ul>
        <details className="more">
          <summary>Options</summary>
          <div className="field">
            <label htmlFor="region">Change only</label>
            <select id="region" value={region} onChange={({ currentTarget: { value } }) => chooseRegion(value)}>
              <option value="">whatever the sentence needs</option>
              <option value={PAINTED}>what I paint</option>
              {scene?.regions.map(name => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </div>
          {region === PAINTED && <BrushTools studio={studio} />}
          <label className="check">
            <input
              type="checkbox"
              checked={builds && shown !== undefined}
              disabled={!shown}
              onChange={event => setBuilds(event.currentTarget.checked)}
            />
            {shown ? <Sentence text={`Build on “${shown.prompt}”`} /> : <span>Build on an edit (choose one below)</span>}
          </label>
          <div className="pair">
            <NumberField label="Steps" least={1} most={MOST_STEPS} step={1} value={steps} onChange={value => setSteps(Math.round(value))} />
            <NumberField label="Seed" least={0} most={MOST_SEED} step={1} value={seed} onChange={value => setSeed(Math.round(value))} />
          </div>
          <label className="check">
            <input type="checkbox" checked={quick} onChange={event => setQuick(event.currentTarget.checked)} />
            <span>Quick and rough: small pictures, fewer views</span>
          </label>
        </details>
      </form>
      {job?.edit && <Forming job={job} onCancel={cancel} />}
      <EditList studio={studio} state={state} />
    </section>
  )
}

/** An edit under way. */
function Forming({ job: { text, edit }, onCancel }: { job: NonNullable<StudioState['job']>; onCancel(): void }) {
  if (!edit) return null
  const { progress, losses, prompt } = edit
  const part = progress ? progress.step / progress.steps : undefined
  return (
    <div className="forming">
      <p className="forming-title">
        <Sentence text={`“${prompt}”`} />
      </p>
      <div className="forming-row">
        <progress value={part} aria-label="Progress of the edit" />
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
      <p className="forming-text">
        {progress
          ? `${progress.stage === 'search' ? 'looking for a start' : 'refining'} · ${progress.step} of ${progress.steps} · ${duration(progress.eta)} left`
          : `${text} …`}
      </p>
      {losses.length > 1 && <LineChart values={losses} name="loss" />}
    </div>
  )
}
