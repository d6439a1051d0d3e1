/**
 * What the f32 rounding of image features does to the pixel gradient of the coded directional loss 1 − ΔT·ΔI/|ΔI|, ΔI = features − reference: its
 * cotangent, −(ΔT − u(u·ΔT))/|ΔI| with u = ΔI/|ΔI|, magnifies an error of the features by |features|/|ΔI|. Where two pictures have nearly the same
 * features, that is more than an f32 result can be held to.
 */
import type { Device } from '../src/tensor/device.ts'
import { tensor } from '../src/tensor/device.ts'
import { grad } from '../src/tensor/grad.ts'
import { HostRandom } from '../src/tensor/hostRandom.ts'
import { mul } from '../src/tensor/ops/elementwise.ts'
import { sum } from '../src/tensor/ops/reduce.ts'
import { evaluate } from '../src/tensor/plan.ts'
import type { Tensor } from '../src/tensor/tensor.ts'

const DRAWS = 4

export interface FeatureRounding {
  /** The pixel gradient with the loss computed in float64 from the same features: what the device's own has to be. */
  readonly exact: Float32Array
  /** How far the pixel gradient moves when every feature of both pictures strays by `deviation`, one way or the other; one per draw. */
  readonly moves: readonly Float32Array[]
  /** Relative move of the gradient over the relative move of the features, the largest of the draws. */
  readonly condition: number
}

interface Change {
  /** Features of the two pictures and ΔT, [D] each. */
  readonly features: Float32Array
  readonly reference: Float32Array
  readonly direction: Float32Array
}

/** @param features [1, D], a function of `pixels`; @param values the numbers of both pictures; @param deviation the absolute error of a feature. */
export async function featureRounding(device: Device, features: Tensor, pixels: Tensor, values: Change, deviation: number): Promise<FeatureRounding> {
  const plain = cotangent(values, Float64Array.from(values.features))
  const draws = Array.from({ length: DRAWS }, (_, draw) => {
    const random = new HostRandom(draw)
    const stray = (v: number): number => v + (random.next() < 0.5 ? -deviation : deviation)
    const reference = Float64Array.from(values.reference, stray)
    return cotangent({ ...values, reference }, Float64Array.from(values.features, stray)).map((v, i) => v - plain[i])
  })
  const pulled = [plain, ...draws].map(c => grad(sum(mul(features, tensor(device, Float32Array.from(c), features.shape))), [pixels])[0])
  const [exact, ...moves] = await evaluate(device, pulled)
  const relative = Math.max(...moves.map(norm)) / norm(exact)
  return { exact, moves, condition: relative / ((deviation * Math.sqrt(values.features.length)) / norm(values.features)) }
}

/** Gradient of the directional loss to the features, in float64. */
function cotangent({ reference, direction }: { reference: ArrayLike<number>; direction: Float32Array }, features: Float64Array): Float64Array {
  const change = features.map((v, i) => v - reference[i])
  const length = norm(change)
  const along = change.reduce((total, v, i) => total + v * direction[i], 0) / length
  return change.map((v, i) => -(direction[i] - (v / length) * along) / length)
}

/** Euclidean length, summed in float64. */
export function norm(values: Float32Array | Float64Array): number {
  let squares = 0
  for (const v of values) squares += v * v
  return Math.sqrt(squares)
}
