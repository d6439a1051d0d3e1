/** Trains a scene manipulator on its capture: one recorded step, replayed. */

import type { Capture } from '../capture/capture.ts'
import { logLipschitz } from '../nn/lipschitz.ts'
import { HostRandom } from '../tensor/hostRandom.ts'
import { gridUpdate } from '../tensor/ops/densityGrid.ts'
import { gatherRows } from '../tensor/ops/gather.ts'
import { addNoise, uniform } from '../tensor/ops/random.ts'
import { weightedSum } from '../tensor/ops/weightedSum.ts'
import { compile, type Plan } from '../tensor/plan.ts'
import { type KernelProfile, kernelProfiles } from '../tensor/profileTable.ts'
import type { GraphNode, Tensor } from '../tensor/tensor.ts'
import { turnTaker } from '../tensor/turns.ts'
import type { RenderedLevel } from './coarseFine.ts'
import { rayCodes } from './codeField.ts'
import { contracted } from './coordinates.ts'
import { HostBatch } from './hostBatch.ts'
import { displacementLoss, levelLoss } from './losses.ts'
import { type RayBatch, rayBatches } from './rayBatches.ts'
import { lastLevel, renderRays, templateNames } from './rayLevels.ts'
import type { SceneConfig } from './sceneConfig.ts'
import type { SceneManipulator } from './sceneManipulator.ts'
import { pointsIntoSpace } from './space.ts'
import { trainingSchedules } from './trainingSchedules.ts'

/** How far `train` goes and how often it reports. */
export interface TrainOptions {
  /** Steps to train up to (counting those already done); default the preset's. Schedules stretch over the preset's steps. */
  readonly until?: number
  /** Steps between reports. Default 20. */
  readonly reportEvery?: number
  /** Ends the training after the step under way. */
  readonly signal?: AbortSignal
}

/** What one report says. */
export interface TrainStep {
  readonly step: number
  readonly steps: number
  readonly loss: number
  /** dB, of the step's rays against their pixels. Rays go where the picture is still wrong, so this lies below the PSNR of whole pictures. */
  readonly psnr: number
  readonly raysPerSecond: number
  /** Seconds to the last step at the present pace. */
  readonly eta: number
}

/** Streams of the device's and the host's draws in a step. */
const SAMPLE_STREAM = { last: 2, coarse: 4 }
const BACKGROUND_STREAM = 3
const NOISE_STREAM = 5
const CODE_STREAM = 6

/**
 * Trains in place and reports as it goes. Resumes where the scene stands: a step depends on nothing but the scene, the seed and its number.
 * Ends after the step under way when the signal aborts. Throws for a capture with more codes than the scene, and when the loss is no longer finite.
 */
export async function* train(scene: SceneManipulator, capture: Capture, options: TrainOptions = {}): AsyncGenerator<TrainStep> {
  const { training } = scene.config
  const { until = training.steps, reportEvery = 20, signal } = options
  if (!(Number.isInteger(until) && until >= 0)) throw new Error(`train: until step ${until}; give a whole number from 0`)
  if (!(Number.isInteger(reportEvery) && reportEvery >= 1)) throw new Error(`train: a report every ${reportEvery} steps; give a whole number from 1`)
  const { seed, name, codeCount } = scene.description
  if (capture.codeCount > codeCount)
    throw new Error(
      `train: capture ${capture.name} has ${capture.codeCount} codes, scene ${name} ${codeCount}; train on the capture it was made from`,
    )
  const { rate: rateAt } = trainingSchedules(scene.config)
  const batches = rayBatches(capture, scene.description.space, { ...training, seed, errors: scene.rayErrors })
  scene.rayErrors = batches.errors
  const background = backgroundPoints(capture, scene)
  using graph = recordStep(scene, background !== undefined)
  const adam = scene.adam()
  let reported = performance.now()
  const takeTurn = turnTaker()
  let reportedStep = scene.step
  while (scene.step < until && !signal?.aborted) {
    const { step } = scene
    graph.writeBatch(batches.draw(step), seed, step, background?.(step))
    const rate = rateAt(step)
    const { rates } = training
    adam.schedule(step, {
      template: rates.networks * rate,
      slicing: rates.networks * rate,
      deformation: rates.deformation * rate,
      grid: rates.grid * rate,
      codes: rates.codes * rate,
    })
    graph.plan.run()
    scene.setStep(step + 1)
    if (scene.step % training.observeEvery === 0) batches.observe(await graph.plan.read(graph.rayErrors))
    if (scene.step % reportEvery === 0 || scene.step === until) {
      const [loss] = await graph.plan.read(graph.loss)
      const [mse] = await graph.plan.read(graph.photometric)
      if (!Number.isFinite(loss))
        throw new Error(`train: the loss is ${loss} at step ${scene.step}; lower the learning rates or check the capture's near and far`)
      // Previews and checkpoints between reports show T at the reference as it is now.
      await scene.setReference(scene.referenceCode)
      const now = performance.now()
      const seconds = (now - reported) / 1000 / (scene.step - reportedStep)
      reported = now
      reportedStep = scene.step
      yield {
        step: scene.step,
        steps: until,
        loss,
        psnr: -10 * Math.log10(mse),
        raysPerSecond: training.rays / seconds,
        eta: seconds * (until - scene.step),
      }
    }
    await takeTurn()
  }
  await scene.setReference(scene.referenceCode)
}

