/** Guidance by numbers: the expression that an encoder reads off the picture should have given coefficients. */
import type { ExpressionEncoder } from '../clip/textImageEncoder.ts'
import type { Device } from '../tensor/device.ts'
import { tensor } from '../tensor/device.ts'
import { concat, sliceColumns } from '../tensor/ops/concat.ts'
import { add, affine, mul, reciprocal, square, sub } from '../tensor/ops/elementwise.ts'
import { mulRows, sum, sumLast } from '../tensor/ops/reduce.ts'
import { repeatRows } from '../tensor/ops/rows.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { expressionTarget } from './actionUnits.ts'
import type { Guidance } from './guidance.ts'

/** How firmly what is not named stays. */
export interface ExpressionGuidanceOptions {
  /** How much a coefficient that is not named counts, which should stay where the unedited picture has it, beside 1 for a named one. Default 0.3. */
  readonly hold?: number
}

/** Added to the squared distance of the unedited picture from its target: what the head misreads anyway (its mean error is 0.05 a coefficient). */
const NOISE = 0.02

/**
 * The squared difference of the coefficients from their targets, as a share of the unedited picture's (1 unedited, 0 the target itself), so that it weighs against
 * the total variation as pictures do. Any encoder with named features serves, such as `expressionEncoder` of one with an expression head.
 * @param target coefficients, names without their side, or FACS action units (see `expressionTarget`).
 * Throws for no target, an unknown name (lists the known), and an encoder whose features have no names.
 */
export function expressionGuidance(
  device: Device,
  encoder: ExpressionEncoder,
  target: Readonly<Record<string, number>>,
  { hold = 0.3 }: ExpressionGuidanceOptions = {},
): Guidance {
  const { names, size } = encoder
  if (!names) throw new Error(`expressionGuidance: the features of "${encoder.name}" have no names; use an encoder with an expression head`)
  const goals = expressionTarget(target, names)
  if (Object.keys(goals).length === 0)
    throw new Error('expressionGuidance: no target; give at least one coefficient or action unit, e.g. jawOpen=0.8')
  const named = Float32Array.from(names, name => (name in goals ? 1 : 0))
  const row = (values: Float32Array): Tensor => tensor(device, values, [1, size])
  const goal = row(Float32Array.from(names, name => goals[name] ?? 0))
  const held = row(named.map(n => 1 - n))
  const wanted = row(named)
  const weight = row(named.map(n => (n === 1 ? 1 : hold)))
  const listed = Object.entries(goals).map(([name, value]) => `${name}=${value}`)
  return {
    name: `expression ${listed.join(', ')}`,
    featureSize: 2 * size,
    describe(pictures) {
      const read = encoder.features(pictures) // [B, n]
      const B = pictures.shape[0]
      const all = (x: Tensor): Tensor => repeatRows(x, B)
      const goals = add(mul(read, all(held)), all(goal))
      const distance = sumLast(mul(square(sub(read, goals)), all(wanted))) // [B]
      return concat([goals, mulRows(all(weight), reciprocal(affine(distance, 1, NOISE)))])
    },
    loss(pictures, reference) {
      const difference = sub(encoder.features(pictures), sliceColumns(reference, 0, size))
      return affine(sum(mul(square(difference), sliceColumns(reference, size, 2 * size))), 1 / pictures.shape[0])
    },
  }
}
