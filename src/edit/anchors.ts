/**
 * Anchor codes (paper §4.3): a few codes that sum up the observed deformations. Every code is rendered from one camera with T at rest,
 * described by an expression encoder, and clustered; a cluster's medoid is its anchor. Neutral, the most frequent, comes first.
 */

import type { ExpressionEncoder } from '../clip/textImageEncoder.ts'
import { constantCode } from '../nerf/codeField.ts'
import { createRenderer, type RenderedImage } from '../nerf/render.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { Storage } from '../tensor/device.ts'
import { compile } from '../tensor/plan.ts'
import { turnTaker } from '../tensor/turns.ts'
import { densityClusters, distanceMatrix, groupByLabel, kMedoids, medoid } from './clustering.ts'
import { closeUp } from './editViews.ts'

/** K codes and where they come from; index 0 is neutral. */
export interface AnchorCodes {
  /** [K · d_w] */
  readonly codes: Float32Array
  /** Code index of each anchor. */
  readonly indices: readonly number[]
  /** Frame id of each anchor. */
  readonly frames: readonly string[]
  readonly report: AnchorReport
}

/** How anchors were found. */
export interface AnchorReport {
  readonly encoder: string
  readonly method: 'dbscan' | 'k-medoids'
  /** Radius of DBSCAN: the value of the k-distance curve with the best mean silhouette. */
  readonly eps?: number
  /** Cluster of every code, −1 for codes on the way between expressions. */
  readonly labels: readonly number[]
  readonly sizes: readonly number[]
}

/** How many anchors, and which of them is neutral. */
export interface AnchorOptions {
  /** Number of anchors; found by DBSCAN when absent. */
  readonly count?: number
  /** Code index that must be the neutral anchor and becomes w_R; default the medoid of the largest cluster. */
  readonly reference?: number
  readonly signal?: AbortSignal
}

/** A code is dense when this many, itself included, look alike. A held expression lasts longer than that, the way to it does not: 4.5 % of the frames. */
const densePoints = (codes: number): number => Math.max(4, Math.round(0.045 * codes))

/** Selects anchors and makes the neutral one the scene's reference w_R. Throws when fewer than two expressions are found. */
export async function selectAnchors(
  scene: SceneManipulator,
  encoder: ExpressionEncoder,
  { count, reference, signal }: AnchorOptions = {},
): Promise<AnchorCodes> {
  const { codeCount } = scene.description
  if (count !== undefined && !(Number.isInteger(count) && count >= 2))
    throw new Error(`selectAnchors: ${count} anchors; give a whole number from 2, or none to find it`)
  if (count !== undefined && count > codeCount)
    throw new Error(`selectAnchors: ${count} anchors from ${codeCount} frames; ask for at most ${codeCount}`)
  if (reference !== undefined) await scene.setReference(reference)
  const features = await describeCodes(scene, encoder, signal)
  const distances = distanceMatrix(features)
  const { labels, eps } = count === undefined ? foundClusters(distances) : { labels: kMedoids(distances, count), eps: undefined }
  const bySize = [...groupByLabel(labels)].sort(([, a], [, b]) => b.length - a.length)
  const first = reference === undefined ? bySize[0] : (bySize.find(([label]) => label === labels[reference]) ?? bySize[0])
  const ordered = [first, ...bySize.filter(c => c !== first)]
  const indices = ordered.map(([, members]) => medoid(distances, members))
  if (reference !== undefined) indices[0] = reference
  const sizes = ordered.map(([, members]) => members.length)
  return await anchorsFromCodes(scene, indices, {
    encoder: encoder.name,
    method: eps === undefined ? 'k-medoids' : 'dbscan',
    eps,
    labels: [...labels],
    sizes,
  })
}

/** Clusters whose number is found. Throws, with the remedy, when there are not two expressions. */
function foundClusters(distances: readonly Float64Array[]): { labels: Int32Array; eps?: number } {
  try {
    return densityClusters(distances, densePoints(distances.length))
  } catch (cause) {
    const remedy = 'give the number of anchors (count), train longer, or capture more distinct expressions'
    throw new Error(`selectAnchors: the ${distances.length} codes do not fall into two expressions; ${remedy}`, { cause })
  }
}

/** Anchors that were selected before, by their code indices; makes the first, neutral, the scene's reference w_R. Throws for a code the scene does not have. */
export async function anchorsFromCodes(scene: SceneManipulator, indices: readonly number[], report: AnchorReport): Promise<AnchorCodes> {
  const codes = await readCodes(scene, indices)
  await scene.setReference(indices[0])
  return { codes, indices, frames: indices.map(index => frameOfCode(scene, index)), report }
}

async function readCodes(scene: SceneManipulator, indices: readonly number[]): Promise<Float32Array> {
  const size = scene.config.codeSize
  const codes = new Float32Array(indices.length * size)
  for (const [k, index] of indices.entries()) codes.set(await scene.readCode(index), k * size)
  return codes
}

function frameOfCode(scene: SceneManipulator, index: number): string {
  const frame = scene.description.frames.find(f => f.code === index && f.split === 'train')
  if (!frame) throw new Error(`scene ${scene.description.name}: no training frame has code ${index}`)
  return frame.id
}

/** Pictures per call of the encoder. */
const BATCH = 8

/** A feature vector per latent code, from renderings by one camera (a close-up from the first training frame's) with T at w_R. */
async function describeCodes(scene: SceneManipulator, encoder: ExpressionEncoder, signal?: AbortSignal): Promise<Float32Array[]> {
  const { device } = scene
  const [width, height] = scene.trainingCameras[0].imageSize
  const size = width * height * 3
  const pictures = new Storage(device, BATCH * size)
  const output = encoder.features(pictures.tensor([BATCH, height, width, 3]))
  using plan = compile(device, { outputs: [output] })
  const indices = Array.from({ length: scene.description.codeCount }, (_, i) => i)
  const features: Float32Array[] = []
  try {
    for await (const { rgb } of renderCodes(scene, indices, signal)) {
      const slot = features.length % BATCH
      pictures.write(rgb, slot * size)
      features.push(new Float32Array())
      if (slot < BATCH - 1 && features.length < indices.length) continue
      plan.run()
      const all = await plan.read(output)
      for (let i = 0; i <= slot; i++) features[features.length - 1 - slot + i] = all.slice(i * encoder.size, (i + 1) * encoder.size)
    }
    return features
  } finally {
    pictures.release()
  }
}

/** Renders latent codes one after the other in a close-up from the first training camera, T at w_R: what H alone can show. */
export async function* renderCodes(scene: SceneManipulator, indices: readonly number[], signal?: AbortSignal): AsyncGenerator<RenderedImage> {
  const code = new Storage(scene.device, scene.config.codeSize)
  using renderer = createRenderer(scene, constantCode(code.tensor([scene.config.codeSize])))
  const camera = closeUp(scene.trainingCameras[0])
  const takeTurn = turnTaker()
  try {
    for (const index of indices) {
      await takeTurn()
      signal?.throwIfAborted()
      code.write(await scene.readCode(index))
      yield await renderer.render(camera)
    }
  } finally {
    code.release()
  }
}
