/**
 * Where an edit starts. The guidance has deep local minima: for "closed eyes and opened mouth" the eyes close first, and from there a mouth that is a little open
 * looks worse than one that is shut. Gradients do not lead across; whole expressions do. So regions of the face, found where the anchors differ, first try
 * every anchor as it is, larger regions before smaller ones, and the compositor learns the best patchwork before its own descent begins.
 */
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { Adam } from '../nn/optimizer.ts'
import { Storage } from '../tensor/device.ts'
import { HostRandom } from '../tensor/hostRandom.ts'
import { dense } from '../tensor/ops/dense.ts'
import { add, affine, log, mul } from '../tensor/ops/elementwise.ts'
import { sum } from '../tensor/ops/reduce.ts'
import { repeatRows } from '../tensor/ops/rows.ts'
import { softmax } from '../tensor/ops/softmax.ts'
import { compile } from '../tensor/plan.ts'
import { rowCount, type Tensor } from '../tensor/tensor.ts'
import type { AnchorCompositor } from './anchorCompositor.ts'
import type { SearchStep } from './editableCodes.ts'
import type { Guidance } from './guidance.ts'
import { type RegionTree, regionTree } from './regions.ts'
import { judgedNumbers, judgedViews, renderSelected, type ViewCache } from './viewCache.ts'

/** Smallest regions: brows, eyes and mouth, left and right. */
const REGIONS = 6
/** Rounds through all regions, at most; the last changes nothing. */
const ROUNDS = 3
/** Width of the border between regions, as a variance in space units (the face's half picture is 1). */
const BORDER = 0.01
/** Share of the chosen anchor in the patchwork that the compositor learns: short of 1, where a softmax has no gradient left. */
const SURE = 0.85
const FIT_STEPS = 160
const FIT_RATE = 1e-2
const FIT_POINTS = 4096
const FIT_STREAM = 7

/** Starts the compositor from the best patchwork of whole anchors. Ends early, with the compositor untouched, when the signal aborts. */
export async function* searchRegions(
  scene: SceneManipulator,
  compositor: AnchorCompositor,
  guidance: Guidance,
  views: ViewCache,
  { seed, signal }: { seed: number; signal?: AbortSignal },
): AsyncGenerator<SearchStep> {
  const K = compositor.shares.length
  using patchwork = recordPatchwork(scene, compositor, guidance, views)
  const judged = judgedNumbers(views)
  const most = K + ROUNDS * (2 * REGIONS - 1) * (K - 1)
  let tried = 0
  /** @param look is called for every judged view while the patchwork still shows it. */
  const judge = async (choice: readonly number[], look?: (v: number) => Promise<void>): Promise<number> => {
    const total = await judgedViews(views, async v => {
      const guided = await patchwork.judge(choice)
      await look?.(v)
      return guided
    })
    tried++
    if (!Number.isFinite(total)) throw new Error(`edit: the loss is ${total} before the first step; check the scene and the guidance`)
    return total
  }

  patchwork.divide({ centres: Array.from({ length: REGIONS }, () => [0, 0, 0]), regions: [] })
  const everywhere = (k: number): number[] => Array.from({ length: REGIONS }, () => k)
  let best = { choice: everywhere(0), guidance: Number.POSITIVE_INFINITY }
  // Surface points of the judged views' pixels under the neutral anchor, and how much the others differ from it there.
  const P = views.width * views.height
  const neutral: Float32Array[] = []
  const points = new Float32Array(judged.length * P * 3)
  const weights = new Float32Array(judged.length * P)
  for (let k = 0; k < K && !signal?.aborted; k++) {
    const guided = await judge(everywhere(k), async v => {
      const shown = await patchwork.picture()
      if (k > 0) return raise(weights.subarray(v * P, (v + 1) * P), shown, neutral[v])
      neutral.push(shown)
      points.set(await patchwork.surface(), v * P * 3)
    })
    if (guided < best.guidance) best = { choice: everywhere(k), guidance: guided }
    yield { tried, most, guidance: best.guidance }
  }
  if (weights.every(w => w === 0)) return
  const tree = regionTree(points, weights, REGIONS)
  patchwork.divide(tree)
  for (let round = 0, changed = true; round < ROUNDS && changed; round++) {
    changed = false
    for (const region of tree.regions) {
      for (let k = 0; k < K; k++) {
        if (signal?.aborted) return
        if (region.every(leaf => best.choice[leaf] === k)) continue
        const choice = best.choice.map((old, leaf) => (region.includes(leaf) ? k : old))
        const guided = await judge(choice)
        if (guided < best.guidance) {
          best = { choice, guidance: guided }
          changed = true
        }
        yield { tried, most, guidance: best.guidance }
      }
    }
  }
  patchwork.choose(best.choice, SURE)
  await learn(compositor, patchwork.ratios, { points, weights }, seed)
}

