/** A region by what a picture shows of it: the pixels that a mask or a brush marks, taken to the surface of the face. */
import type { Camera } from '../camera/camera.ts'
import { dot } from '../camera/vector.ts'
import type { CodeField } from '../nerf/codeField.ts'
import { createRenderer } from '../nerf/render.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { intoSpace } from '../nerf/space.ts'
import type { FaceRegion } from './faceRegion.ts'
import { type MarkedPoints, pointRegion } from './pointRegion.ts'

/** What lies farther than this from the middle of what is marked, along the view, is no longer the face but what is behind it. Space units. */
const DEEPEST = 0.6

/**
 * The points of the surface that `camera` (space units) sees in the pixels where `mask` [H · W] is above one half: where their rays become half opaque. None where
 * the mask marks nothing. Throws when it is of another size than the camera's pictures.
 * @param codes of the face that is seen; default the neutral one.
 */
export async function markedSurface(
  scene: SceneManipulator,
  mask: ArrayLike<number>,
  camera: Camera,
  { codes = scene.referenceField, name = 'mask' }: { codes?: CodeField; name?: string } = {},
): Promise<MarkedPoints> {
  const [width, height] = camera.imageSize
  const along = camera.orientation[2]
  if (mask.length !== width * height)
    throw new Error(`region: the mask ${name} has ${mask.length} values, its camera ${width}x${height} pixels; give one value per pixel`)
  const inside = Array.from({ length: mask.length }, (_, i) => i).filter(i => mask[i] > 0.5)
  if (inside.length === 0) return { points: new Float32Array(0), along }
  const [columns, rows] = [inside.map(i => i % width), inside.map(i => Math.floor(i / width))].map(spanOf)
  const [x, y] = camera.principalPoint
  const cut: Camera = { ...camera, principalPoint: [x - columns.first, y - rows.first], imageSize: [columns.count, rows.count] }
  using renderer = createRenderer(scene, codes, { channels: at => at, channelsAt: 'median' })
  const { channels } = await renderer.render(cut)
  const pixels = inside.map(i => (Math.floor(i / width) - rows.first) * columns.count + (i % width) - columns.first)
  const depths = pixels.map(i => dot(along, [channels[3 * i], channels[3 * i + 1], channels[3 * i + 2]]))
  const middle = [...depths].sort((a, b) => a - b)[depths.length >> 1]
  const face = pixels.filter((_, k) => Math.abs(depths[k] - middle) < DEEPEST)
  return { points: Float32Array.from(face.flatMap(i => [...channels.subarray(3 * i, 3 * i + 3)])), along }
}

/** First and number of the whole numbers that span these. */
function spanOf(values: readonly number[]): { readonly first: number; readonly count: number } {
  const first = values.reduce((a, b) => Math.min(a, b))
  return { first, count: values.reduce((a, b) => Math.max(a, b)) - first + 1 }
}

/**
 * The region that a mask shows: the surface of the neutral face seen by `camera` (scene units, as of target pictures) where `mask` [H · W] is above one half.
 * Throws when the mask is of another size than the camera's pictures or marks nothing.
 */
export async function maskedRegion(scene: SceneManipulator, mask: ArrayLike<number>, camera: Camera, name: string): Promise<FaceRegion> {
  const marked = await markedSurface(scene, mask, intoSpace(camera, scene.description.space), { name })
  if (marked.points.length === 0) throw new Error(`region: the mask ${name} marks no pixel; give one that is white where the edit may act`)
  return pointRegion([marked], name)
}
