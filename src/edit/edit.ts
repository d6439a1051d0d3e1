/**
 * The edit (paper §4.2–4.3): only an editable code field trains, the compositor or one free code; T, H, F and the anchors are frozen. What does not
 * depend on the codes (samples, warp, template features) is computed once per view and cached; gradients flow through every sampled ray.
 */
import type { Camera } from '../camera/camera.ts'
import { samplesPerRay } from '../nerf/rayLevels.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { exponentialSchedule } from '../nn/schedules.ts'
import { HostRandom, hash3 } from '../tensor/hostRandom.ts'
import type { EditableCodes } from './editableCodes.ts'
import { balancedWeight, recordEditStep } from './editStep.ts'
import type { Guidance } from './guidance.ts'
import { Plateau } from './plateau.ts'
import { cacheViews } from './viewCache.ts'

/** How an edit is trained. */
export interface EditOptions {
  /** Of the descent. Default 60. */
  readonly steps?: number
  /** Begins at the best start that the code field finds (the compositor: see regionSearch), if it has a search; default true. Otherwise goes on from the field as it is. */
  readonly search?: boolean
  /**
   * Weight of the total variation of the ACR maps, where there are any, against the guidance. 'balanced', the default, finds it where the descent begins: the
   * two then pull in one proportion, whatever the encoder, the prompt and the size of the pictures (see BALANCE).
   */
  readonly tvWeight?: number | 'balanced'
  /** Views of one step, whose losses are averaged; default 1. */
  readonly viewsPerStep?: number
  /** Ends the descent when its loss has not fallen for so many rounds through all views; never without. */
  readonly patience?: number
  /** Learning rates of the first and the last step, exponential between; default the code field's: after a search its `refiningRates`. */
  readonly rates?: readonly [number, number]
  /** Samples per ray; default the preset's for edits (see `samplesPerRay`). */
  readonly samples?: number
  /** Of the views' order, the samples and the search; default 0. */
  readonly seed?: number
  /** Steps, or starts tried, between reports. Default 10. */
  readonly reportEvery?: number
  /** Ends the edit after the step under way. */
  readonly signal?: AbortSignal
}

/** What one report of an edit says. */
export interface EditStep {
  /** 'search' looks for a start: its steps are starts tried, its loss is that of the best. */
  readonly stage: 'search' | 'descent'
  readonly step: number
  readonly steps: number
  readonly loss: number
  /** The guidance's part of the loss. */
  readonly guidance: number
  /** Total variation of the ACR maps, unweighted; 0 in a search and without ratios. */
  readonly tv: number
  /** Seconds to the end of the stage. */
  readonly eta: number
}

const VIEW_STREAM = 6

/**
 * Trains a code field so that the scene, seen from `cameras` (space units, one picture size), lowers the guidance.
 * Ends after the step under way when the signal aborts. Throws for views of different sizes and when the loss is not finite.
 */
export async function* edit(
  scene: SceneManipulator,
  field: EditableCodes,
  guidance: Guidance,
  cameras: readonly Camera[],
  options: EditOptions = {},
): AsyncGenerator<EditStep> {
  const { steps = 60, search = true, tvWeight = 'balanced', viewsPerStep = 1, seed = 0, reportEvery = 10, signal } = options
  if (!(Number.isInteger(steps) && steps >= 0)) throw new Error(`edit: ${steps} steps; give a whole number from 0`)
  if (!(Number.isInteger(reportEvery) && reportEvery >= 1)) throw new Error(`edit: a report every ${reportEvery} steps; give a whole number from 1`)
  if (!(Number.isInteger(viewsPerStep) && viewsPerStep >= 1)) throw new Error(`edit: ${viewsPerStep} views per step; give a whole number from 1`)
  const samples = options.samples ?? samplesPerRay(scene.config.sampling).edit
  const slots = Math.min(viewsPerStep, Math.max(cameras.length, 1))
  const views = await cacheViews(scene, guidance, cameras, { samples, seed, slots, codes: field.earlier })
  try {
    let found = false
    if (search && field.search) {
      const began = performance.now()
      for await (const { tried, most, guidance: guided } of field.search(guidance, views, { seed, signal })) {
        found = true
        if (tried % reportEvery !== 0) continue
        const eta = ((performance.now() - began) / 1000 / tried) * (most - tried)
        yield { stage: 'search', step: tried, steps: most, loss: guided, guidance: guided, tv: 0, eta }
      }
    }
    const weight = tvWeight === 'balanced' ? await balancedWeight(scene, field, guidance, views) : tvWeight
    using graph = recordEditStep(scene, field, guidance, views, weight)
    const rates = options.rates ?? (found ? (field.refiningRates ?? field.rates) : field.rates)
    const rate = exponentialSchedule(rates[0], rates[1], steps)
    const began = performance.now()
    const plateau = new Plateau(options.patience, Math.ceil(cameras.length / slots))
    for (let step = 0; step < steps && !signal?.aborted; step++) {
      guidance.prepare?.(step, seed)
      graph.run(step, viewsOfStep(step, slots, cameras.length, seed), rate(step))
      const done = step + 1
      const reports = done % reportEvery === 0 || done === steps
      if (reports || plateau.watches) {
        const [[loss], [guided], [tv]] = await Promise.all([graph.loss, graph.guided, graph.tv].map(x => (x ? graph.plan.read(x) : [0])))
        if (!Number.isFinite(loss)) throw new Error(`edit: the loss is ${loss} at step ${done}; lower the learning rate`)
        const flat = plateau.reached(loss)
        const eta = flat ? 0 : ((performance.now() - began) / 1000 / done) * (steps - done)
        if (reports || flat) yield { stage: 'descent', step: done, steps, loss, guidance: guided, tv, eta }
        if (flat) break
      }
      await new Promise(resolve => setTimeout(resolve))
    }
  } finally {
    views.release()
  }
}

/** Numbers of the views a step sees: every view once per round, in an order of its own. */
function viewsOfStep(step: number, slots: number, count: number, seed: number): number[] {
  return Array.from({ length: slots }, (_, slot) => {
    const at = step * slots + slot
    return shuffled(count, hash3(seed, VIEW_STREAM, Math.floor(at / count)))[at % count]
  })
}

function shuffled(n: number, seed: number): number[] {
  const random = new HostRandom(seed, VIEW_STREAM)
  const order = Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}
