import { duration } from '../viewer/duration.ts'
import type { Job } from '../viewer/state.ts'
import type { Studio } from '../viewer/studio.ts'
import { download } from './files.ts'
import { LineChart } from './LineChart.tsx'

/** A training under way. */
export function TrainPanel({ studio, job: { text, training } }: { studio: Studio; job: Job }) {
  const { trainer } = studio
  const { progress, psnrs = [], paused = false } = training ?? {}
  const keep = async (): Promise<void> => {
    const file = await trainer.soFar()
    if (!file) return
    download(file)
    studio.tell(`saved ${file.name}`)
  }
  return (
    <section className="panel" aria-labelledby="train-title">
      <h2 id="train-title">Training</h2>
      <div className="forming">
        <progress value={progress && progress.step / progress.steps} aria-label="Progress of the training" />
        <p className="forming-text">
          {progress ? `step ${progress.step} of ${progress.steps} · ${paused ? 'paused' : `${duration(progress.eta)} left`}` : `${text} …`}
        </p>
        {psnrs.length > 1 && <LineChart values={psnrs} name="PSNR" unit=" dB" digits={1} />}
        <div className="train-actions">
          <button type="button" onClick={() => trainer.pause(!paused)} disabled={!progress}>
            {paused ? 'Go on' : 'Pause'}
          </button>
          <button type="button" onClick={() => trainer.finish()} disabled={!progress}>
            Stop and keep
          </button>
        </div>
      </div>
      {progress && (
        <dl className="facts">
          <div>
            <dt>PSNR of the rays</dt>
            <dd className="psnr">{progress.psnr.toFixed(2)} dB</dd>
          </div>
          <div>
            <dt title="A few views that it does not learn from, looked at every 15 s">PSNR of held-out views</dt>
            <dd>{progress.heldOut === undefined ? '–' : `${progress.heldOut.toFixed(2)} dB`}</dd>
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
      <button type="button" onClick={() => void keep()} disabled={!progress}>
        Save what it has learnt so far
      </button>
      <p className="fine">
        Every 15 s a copy is kept in this tab’s memory{progress?.kept === undefined ? '' : ` (the last of step ${progress.kept})`}: if the GPU is
        lost, training goes on from there. Closing the tab loses it, a saved .scene does not: <code>faceclipnerf train --resume</code> goes on from
        one, too. Turn the face while it learns, or pause.
      </p>
    </section>
  )
}
