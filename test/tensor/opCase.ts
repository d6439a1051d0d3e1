/** One operation with its inputs, evaluated on a device together with the gradient of a fixed random combination of its outputs. */
import { type Device, tensor } from '../../src/tensor/device.ts'
import { grad } from '../../src/tensor/grad.ts'
import { add, mul } from '../../src/tensor/ops/elementwise.ts'
import { sum } from '../../src/tensor/ops/reduce.ts'
import { compile } from '../../src/tensor/plan.ts'
import { elements, type Numbers, reshape, type Shape, showShape, type Tensor } from '../../src/tensor/tensor.ts'
import type { NamedNumbers } from './harness.ts'

/** An input: given values (a Uint32Array makes a u32 tensor), or seeded uniform ones in `range` (default [-1, 1]). */
export interface InputSpec {
  readonly shape: Shape
  readonly values?: Numbers | readonly number[]
  readonly range?: readonly [number, number]
}

export interface OpCase {
  readonly name: string
  readonly inputs: readonly InputSpec[]
  readonly build: (inputs: Tensor[]) => Tensor | Tensor[]
  /** Inputs to differentiate by; default every f32 input. */
  readonly gradient?: boolean | readonly number[]
  /** Step of the central differences, relative to max(1, |x|); smaller near kinks. */
  readonly step?: number
  /** Largest relative error of a gradient against central differences, by norm. */
  readonly gradientTolerance?: number
}

/** `count` uniform numbers of [low, high), the same for the same seed. */
export function randomValues(count: number, seed: number, [low, high]: readonly [number, number] = [-1, 1]): Float32Array {
  const values = new Float32Array(count)
  let state = Math.imul(seed + 1, 0x9e3779b1)
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) | 0
    let h = Math.imul(state ^ (state >>> 15), state | 1)
    h ^= h + Math.imul(h ^ (h >>> 7), h | 61)
    values[i] = low + (high - low) * (((h ^ (h >>> 14)) >>> 0) / 2 ** 32)
  }
  return values
}

/** The numbers of input `index`; explicit ones are checked against the shape by the tensor made of them. */
export function inputValues({ values, shape, range }: InputSpec, index: number): Numbers {
  if (!values) return randomValues(elements(shape), index, range)
  return values instanceof Float32Array || values instanceof Uint32Array ? values : Float32Array.from(values)
}

/** Which inputs the case differentiates by. */
export function gradientInputs({ inputs, gradient = true }: OpCase): readonly number[] {
  if (gradient === false) return []
  if (gradient !== true) return gradient
  return [...inputs.keys()].filter(i => !(inputs[i].values instanceof Uint32Array))
}

/** Seeded weight of output `index` in the scalar that gradients are taken of. */
export const cotangent = (length: number, index: number): Float32Array => randomValues(length, 1000 + index)

/** The outputs of the case, then the gradients of Σ cotangent · output by its inputs. */
export async function evaluateCase(device: Device, op: OpCase): Promise<NamedNumbers[]> {
  const leaves = op.inputs.map((spec, i) => tensor(device, inputValues(spec, i), spec.shape))
  const built = op.build(leaves)
  const outputs = Array.isArray(built) ? built : [built]
  const wrt = gradientInputs(op)
  const grads =
    wrt.length > 0
      ? grad(
          combination(device, outputs),
          wrt.map(i => leaves[i]),
        )
      : []
  using plan = compile(device, { outputs: [...outputs, ...grads] })
  plan.run()
  const named: NamedNumbers[] = []
  for (const [i, y] of outputs.entries()) named.push({ name: `output ${i} ${showShape(y.shape)}`, values: await plan.read(y) })
  for (const [g, i] of wrt.entries())
    named.push({ name: `gradient by input ${i} ${showShape(op.inputs[i].shape)}`, values: await plan.read(grads[g]) })
  return named
}

function combination(device: Device, outputs: readonly Tensor[]): Tensor {
  const terms = outputs.flatMap((y, i) => {
    if (y.dtype !== 'f32') return []
    return [sum(mul(reshape(y, [y.length]), tensor(device, cotangent(y.length, i), [y.length])))]
  })
  return terms.reduce((a, b) => add(a, b))
}
