/**
 * The edit (paper §4.2–4.3): only an editable code field trains, the compositor or one free code; T, H, F and the anchors are frozen. What does not
 * depend on the codes (samples, warp, template features) is computed once per view and cached; gradients flow through every sampled ray.
 */
import type { Camera } from '../camera/camera.ts'
import { samplesPerRay } from '../nerf/rayLevels.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { Adam } from '../nn/optimizer.ts'
import { exponentialSchedule } from '../nn/schedules.ts'
import { HostRandom, hash3 } from '../tensor/hostRandom.ts'
import { add, affine } from '../tensor/ops/elementwise.ts'
import { totalVariation } from '../tensor/ops/totalVariation.ts'
import { compile, type Plan } from '../tensor/plan.ts'
import { lastAxis, reshape, type Tensor } from '../tensor/tensor.ts'
import type { EditableCodes } from './editableCodes.ts'
import type { Guidance } from './guidance.ts'
import { cacheViews, renderSelected, type ViewCache } from './viewCache.ts'

export interface EditOptions {
  readonly steps?: number
  /** Begins at the best start that the code field finds (the compositor: see regionSearch), if it has a search; default true. Otherwise goes on from the field as it is. */
  readonly search?: boolean
  /** Weight of the total variation of the ACR maps, where there are any, against the guidance. */
  readonly tvWeight?: number
  /** Learning rates of the first and the last step, exponential between; default the code field's. */
  readonly rates?: readonly [number, number]
  /** Samples per ray. */
  readonly samples?: number
  readonly seed?: number
  readonly reportEvery?: number
  readonly signal?: AbortSignal
}

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
  const { steps = 60, search = true, tvWeight = 1, rates = field.rates, seed = 0, reportEvery = 10, signal } = options
  const views = await cacheViews(scene, guidance, cameras, { samples: options.samples ?? samplesPerRay(scene.config.sampling).edit, seed })
  try {
    if (search && field.search) {
      const began = performance.now()
      for await (const { tried, most, guidance: guided } of field.search(guidance, views, { seed, signal })) {
        if (tried % reportEvery !== 0) continue
        const eta = ((performance.now() - began) / 1000 / tried) * (most - tried)
        yield { stage: 'search', step: tried, steps: most, loss: guided, guidance: guided, tv: 0, eta }
      }
    }
    using graph = recordEditStep(scene, field, guidance, views, tvWeight)
    const rate = exponentialSchedule(rates[0], rates[1], steps)
    const began = performance.now()
    for (let step = 0; step < steps && !signal?.aborted; step++) {
      // Every view once per round, in an order of its own.
      const order = shuffled(cameras.length, hash3(seed, VIEW_STREAM, Math.floor(step / cameras.length)))
      graph.run(step, order[step % cameras.length], rate(step))
      const done = step + 1
      if (done % reportEvery === 0 || done === steps) {
        const [[loss], [guided], [tv]] = await Promise.all([graph.loss, graph.guided, graph.tv].map(x => (x ? graph.plan.read(x) : [0])))
        if (!Number.isFinite(loss)) throw new Error(`edit: the loss is ${loss} at step ${done}; lower the learning rate`)
        yield { stage: 'descent', step: done, steps, loss, guidance: guided, tv, eta: ((performance.now() - began) / 1000 / done) * (steps - done) }
      }
      await new Promise(resolve => setTimeout(resolve))
    }
  } finally {
    views.release()
  }
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

interface EditGraph extends Disposable {
  readonly plan: Plan
  readonly loss: Tensor
  readonly guided: Tensor
  readonly tv?: Tensor
  run(step: number, view: number, rate: number): void
}

function recordEditStep(scene: SceneManipulator, field: EditableCodes, guidance: Guidance, views: ViewCache, tvWeight: number): EditGraph {
  const { device } = scene
  const values = (x: Tensor): { codes: Tensor; warp?: Tensor; channels: Tensor | undefined } => {
    const { codes, warp, ratios } = field.at(x)
    return { codes, warp, channels: ratios }
  }
  const { parameters } = field
  const sources = parameters.names.map(name => parameters.get(name))
  const { picture, channels: maps } = renderSelected(scene, views, values, sources)
  const guided = guidance.loss(picture, views.selected.reference)
  const tv = maps && totalVariation(reshape(maps, [views.height, views.width, lastAxis(maps.shape)]))
  const loss = tv ? add(guided, affine(tv, tvWeight)) : guided
  const adam = new Adam(device, field.parameters)
  const { effects, into } = adam.minimize(loss)
  const groups = field.parameters.groups.map(group => group.name)
  const plan = compile(device, { outputs: tv ? [loss, guided, tv] : [loss, guided], effects, into })
  return {
    plan,
    loss,
    guided,
    tv,
    run(step, v, rate) {
      views.select(v)
      adam.schedule(step, Object.fromEntries(groups.map(name => [name, rate])))
      plan.run()
    },
    [Symbol.dispose]() {
      plan[Symbol.dispose]()
      adam.release()
    },
  }
}
