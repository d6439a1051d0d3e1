/**
 * Where the parts of a face are, without landmarks: seen from the middle camera, the anchors differ at the mouth below and at eyes and brows above, left and right.
 * The distance of the eyes is the unit by which an average face places the rest.
 */
import type { Camera } from '../camera/camera.ts'
import { dot, type Matrix3, type Vector3 } from '../camera/vector.ts'
import { constantCode } from '../nerf/codeField.ts'
import { createRenderer } from '../nerf/render.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { Storage } from '../tensor/device.ts'
import type { AnchorCodes } from './anchors.ts'
import { editViews } from './editViews.ts'
import type { FaceRegion, RegionPart } from './faceRegion.ts'

/** The frame of a face: x to its own left, y up, z out of it; the unit is the distance of its eyes, the origin between them. */
export interface FaceFrame {
  readonly origin: Vector3
  /** Directions of x, y and z, space units. */
  readonly axes: Matrix3
  /** Space units. */
  readonly eyeDistance: number
}

interface Seen {
  /** Surface of the neutral face, [P · 3]. */
  readonly points: Float32Array
  /** Per anchor but the neutral one: squared difference from it, [P]. */
  readonly changes: readonly Float32Array[]
  readonly camera: Camera
}

/** Eyes to the middle of lips that open and close, in eye distances; lips at rest lie 1.07 below the eyes. */
const EYES_TO_MOUTH = 1.1
/** Share of all change that mouth and eyes must each have, to be found. */
const LEAST_SHARE = 0.05
/** Plausible distances of the eyes: the capture's framing makes half a picture's height one unit. */
const EYE_DISTANCES = [0.08, 0.9] as const

/** Finds the frame. Throws where the anchors do not show mouth and eyes both. */
export async function faceFrame(scene: SceneManipulator, anchors: AnchorCodes): Promise<FaceFrame> {
  const { points, changes, camera } = await seeAnchors(scene, anchors)
  const [right, down, forward] = camera.orientation
  const axes: Matrix3 = [right, down.map(v => -v) as Vector3, forward.map(v => -v) as Vector3]
  const along = (axis: Vector3): Float32Array =>
    Float32Array.from({ length: points.length / 3 }, (_, i) => dot([points[3 * i], points[3 * i + 1], points[3 * i + 2]], axis))
  const [x, y, z] = axes.map(along)
  const all = changes.reduce((sum, change) => sum.map((v, i) => v + change[i]))
  const border = middle(y, all)
  const upper = all.map((v, i) => (y[i] > border ? v : 0))
  const lower = all.map((v, i) => (y[i] > border ? 0 : v))
  const shares = [upper, lower].map(part => total(part) / total(all))
  const centre = middle(x, upper)
  const sides = [upper.map((v, i) => (x[i] > centre ? v : 0)), upper.map((v, i) => (x[i] > centre ? 0 : v))]
  const eyeDistance = meanOf(x, sides[0]) - meanOf(x, sides[1])
  if (!(Math.min(...shares) > LEAST_SHARE && eyeDistance > EYE_DISTANCES[0] && eyeDistance < EYE_DISTANCES[1]))
    throw new Error(
      `faceFrame: the anchors (${anchors.frames.join(', ')}) do not show where eyes and mouth are; give the region as a mask, or select anchors that open and close both`,
    )
  // Brows and cheeks move with the eyes. Anchors whose change above lies where the eyes of an average face would be tell their height.
  const expected = meanOf(y, lower) + EYES_TO_MOUTH * eyeDistance
  const above = changes.map(change => change.map((v, i) => (y[i] > border ? v : 0)))
  const near = above.filter(part => total(part) > 0 && Math.abs(meanOf(y, part) - expected) < 0.35 * eyeDistance)
  const height =
    near.length > 0 ? near.reduce((sum, part) => sum + total(part) * meanOf(y, part), 0) / near.reduce((s, p) => s + total(p), 0) : expected
  const at = [(meanOf(x, sides[0]) + meanOf(x, sides[1])) / 2, height, meanOf(z, upper)]
  const origin = [0, 1, 2].map(c => at[0] * axes[0][c] + at[1] * axes[1][c] + at[2] * axes[2][c]) as Vector3
  return { origin, axes, eyeDistance }
}