interface Patchwork extends Disposable {
  /** The patchwork's ratios [Q, K] at points [Q, 3]. */
  ratios(x: Tensor): Tensor
  divide(tree: RegionTree): void
  /** Gives each smallest region an anchor, with share `sure`. */
  choose(choice: readonly number[], sure?: number): void
  /** The guidance of the selected view under a choice. */
  judge(choice: readonly number[]): Promise<number>
  /** The view last judged, rgb [P · 3], and the points of its surface [P · 3]. */
  picture(): Promise<Float32Array>
  surface(): Promise<Float32Array>
}

/** Raises each pixel's weight [P] to its squared difference between two pictures [P · 3]. */
function raise(weights: Float32Array, a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < weights.length; i++) {
    let d = 0
    for (let c = 0; c < 3; c++) d += (a[3 * i + c] - b[3 * i + c]) ** 2
    weights[i] = Math.max(weights[i], d)
  }
}

function recordPatchwork(scene: SceneManipulator, compositor: AnchorCompositor, guidance: Guidance, views: ViewCache): Patchwork {
  const { device } = scene
  const K = compositor.shares.length
  const directions = new Storage(device, 3 * REGIONS)
  const offsets = new Storage(device, REGIONS)
  const choices = new Storage(device, REGIONS * K)
  // The nearest centre by a softmax of −|x − c|² / border; |x|² is common to all.
  const ratios = (x: Tensor): Tensor => {
    const nearness = add(dense(x, directions.tensor([3, REGIONS])), repeatRows(offsets.tensor([1, REGIONS]), rowCount(x.shape)))
    return compositor.confine(dense(softmax(nearness), choices.tensor([REGIONS, K])), x)
  }
  const { picture, channels: surface } = renderSelected(scene, views, x => ({ codes: compositor.mix(ratios(x), x), channels: x }))
  const guided = guidance.loss(picture, views.selected.reference)
  const plan = compile(device, { outputs: [guided, picture, surface] })
  const choose = (choice: readonly number[], sure = 1): void => {
    const table = new Float32Array(REGIONS * K).fill((1 - sure) / (K - 1))
    for (const [leaf, k] of choice.entries()) table[leaf * K + k] = sure
    choices.write(table)
  }
  return {
    ratios,
    choose,
    divide({ centres }) {
      const scale = new Float32Array(3 * REGIONS)
      const offset = new Float32Array(REGIONS).fill(-1e4)
      for (const [g, c] of centres.entries()) {
        for (let axis = 0; axis < 3; axis++) scale[axis * REGIONS + g] = (2 * c[axis]) / BORDER
        offset[g] = -(c[0] ** 2 + c[1] ** 2 + c[2] ** 2) / BORDER
      }
      directions.write(scale)
      offsets.write(offset)
    },
    async judge(choice) {
      choose(choice)
      plan.run()
      return (await plan.read(guided))[0]
    },
    picture: () => plan.read(picture),
    surface: () => plan.read(surface),
    [Symbol.dispose]() {
      plan[Symbol.dispose]()
      for (const storage of [directions, offsets, choices]) storage.release()
    },
  }
}

/**
 * Trains the compositor towards the patchwork's ratios at points of the surface: cross entropy. Every other point is drawn by how much the anchors differ there,
 * which is little of the picture and all that an edit shows.
 */
async function learn(
  compositor: AnchorCompositor,
  target: (x: Tensor) => Tensor,
  { points, weights }: { readonly points: Float32Array; readonly weights: Float32Array },
  seed: number,
): Promise<void> {
  const { device } = compositor.scene
  const batch = new Storage(device, FIT_POINTS * 3)
  const x = batch.tensor([FIT_POINTS, 3])
  const loss = affine(sum(mul(target(x), log(affine(compositor.ratios(x), 1, 1e-6)))), -1 / FIT_POINTS)
  const adam = new Adam(device, compositor.parameters)
  const { effects, into } = adam.minimize(loss)
  try {
    using plan = compile(device, { effects, into })
    const random = new HostRandom(seed, FIT_STREAM)
    const byWeight = drawnBy(weights)
    const drawn = new Float32Array(FIT_POINTS * 3)
    for (let step = 0; step < FIT_STEPS; step++) {
      for (let i = 0; i < FIT_POINTS; i++) {
        const from = 3 * (i % 2 === 0 ? random.integer(points.length / 3) : byWeight(random.next()))
        drawn.set(points.subarray(from, from + 3), 3 * i)
      }
      batch.write(drawn)
      adam.schedule(step, { compositor: FIT_RATE })
      plan.run()
      await new Promise(resolve => setTimeout(resolve))
    }
  } finally {
    adam.release()
    batch.release()
  }
}

/** Indices drawn by weights [P] ≥ 0, some of them above 0: from uniforms in [0, 1). */
function drawnBy(weights: Float32Array): (uniform: number) => number {
  const sums = new Float64Array(weights.length)
  let total = 0
  for (const [i, weight] of weights.entries()) {
    total += weight
    sums[i] = total
  }
  return uniform => {
    let [low, high] = [0, sums.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle] <= uniform * total) low = middle + 1
      else high = middle
    }
    return low
  }
}
