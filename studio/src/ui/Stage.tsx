import { lazy, Suspense, useEffect, useMemo, useRef } from 'react'
import { entryIn } from '../viewer/document.ts'
import { gridAspect, gridCells } from '../viewer/grid.ts'
import { hasEdits } from '../viewer/looks.ts'
import { followPointers } from '../viewer/pointerInput.ts'
import type { Studio, StudioState } from '../viewer/studio.ts'
import { BrushLayer } from './BrushLayer.tsx'
import { Cameras } from './Cameras.tsx'
import { GridCells } from './GridCells.tsx'
import { IconButton } from './IconButton.tsx'
import { CamerasIcon, CompareIcon, FilmIcon, GridIcon, HomeIcon, LeftIcon, RightIcon } from './icons.tsx'
import { ModeSwitch } from './ModeSwitch.tsx'
import { TruthOverlay } from './TruthOverlay.tsx'
import { useGridColumns } from './useGridColumns.ts'

/** Films are rarely made: their part is loaded when it is opened. */
const FilmDrawer = lazy(() => import('./FilmDrawer.tsx'))
const FilmPath = lazy(() => import('./FilmPath.tsx'))

interface StageProps {
  studio: Studio
  state: StudioState
}

/** Which device the address asks for, e.g. ?device=cpu. */
function wantedDevice(): 'auto' | 'cpu' | 'gpu' | 'software' {
  const wanted = new URLSearchParams(location.search).get('device')
  return wanted === 'cpu' || wanted === 'gpu' || wanted === 'software' ? wanted : 'auto'
}