/** What a training step's kernels take and do. Trains the scene by two steps, unscheduled: profile after saving. Empty where the device has no clock for kernels. */
export async function profileStep(scene: SceneManipulator, capture: Capture): Promise<KernelProfile[]> {
  const { seed, space } = scene.description
  const background = backgroundPoints(capture, scene)
  using graph = recordStep(scene, background !== undefined)
  const { step } = scene
  graph.writeBatch(rayBatches(capture, space, { ...scene.config.training, seed }).draw(step), seed, step, background?.(step))
  graph.plan.run()
  return kernelProfiles(await graph.plan.profile())
}

/** The capture's static points, a few per step with random codes; undefined when the capture has none. */
function backgroundPoints(capture: Capture, scene: SceneManipulator): ((step: number) => BackgroundBatch) | undefined {
  const n = scene.config.training.backgroundPoints
  const all = pointsIntoSpace(capture.backgroundPoints, scene.description.space)
  const count = all.length / 3
  if (count === 0 || n === 0) return undefined
  const points = new Float32Array(n * 3)
  const codes = new Uint32Array(n)
  return step => {
    const random = new HostRandom(scene.description.seed + Math.imul(step, 0x9e3779b1), BACKGROUND_STREAM)
    for (let i = 0; i < n; i++) {
      const j = random.integer(count) * 3
      points.set(all.subarray(j, j + 3), 3 * i)
      codes[i] = random.integer(scene.description.codeCount)
    }
    return { points, codes }
  }
}

/** Static points [B, 3] in space units, and a code for each. */
interface BackgroundBatch {
  readonly points: Float32Array
  readonly codes: Uint32Array
}

interface StepGraph extends Disposable {
  readonly plan: Plan
  readonly loss: Tensor
  readonly photometric: Tensor
  /** Squared colour error of each ray, [R]. */
  readonly rayErrors: Tensor
  /** The batch of a step, in one transfer; static points where the graph was recorded with them. */
  writeBatch(rays: RayBatch, seed: number, step: number, background?: BackgroundBatch): void
}

