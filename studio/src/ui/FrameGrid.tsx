import { type KeyboardEvent, useRef, useState } from 'react'
import type { FrameChoice } from '../protocol/messages.ts'
import type { Studio } from '../viewer/studio.ts'
import { useThumbnails } from './useThumbnails.ts'

const FLAGS = { blurred: 'blurred', exposure: 'exposure', camera: 'camera', mask: 'no mask' } as const
const SHOWN = { all: () => true, flagged: ({ flags }: FrameChoice) => flags.length > 0, heldOut: ({ split }: FrameChoice) => split === 'val' }
type Shown = keyof typeof SHOWN

interface GridProps {
  studio: Studio
  frames: readonly FrameChoice[]
  leftOut: ReadonlySet<string>
}

/** The pictures of a capture, each to be learnt from or left out. One stop of the Tab key: arrows walk through them, Space ticks. */
export function FrameGrid({ studio: { trainer }, frames, leftOut }: GridProps) {
  const [shown, setShown] = useState<Shown>('all')
  const [current, setCurrent] = useState(0)
  const list = useRef<HTMLUListElement>(null)
  const place = useThumbnails(trainer)
  const seen = frames.filter(SHOWN[shown])
  const flagged = frames.filter(SHOWN.flagged)
  const counts = { all: frames.length, flagged: flagged.length, heldOut: frames.filter(SHOWN.heldOut).length }
  const labels = { all: 'All', flagged: 'Flagged', heldOut: 'Held out' } as const
  const allOut = flagged.length > 0 && flagged.every(({ id }) => leftOut.has(id))

  const walk = (event: KeyboardEvent<HTMLUListElement>): void => {
    const items = list.current?.children ?? []
    const rowLength = [...items].filter(item => (item as HTMLElement).offsetTop === (items[0] as HTMLElement).offsetTop).length
    const ways: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -rowLength,
      ArrowDown: rowLength,
      Home: -seen.length,
      End: seen.length,
    }
    const way = ways[event.key]
    if (way === undefined) return
    event.preventDefault()
    const next = Math.min(seen.length - 1, Math.max(0, current + way))
    setCurrent(next)
    items[next]?.querySelector('input')?.focus()
  }

  return (
    <section className="frames" aria-labelledby="frames-title">
      <div className="frames-head">
        <h3 id="frames-title">Pictures</h3>
        <fieldset className="switch">
          <legend className="sr-only">Which pictures to list</legend>
          {(['all', 'flagged', 'heldOut'] as const).map(each => (
            <label key={each}>
              <input
                type="radio"
                name="frames-shown"
                checked={shown === each}
                disabled={counts[each] === 0}
                onChange={() => {
                  setShown(each)
                  setCurrent(0)
                }}
              />
              <span>
                {labels[each]} {counts[each]}
              </span>
            </label>
          ))}
        </fieldset>
        <button type="button" disabled={flagged.length === 0} onClick={() => trainer.leaveOut(flagged, !allOut)}>
          {allOut ? 'Take the flagged back in' : 'Leave the flagged out'}
        </button>
      </div>
      <p className="fine">
        Ticked pictures are used. Held-out ones are never learnt from; the result is compared with them. Arrow keys walk through the pictures, Space
        ticks.
      </p>
      <ul className="frame-grid" ref={list} onKeyDown={walk}>
        {seen.map((frame, i) => (
          <li key={frame.id}>
            <label className="frame" data-out={leftOut.has(frame.id)} data-flagged={frame.flags.length > 0} title={reasons(frame)}>
              <span className="frame-picture" ref={place(frame.id)} />
              <span className="frame-line">
                <input
                  type="checkbox"
                  checked={!leftOut.has(frame.id)}
                  tabIndex={i === Math.min(current, seen.length - 1) ? 0 : -1}
                  onFocus={() => setCurrent(i)}
                  onChange={event => trainer.leaveOut([frame], !event.currentTarget.checked)}
                />
                <span className="frame-name">{frame.id}</span>
              </span>
              <span className="frame-marks">
                {frame.split === 'val' && <span className="mark">held out</span>}
                {frame.flags.map(({ kind }) => (
                  <span key={kind} className="mark mark-warn">
                    {FLAGS[kind]}
                  </span>
                ))}
              </span>
              {frame.flags.length > 0 && <span className="sr-only">{reasons(frame)}</span>}
            </label>
          </li>
        ))}
      </ul>
    </section>
  )
}

const reasons = ({ flags }: FrameChoice): string | undefined => (flags.length > 0 ? flags.map(({ text }) => text).join('; ') : undefined)
