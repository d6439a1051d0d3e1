/**
 * Random views of one picture for a guidance: a crop, shifted and a little smaller than the picture, and another tint of what lies behind the head. What an
 * encoder likes in one framing only, and in the background, no longer pays. The edited picture and the one it is compared with get the same.
 */
import { type Device, Storage, tensor } from '../tensor/device.ts'
import { HostRandom } from '../tensor/hostRandom.ts'
import { concat, sliceColumns } from '../tensor/ops/concat.ts'
import { dense } from '../tensor/ops/dense.ts'
import { add, affine, sigmoid, square } from '../tensor/ops/elementwise.ts'
import { sumLast } from '../tensor/ops/reduce.ts'
import { permute } from '../tensor/ops/transpose.ts'
import { reshape, type Tensor } from '../tensor/tensor.ts'
import type { Guidance } from './guidance.ts'

/** How far views of one picture differ. */
export interface AugmentationOptions {
  /** Least side of a crop as a share of the picture's. Default 0.8. */
  readonly crop?: number
  /** Most by which a colour channel of the background moves, sRGB 0..1. Default 0.3. */
  readonly tint?: number
}

const STREAM = 8
/** Radius of the ball that holds the head, space units: half the height of a picture is 1. */
const HEAD = 1.1
/** Sharpness of its border. */
const BORDER = 8

/**
 * The guidance with a new crop and tint in every step; without a step, as a search judges, neither. Its pictures are all `width` x `height`. Twice the encoder's work: the
 * unedited picture is cropped and seen anew. Not for guidance by pictures, which is told where it looks from: throws for it.
 */
export function augmented(
  device: Device,
  guidance: Guidance,
  [width, height]: readonly [number, number],
  { crop = 0.8, tint = 0.3 }: AugmentationOptions = {},
): Guidance {
  if ('cameras' in guidance) throw new Error(`augmented: ${guidance.name} compares pixel by pixel; leave augmentation out`)
  if (!(crop > 0.3 && crop <= 1)) throw new Error(`augmented: crop ${crop}; give a share of the picture's side, above 0.3 and at most 1`)
  const P = width * height
  const rows = new Storage(device, height * height)
  const columns = new Storage(device, width * width)
  const color = new Storage(device, 3)
  const whole = (size: number): Float32Array => interpolation(size, 0, 1)
  rows.write(whole(height))
  columns.write(whole(width))
  color.write(new Float32Array(3))
  const any = tensor(device, Uint32Array.of(0), [1])

  /** Picture [H · W · 3] and background [H · W] -> the picture tinted and cropped, [1, H, W, 3]. */
  const view = (picture: Tensor, background: Tensor): Tensor => {
    const tinted = add(reshape(picture, [P, 3]), dense(reshape(background, [P, 1]), color.tensor([1, 3])))
    const down = dense(rows.tensor([height, height]), reshape(tinted, [height, width * 3])) // rows first: [H, W · 3]
    const turned = permute(reshape(down, [height, width, 3]), [1, 0, 2]) // [W, H, 3]
    const across = dense(columns.tensor([width, width]), reshape(turned, [width, height * 3]))
    return reshape(permute(reshape(across, [width, height, 3]), [1, 0, 2]), [1, height, width, 3])
  }
  return {
    name: `${guidance.name}, augmented`,
    featureSize: 4 * P,
    describe(pictures, _, surface) {
      if (!surface) throw new Error('augmented: the edit gave no surface to tell the background by')
      const inside = sigmoid(affine(sumLast(square(reshape(surface, [P, 3]))), -BORDER / HEAD ** 2, BORDER))
      return concat([reshape(pictures, [1, 3 * P]), reshape(affine(inside, -1, 1), [1, P])])
    },
    loss(pictures, reference) {
      const background = sliceColumns(reference, 3 * P, 4 * P)
      const unedited = view(sliceColumns(reference, 0, 3 * P), background)
      return guidance.loss(view(pictures, background), guidance.describe(unedited, any))
    },
    prepare(step, seed) {
      const random = new HostRandom(seed + 7919 * (step + 1), STREAM)
      const share = crop + (1 - crop) * random.next()
      rows.write(interpolation(height, (1 - share) * random.next(), share))
      columns.write(interpolation(width, (1 - share) * random.next(), share))
      color.write(Float32Array.from({ length: 3 }, () => tint * (2 * random.next() - 1)))
      guidance.prepare?.(step, seed)
    },
  }
}

/** Linear interpolation [size, size] that stretches the part [from, from + share) of a line over the whole of it. */
function interpolation(size: number, from: number, share: number): Float32Array {
  const table = new Float32Array(size * size)
  for (let i = 0; i < size; i++) {
    const at = Math.min(size - 1, Math.max(0, size * from + (i + 0.5) * share - 0.5))
    const low = Math.min(size - 2, Math.floor(at))
    table[i * size + low] = low + 1 - at
    table[i * size + low + 1] = at - low
  }
  return table
}
