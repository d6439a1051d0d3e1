/** What an operation is: shape rule, WGSL, plain-TS reference, optional SIMD twin, and its gradient as further recorded operations. */
import type { GpuTraits } from './gpuTraits.ts'
import { elements, type GraphNode, type Numbers, type SimdWork, Tensor, type TensorType, type WgslWork } from './tensor.ts'

export interface Types {
  readonly inputs: readonly TensorType[]
  readonly outputs: readonly TensorType[]
}

export interface BackwardCall<A> {
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  /** Gradient of the loss by each output; undefined where nothing depends on that output. */
  readonly grads: readonly (Tensor | undefined)[]
  /** Which inputs need a gradient; others may be left undefined. */
  readonly needs: readonly boolean[]
  readonly attrs: A
  /** The operation's extra outputs: from this call on it computes them. */
  readonly extras: () => readonly Tensor[]
}

export interface Op<A> {
  readonly name: string
  /** Output types from input types; throws an error that names the sizes. */
  shape(inputs: readonly TensorType[], attrs: A): TensorType[]
  /** @param gpu what the device's GPU offers to kernels that have variants */
  wgsl(types: Types, attrs: A, gpu: GpuTraits): WgslWork
  reference(inputs: Numbers[], outputs: Numbers[], types: Types, attrs: A): void
  /** Faster twin of `reference` on the CPU device; undefined when this call has none. */
  simd?(types: Types, attrs: A): SimdWork | undefined
  backward?(call: BackwardCall<A>): (Tensor | undefined)[]
  readonly effect?: boolean
  /** Further outputs that only a gradient wants, such as activations: they come after the others, and are computed once `backward` has asked for them. */
  extras?(inputs: readonly TensorType[], attrs: A): TensorType[]
}

let nextId = 0

/** Records one operation and returns its output tensors. */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor[] {
  return [...record(op, inputs, attrs).outputs]
}

/** Records one operation and returns the node itself: the way to name an effect (an op without outputs) in `compile`. */
export function record<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): GraphNode {
  const own = op.shape(inputs, attrs)
  const outputTypes = [...own]
  const types: Types = { inputs: inputs.map(({ shape, dtype }) => ({ shape, dtype })), outputs: outputTypes }
  const outputs: Tensor[] = []
  const put = (type: TensorType): Tensor => {
    const y = new Tensor(type.shape, type.dtype, { kind: 'node', node, index: outputs.length, length: elements(type.shape) })
    outputs.push(y)
    return y
  }
  let extras: readonly Tensor[] | undefined
  const addExtras = (): readonly Tensor[] => {
    const wanted = op.extras?.(types.inputs, attrs) ?? []
    outputTypes.push(...wanted)
    return wanted.map(put)
  }
  const node: GraphNode = {
    id: nextId++,
    name: op.name,
    inputs,
    outputs,
    effect: op.effect === true,
    reference: (x, y) => op.reference(x, y, types, attrs),
    wgsl: gpu => op.wgsl(types, attrs, gpu),
    simd: () => op.simd?.(types, attrs),
    backward: (grads, needs) => {
      if (!op.backward) throw new Error(`${op.name}: has no gradient; detach its inputs if none is meant`)
      return op.backward({
        inputs,
        outputs,
        grads,
        needs,
        attrs,
        extras: () => {
          extras ??= addExtras()
          return extras
        },
      })
    },
  }
  for (const type of own) put(type)
  return node
}

/** An op that has exactly one output. */
export function apply1<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  return apply(op, inputs, attrs)[0]
}