/** The picture, what lies over it, and the tools below it. */
export function Stage({ studio, state }: StageProps) {
  const { scene, compare, grid, mode, document, job, showsCameras, showsFilm, preview, stats } = state
  const stage = useRef<HTMLElement>(null)
  const picture = useRef<HTMLDivElement>(null)
  const place = useRef<HTMLDivElement>(null)

  useEffect(() => {
    if (place.current && !place.current.firstChild) void studio.start(place.current, wantedDevice())
  }, [studio])

  useEffect(() => {
    const element = picture.current
    if (!element) return
    const measure = new ResizeObserver(([{ contentRect }]) =>
      studio.setPixels(Math.round(Math.max(contentRect.width, contentRect.height) * devicePixelRatio)),
    )
    measure.observe(element)
    const stop = followPointers(element, studio.mover.move)
    return () => {
      measure.disconnect()
      stop()
    }
  }, [studio])

  const aspect = scene?.aspect ?? 1
  const cells = useMemo(() => gridCells({ document, grid, mode, job, preview }), [document, grid, mode, job, preview])
  const columns = Math.min(grid.columns, cells.length)
  const count = cells.length
  useGridColumns(studio, stage, count, aspect)

  const frame = state.truth.on && scene?.hasTruth ? scene.frames.find(({ id }) => id === state.frame) : undefined
  const live = job?.edit?.progress !== undefined
  const shown = entryIn(document, document.shown)
  const other = entryIn(document, compare.withEdit)
  const compares = compare.on && count === 0 && !frame && !preview && mode === 'color' && (live || shown?.id !== other?.id)
  const after = live ? job?.edit?.prompt : shown?.prompt

  return (
    <section ref={stage} className="stage" aria-label="Viewport" hidden={!scene} data-film={showsFilm}>
      <div className="stage-frame" style={{ '--aspect': count > 0 ? gridAspect(count, columns, aspect) : aspect } as React.CSSProperties}>
        {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex lint/a11y/useAriaPropsSupportedByRole: the picture takes the keys of the camera, so it can have the focus */}
        <div
          ref={picture}
          className="picture"
          tabIndex={0}
          role="application"
          aria-label={`The face${after ? `, ${after}` : ', unedited'}. Arrow keys turn it, plus and minus go nearer, question mark lists all keys.`}
        >
          <div ref={place} className="picture-canvas" />
          {frame && count === 0 && <TruthOverlay key={frame.id} studio={studio} frame={frame} truth={state.truth} />}
          {scene && count === 0 && <BrushLayer studio={studio} scene={scene} />}
          {showsCameras && scene && count === 0 && <Cameras studio={studio} scene={scene} />}
          {showsFilm && scene && count === 0 && (
            <Suspense>
              <FilmPath studio={studio} state={state} scene={scene} />
            </Suspense>
          )}
        </div>
        {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex lint/a11y/useAriaPropsSupportedByRole: as above */}
        {compares && (
          <>
            <span className="chip chip-left">{other?.prompt ?? 'unedited'}</span>
            <span className="chip chip-right">{after ?? 'unedited'}</span>
            <div className="split-line" style={{ left: `${100 * compare.split}%` }} />
            <input
              type="range"
              className="split"
              aria-label="Before and after: where the pictures meet"
              min={0}
              max={1}
              step={0.005}
              value={compare.split}
              onChange={event => studio.look({ compare: { split: event.currentTarget.valueAsNumber } })}
            />
          </>
        )}
        {count > 0 && <GridCells studio={studio} cells={cells} columns={columns} shown={shown?.id} picture={picture} />}
        {live && count === 0 && <span className="chip chip-live">forming</span>}
        {job && !job.edit && !job.film && !job.training && <span className="chip chip-job">{job.text} …</span>}
        {preview && !live && <span className="chip chip-left">film, {preview.time.toFixed(2)} s</span>}
      </div>
      <div className="stage-tools" role="toolbar" aria-label="View">
        <ModeSwitch studio={studio} state={state} />
        <div className="tool-group">
          <IconButton
            label="Before and after"
            aria-pressed={compare.on}
            disabled={!hasEdits(state)}
            onClick={() => studio.look({ compare: { on: !compare.on } })}
            title="Before and after (B)"
          >
            <CompareIcon />
          </IconButton>
          <IconButton
            label="Faces side by side"
            aria-pressed={grid.on}
            disabled={!grid.on && !hasEdits(state)}
            onClick={() => studio.look({ grid: { on: !grid.on } })}
            title="Faces side by side (G)"
          >
            <GridIcon />
          </IconButton>
          <IconButton
            label="Cameras of the capture"
            aria-pressed={showsCameras}
            onClick={() => studio.setShowsCameras(!showsCameras)}
            title="Cameras of the capture (F)"
          >
            <CamerasIcon />
          </IconButton>
          <IconButton
            label="Film"
            aria-pressed={showsFilm}
            onClick={() => studio.setShowsFilm(!showsFilm)}
            title="Film: keyframes and a timeline (T)"
          >
            <FilmIcon />
          </IconButton>
        </div>
        <div className="tool-group">
          <IconButton label="Previous camera" onClick={() => studio.jumpBy(-1)} title="Previous camera ([)">
            <LeftIcon />
          </IconButton>
          <IconButton label="Back to the start" onClick={() => studio.reset()} title="Back to the start (R)">
            <HomeIcon />
          </IconButton>
          <IconButton label="Next camera" onClick={() => studio.jumpBy(1)} title="Next camera (])">
            <RightIcon />
          </IconButton>
        </div>
        <p className="stage-stats" title={stats && `${(stats.memory / 2 ** 20).toFixed(1)} MiB on the device`}>
          {stats &&
            `${stats.width}×${stats.height} · ${stats.milliseconds < 10 ? stats.milliseconds.toFixed(1) : Math.round(stats.milliseconds)} ms${stats.baked ? ' · baked' : ''}`}
        </p>
      </div>
      {showsFilm && scene && (
        <Suspense fallback={<div className="film" aria-busy="true" />}>
          <FilmDrawer studio={studio} state={state} />
        </Suspense>
      )}
    </section>
  )
}
