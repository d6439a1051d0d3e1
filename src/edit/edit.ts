/**
 * Text-driven edit (paper §4.2–4.3): only the compositor trains; T, H, F and the anchors are frozen. What does not depend on the compositor
 * (samples, warp, template features) is computed once per view and cached; gradients flow through every sampled ray.
 */
import type { Camera } from '../camera/camera.ts'
import { imageRays } from '../camera/rays.ts'
import { sampleRays } from '../nerf/render.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { Adam } from '../nn/optimizer.ts'
import { exponentialSchedule, type Schedule } from '../nn/schedules.ts'
import { Storage } from '../tensor/device.ts'
import { HostRandom, hash3 } from '../tensor/hostRandom.ts'
import { add, affine } from '../tensor/ops/elementwise.ts'
import { gatherRows } from '../tensor/ops/gather.ts'
import { rayPoints } from '../tensor/ops/rayPoints.ts'
import { rayWeights } from '../tensor/ops/rayWeights.ts'
import { sumSamples } from '../tensor/ops/sumSamples.ts'
import { totalVariation } from '../tensor/ops/totalVariation.ts'
import { compile } from '../tensor/plan.ts'
import { reshape, type Tensor } from '../tensor/tensor.ts'
import type { AnchorCompositor } from './anchorCompositor.ts'
import type { Guidance } from './guidance.ts'

export interface EditOptions {
  /** Steps after the best start is found. */
  readonly steps?: number
  /**
   * Random starts of the compositor that are tried for a while; the best goes on. The guidance has deep local minima ("closed eyes" alone for
   * "closed eyes and opened mouth"), and one start in three or four leads past them. 1 goes on from the compositor as it is.
   */
  readonly starts?: number
  /** Weight of the total variation of the ACR maps against the guidance. */
  readonly tvWeight?: number
  /** Learning rate of a start's first step, of its last and the first after it, and of the last. */
  readonly rates?: readonly [number, number, number]
  /** Samples per ray. */
  readonly samples?: number
  readonly seed?: number
  readonly reportEvery?: number
  readonly signal?: AbortSignal
}

export interface EditStep {
  readonly step: number
  readonly steps: number
  readonly loss: number
  /** The guidance's part of the loss. */
  readonly guidance: number
  /** Total variation of the ACR maps, unweighted. */
  readonly tv: number
  readonly eta: number
}

const JITTER_STREAM = 5
const VIEW_STREAM = 6

/** Steps each start is given, at most. */
const SCOUT_STEPS = 48

/**
 * Trains the compositor so that the scene, seen from `cameras` (space units, one picture size), lowers the guidance.
 * Ends after the step under way when the signal aborts. Throws for views of different sizes and when the loss is not finite.
 */
