/** Guidance by example: the edited face should look like given pictures from given cameras. */
import type { Camera } from '../camera/camera.ts'
import type { SceneManipulator } from '../nerf/sceneManipulator.ts'
import { intoSpace } from '../nerf/space.ts'
import { tensor } from '../tensor/device.ts'
import { concat, sliceColumns } from '../tensor/ops/concat.ts'
import { affine, mul, reciprocal, square, sub } from '../tensor/ops/elementwise.ts'
import { gatherRows } from '../tensor/ops/gather.ts'
import { broadcast, mulRows, sum } from '../tensor/ops/reduce.ts'
import { reshape, type Tensor } from '../tensor/tensor.ts'
import type { Guidance } from './guidance.ts'
import type { TargetPicture } from './targetPicture.ts'

/** Guidance by pictures, with the cameras that they were taken by. */
export interface PictureGuidance extends Guidance {
  /** The pictures' cameras in space units: the views that an edit by this guidance takes, in this order. */
  readonly cameras: readonly Camera[]
}

/** Added to the unedited picture's mean squared error: where it matches the target to 50 dB there is nothing to gain. */
const NOISE = 1e-5

/**
 * Photometric guidance: the weighted squared difference to the target of the view, as a share of what the unedited picture leaves (1 unedited, 0 the
 * target itself), so that every view counts alike and the weight of the total variation means the same as for text. The pictures show the head in the
 * pose of w_R. Throws for no picture, for pictures of different sizes, and for images or masks that do not fill theirs.
 */
export function pictureGuidance(scene: SceneManipulator, targets: readonly TargetPicture[]): PictureGuidance {
  if (targets.length === 0) throw new Error('pictureGuidance: no target picture; give at least one with its camera')
  const [width, height] = targets[0].camera.imageSize
  const P = width * height
  for (const [i, target] of targets.entries()) checkTarget(target, i, [width, height])
  const row = 4 * P // targets' rgb, then weights
  const table = new Float32Array(targets.length * row)
  for (const [view, { image, mask }] of targets.entries()) {
    const weights = mask ?? new Float32Array(P).fill(1)
    const total = 3 * weights.reduce((a, b) => a + b, 0)
    table.set(image, view * row)
    table.set(
      weights.map(w => w / total),
      view * row + 3 * P,
    )
  }
  const rows = tensor(scene.device, table, [targets.length, row])

  /** Σ w (p − t)² of one picture, with the view's row [1, 4 · P]. */
  const error = (picture: Tensor, reference: Tensor): Tensor => {
    const target = reshape(sliceColumns(reference, 0, 3 * P), [P, 3])
    const weights = reshape(sliceColumns(reference, 3 * P, row), [P])
    return sum(mulRows(square(sub(reshape(picture, [P, 3]), target)), weights))
  }
  return {
    name: `${targets.length} target picture${targets.length === 1 ? '' : 's'}`,
    cameras: targets.map(target => intoSpace(target.camera, scene.description.space)),
    featureSize: row,
    describe(pictures, views) {
      const target = gatherRows(rows, views)
      const share = reciprocal(affine(error(pictures, target), 1, NOISE))
      const weights = sliceColumns(target, 3 * P, row)
      return concat([sliceColumns(target, 0, 3 * P), mul(weights, broadcast(share, [1, P]))])
    },
    loss: error,
  }
}

function checkTarget({ camera, image, mask }: TargetPicture, i: number, [width, height]: readonly [number, number]): void {
  const [w, h] = camera.imageSize
  if (w !== width || h !== height)
    throw new Error(`pictureGuidance: picture ${i} is ${w}x${h}, picture 0 is ${width}x${height}; scale pictures and cameras to one size`)
  if (image.length !== 3 * width * height)
    throw new Error(`pictureGuidance: picture ${i} has ${image.length} values, its camera ${width}x${height} pixels; give rgb of the camera's size`)
  if (!mask) return
  if (mask.length !== width * height || !mask.every(w => w >= 0) || !mask.some(w => w > 0))
    throw new Error(
      `pictureGuidance: the mask of picture ${i} has ${mask.length} values for ${width}x${height} pixels, or no weight; give one from 0 per pixel`,
    )
}