/** The anchors from the middle view. */
async function seeAnchors(scene: SceneManipulator, anchors: AnchorCodes): Promise<Seen> {
  const { codeSize } = scene.config
  const code = new Storage(scene.device, codeSize)
  const [camera] = editViews(scene, { count: 1 })
  using renderer = createRenderer(scene, constantCode(code.tensor([codeSize])), { channels: x => x })
  const changes: Float32Array[] = []
  let neutral: { rgb: Float32Array; channels: Float32Array } | undefined
  for (const k of anchors.indices.keys()) {
    code.write(anchors.codes.subarray(k * codeSize, (k + 1) * codeSize))
    const { rgb, channels } = await renderer.render(camera)
    if (neutral) changes.push(difference(rgb, neutral.rgb))
    else neutral = { rgb, channels }
  }
  code.release()
  if (!neutral) throw new Error('faceFrame: no anchors')
  return { points: neutral.channels, changes, camera }
}

function difference(a: Float32Array, b: Float32Array): Float32Array {
  return Float32Array.from({ length: a.length / 3 }, (_, i) => [0, 1, 2].reduce((sum, c) => sum + (a[3 * i + c] - b[3 * i + c]) ** 2, 0))
}

const total = (weights: Float32Array): number => weights.reduce((a, b) => a + b, 0)
const meanOf = (values: Float32Array, weights: Float32Array): number => values.reduce((sum, v, i) => sum + v * weights[i], 0) / total(weights)

/** The border between two groups of weighted values (2-means in one dimension). */
function middle(values: Float32Array, weights: Float32Array): number {
  let border = meanOf(values, weights)
  for (let round = 0; round < 30; round++) {
    const side = (above: boolean): Float32Array => weights.map((w, i) => (values[i] > border === above ? w : 0))
    const [low, high] = [side(false), side(true)]
    if (total(low) === 0 || total(high) === 0) return border
    border = (meanOf(values, low) + meanOf(values, high)) / 2
  }
  return border
}

/** Parts of an average face in its frame: centre x, y and half axes x, y, in eye distances. Left is the face's own. */
const AVERAGE = {
  'left eye': [[0.5, 0, 0.34, 0.2]],
  'right eye': [[-0.5, 0, 0.34, 0.2]],
  'left brow': [[0.54, 0.4, 0.45, 0.17]],
  'right brow': [[-0.54, 0.4, 0.45, 0.17]],
  'left cheek': [[0.62, -0.6, 0.38, 0.4]],
  'right cheek': [[-0.62, -0.6, 0.38, 0.4]],
  nose: [[0, -0.45, 0.32, 0.42]],
  mouth: [[0, -1.25, 0.52, 0.42]],
  jaw: [[0, -1.75, 0.75, 0.3]],
} as const

type PartName = keyof typeof AVERAGE
const PARTS = Object.keys(AVERAGE) as PartName[]

/** Names that stand for several parts. */
const GROUPS: Readonly<Record<string, readonly PartName[]>> = {
  eyes: ['left eye', 'right eye'],
  brows: ['left brow', 'right brow'],
  cheeks: ['left cheek', 'right cheek'],
  'upper face': ['left eye', 'right eye', 'left brow', 'right brow'],
  'lower face': ['mouth', 'jaw', 'left cheek', 'right cheek'],
}

/** What `namedRegion` knows. */
export const REGION_NAMES: readonly string[] = [...PARTS, ...Object.keys(GROUPS)]

/** Half axis out of the face, eye distances: more than a face is deep, so that its profile does not matter. */
const DEPTH = 1.2

/** A region by its name, in the face's frame. Throws for an unknown name, with the known. */
export function namedRegion(frame: FaceFrame, name: string): FaceRegion {
  const names = PARTS.find(part => part === name) ? [name as PartName] : Object.hasOwn(GROUPS, name) ? GROUPS[name] : undefined
  if (!names) throw new Error(`region: no region "${name}"; there are ${REGION_NAMES.join(', ')}`)
  const { origin, axes, eyeDistance } = frame
  const parts = names.flatMap(part =>
    AVERAGE[part].map(([x, y, width, height]): RegionPart => {
      const centre = origin.map((o, c) => o + eyeDistance * (x * axes[0][c] + y * axes[1][c])) as Vector3
      const rows = axes.map((axis, i) => axis.map(v => v / (eyeDistance * [width, height, DEPTH][i])) as Vector3) as Matrix3
      return { centre, rows }
    }),
  )
  return { name, parts }
}