export async function* edit(
  scene: SceneManipulator,
  compositor: AnchorCompositor,
  guidance: Guidance,
  cameras: readonly Camera[],
  options: EditOptions = {},
): AsyncGenerator<EditStep> {
  const { steps = 60, starts = 4, tvWeight = 1, rates = [3e-2, 1e-2, 3e-3], seed = 0, reportEvery = 10, signal } = options
  const views = await cacheViews(scene, guidance, cameras, options.samples ?? scene.config.sampling.samples, seed)
  const adam = new Adam(scene.device, compositor.parameters)
  const graph = recordEditStep(scene, compositor, guidance, views, tvWeight, adam)
  using plan = graph.plan
  const scoutSteps = starts > 1 ? Math.min(SCOUT_STEPS, steps) : 0
  const total = starts * scoutSteps + steps
  const began = performance.now()
  let done = 0
  /** Runs `count` steps; returns the mean guidance over the last round of views. */
  async function* run(count: number, rate: Schedule): AsyncGenerator<EditStep, number> {
    const last: number[] = []
    for (let step = 0; step < count && !signal?.aborted; step++) {
      // Every view once per round, in an order of its own.
      const order = shuffled(cameras.length, hash3(seed, VIEW_STREAM, Math.floor(step / cameras.length)))
      graph.view.write(Uint32Array.of(order[step % cameras.length]))
      adam.schedule(step, { compositor: rate(step) })
      plan.run()
      done++
      if (step >= count - cameras.length) last.push((await plan.read(graph.guided))[0])
      if (done % reportEvery === 0 || done === total) {
        const [[loss], [guided], [tv]] = await Promise.all([graph.loss, graph.guided, graph.tv].map(x => plan.read(x)))
        if (!Number.isFinite(loss)) throw new Error(`edit: the loss is ${loss} at step ${done}; lower the learning rate`)
        yield { step: done, steps: total, loss, guidance: guided, tv, eta: ((performance.now() - began) / 1000 / done) * (total - done) }
      }
      await new Promise(resolve => setTimeout(resolve))
    }
    return last.reduce((a, b) => a + b, 0) / last.length
  }
  try {
    let best: { guidance: number; parameters: Float32Array } | undefined
    for (let start = 0; start < starts && scoutSteps > 0 && !signal?.aborted; start++) {
      compositor.parameters.initialize(seed + start)
      adam.reset()
      const reached = yield* run(scoutSteps, exponentialSchedule(rates[0], rates[1], scoutSteps))
      if (!best || reached < best.guidance) best = { guidance: reached, parameters: await compositor.parameters.flat.read() }
    }
    if (best) compositor.parameters.flat.write(best.parameters)
    adam.reset()
    yield* run(steps, exponentialSchedule(rates[1], rates[2], steps))
  } finally {
    adam.release()
    graph.view.release()
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

/** What the frozen part of the scene says about every view, one row per view. */
interface ViewCache {
  readonly width: number
  readonly height: number
  readonly samples: number
  readonly count: number
  /** Sample points, warped points, template features, where each sample's stretch begins, directions, guidance features of the unedited picture. */
  readonly x: Storage
  readonly warped: Storage
  readonly position: Storage
  readonly starts: Storage
  readonly directions: Storage
  readonly reference: Storage
  readonly positionSize: number
  release(): void
}

async function cacheViews(scene: SceneManipulator, guidance: Guidance, cameras: readonly Camera[], M: number, seed: number): Promise<ViewCache> {
  const { device, config } = scene
  if (cameras.length === 0) throw new Error('edit: no views; give at least one camera')
  const [width, height] = cameras[0].imageSize
  if (cameras.some(c => c.imageSize[0] !== width || c.imageSize[1] !== height))
    throw new Error('edit: the views differ in size; scale the cameras to one size')
  const R = width * height
  const Q = R * M
  const V = cameras.length
  const rays = { origins: new Storage(device, R * 3), directions: new Storage(device, R * 3), jitter: new Storage(device, Q) }
  const o = rays.origins.tensor([R, 3])
  const d = rays.directions.tensor([R, 3])
  const { z, starts } = sampleRays(scene, o, d, rays.jitter.tensor([R, M]))
  const x = rayPoints(o, d, z)
  const codes = scene.referenceField(x)
  const warped = scene.warp(x, codes)
  const position = scene.encodeTemplate(warped)
  const { rgb, sigma } = scene.radiance({ warped, position, directions: d }, codes)
  const picture = sumSamples(rayWeights(reshape(sigma, [R, M]), starts, undefined, { infinity: true }), rgb)
  const reference = guidance.describe(reshape(picture, [1, height, width, 3]))
  const outputs = [x, warped, position, starts, d, reference]
  using plan = compile(device, { outputs })
  const tables = outputs.map(output => new Storage(device, aligned(output.length) * V))
  for (const [view, camera] of cameras.entries()) {
    const all = imageRays(camera)
    const random = new HostRandom(seed + view, JITTER_STREAM)
    rays.origins.write(all.origins)
    rays.directions.write(all.directions)
    rays.jitter.write(Float32Array.from({ length: Q }, () => random.next()))
    plan.run()
    for (const [i, output] of outputs.entries()) tables[i].write(await plan.read(output), view * output.length)
  }
  for (const storage of Object.values(rays)) storage.release()
  return {
    width,
    height,
    samples: M,
    count: V,
    x: tables[0],
    warped: tables[1],
    position: tables[2],
    starts: tables[3],
    directions: tables[4],
    reference: tables[5],
    positionSize: config.template.levels * config.template.features,
    release() {
      for (const table of tables) table.release()
    },
  }
}

/** Room for whole rows of 256 bytes. */
const aligned = (length: number): number => Math.ceil(length / 64) * 64

interface EditGraph {
  readonly plan: ReturnType<typeof compile>
  readonly view: Storage
  readonly loss: Tensor
  readonly guided: Tensor
  readonly tv: Tensor
}

function recordEditStep(
  scene: SceneManipulator,
  compositor: AnchorCompositor,
  guidance: Guidance,
  views: ViewCache,
  tvWeight: number,
  adam: Adam,
): EditGraph {
  const { device } = scene
  const { width, height, samples: M, count: V } = views
  const R = width * height
  const Q = R * M
  const K = compositor.anchors.indices.length
  const view = new Storage(device, 1, 'u32')
  const index = view.tensor([1])
  const pick = (table: Storage, shape: number[]): Tensor => reshape(gatherRows(table.tensor([V, shape.reduce((a, b) => a * b)]), index), shape)
  const x = pick(views.x, [Q, 3])
  const ratios = compositor.ratios(x)
  const { rgb, sigma } = scene.radiance(
    { warped: pick(views.warped, [Q, 3]), position: pick(views.position, [Q, views.positionSize]), directions: pick(views.directions, [R, 3]) },
    compositor.mix(ratios),
  )
  const weights = rayWeights(reshape(sigma, [R, M]), pick(views.starts, [R, M]), undefined, { infinity: true })
  const picture = reshape(sumSamples(weights, rgb), [1, height, width, 3])
  const maps = reshape(sumSamples(weights, ratios), [height, width, K])
  const guided = guidance.loss(picture, pick(views.reference, [1, guidance.featureSize]))
  const tv = totalVariation(maps)
  const loss = add(guided, affine(tv, tvWeight))
  const { effects, into } = adam.minimize(loss)
  return { plan: compile(device, { outputs: [loss, guided, tv], effects, into }), view, loss, guided, tv }
}