/** Records one training step: rays -> samples -> T, H, F -> colours -> losses of every level -> gradients -> Adam and, if there is one, the density grid. */
export function recordStep(scene: SceneManipulator, withBackground: boolean): StepGraph {
  const { device, config, parameters } = scene
  const { rays: R, backgroundPoints: B, warpWeight, warpScale, codeNoise } = config.training
  const { jitter } = trainingSchedules(config)
  const batch = new HostBatch(device, {
    origins: R * 3,
    directions: R * 3,
    colors: R * 3,
    codes: R,
    points: B * 3,
    pointCodes: B,
    seed: 2,
    jitter: 1,
  })
  const W = parameters.get('codes')
  const seed = batch.tensor('seed', [2], 'u32')
  const draw = (pass: 'coarse' | 'last', count: number): Tensor => uniform(seed, [R, count], SAMPLE_STREAM[pass], batch.tensor('jitter', []))
  const known = gatherRows(W, batch.tensor('codes', [R], 'u32'))
  const codes = rayCodes(codeNoise > 0 ? addNoise(known, seed, codeNoise, CODE_STREAM) : known)
  const rays = { origins: batch.tensor('origins', [R, 3]), directions: batch.tensor('directions', [R, 3]) }
  const levels = renderRays(scene, { ...rays, warp: codes, codes, draw })
  const losses = levels.map(level => levelLoss(level, batch.tensor('colors', [R, 3]), warpScale))
  const { errors: rayErrors, photometric } = losses[losses.length - 1]

  const terms = losses.flatMap(level => [
    { value: level.photometric, weight: 1 },
    { value: level.warp, weight: warpWeight },
  ])
  for (const { networks, weight } of boundTerms(config)) terms.push({ value: logLipschitz(parameters, networks), weight })
  if (withBackground) {
    const value = backgroundLoss(scene, batch.tensor('points', [B, 3]), gatherRows(W, batch.tensor('pointCodes', [B], 'u32')), seed)
    terms.push({ value, weight: config.training.backgroundWeight })
  }
  const loss = weightedSum(terms)
  const { effects, into } = scene.adam().minimize(loss)
  const plan = compile(device, { outputs: [loss, photometric, rayErrors], effects: [...effects, ...gridEffects(scene, lastLevel(levels))], into })
  return {
    plan,
    loss,
    photometric,
    rayErrors,
    writeBatch(rays, seed, step, background) {
      const { origins, directions, colors, codes } = rays
      batch.write({
        origins,
        directions,
        colors,
        codes,
        ...(background && { points: background.points, pointCodes: background.codes }),
        seed: Uint32Array.of(seed, step),
        jitter: Float32Array.of(jitter(step)),
      })
    },
    [Symbol.dispose]() {
      plan[Symbol.dispose]()
      batch.release()
    },
  }
}

/** Networks whose bounds are penalised together (Eq. 10), and by how much: H and F at once where they share a weight and, in radianceField.ts, their bounds. */
function boundTerms({ slicing, template, sampling, training }: SceneConfig): { networks: string[]; weight: number }[] {
  const { lipschitz = 'none', lipschitzWeight = training.lipschitzWeight } = slicing
  const weight = training.lipschitzWeight
  const names = templateNames(sampling)
  if (lipschitz !== 'none' && lipschitz === template.lipschitz && lipschitzWeight === weight && names.length === 1)
    return [{ networks: ['H', ...names], weight }]
  return [
    ...(template.lipschitz === 'none' ? [] : names.map(name => ({ networks: [name], weight }))),
    ...(lipschitz === 'none' ? [] : [{ networks: ['H'], weight: lipschitzWeight }]),
  ]
}

/** How far T moves points [B, 3] (space units) of the room, which do not move, under codes [B, d_w]; unweighted, []. */
function backgroundLoss(scene: SceneManipulator, points: Tensor, codes: Tensor, seed: Tensor): Tensor {
  const { backgroundScale, backgroundNoise } = scene.config.training
  const { unit } = scene.coordinates
  const x = backgroundNoise > 0 ? addNoise(points, seed, backgroundNoise * unit, NOISE_STREAM) : points
  return displacementLoss(scene.warp(x, codes), scene.coordinates.from(x), backgroundScale)
}

/** What a step tells the density grid; nothing where a coarse network finds the samples. */
function gridEffects(scene: SceneManipulator, { x, sigma }: RenderedLevel): GraphNode[] {
  const { sampling } = scene.config
  if (sampling.kind === 'coarseFine') return []
  const { gridResolution: resolution, gridDecay: decay, gridFade: fade } = sampling
  return [gridUpdate(scene.densityGrid(resolution), contracted(x), sigma, { resolution, decay, fade })]
}
