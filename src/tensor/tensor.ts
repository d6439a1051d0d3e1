/** Tensors are symbols: a shape, an element type, and where the numbers come from (device storage, or a node of the recorded graph). */

import type { GpuTraits } from './gpuTraits.ts'

export type DType = 'f32' | 'u32'
export type Shape = readonly number[]
export type Numbers = Float32Array | Uint32Array

/** What an operation's shape rule sees and returns. */
export interface TensorType {
  readonly shape: Shape
  readonly dtype: DType
}

/** Opaque memory of one device; only its backend looks inside. */
export interface Memory {
  readonly bytes: number
}

/** Elements [offset, offset + length) of a piece of device memory. */
export interface Region {
  readonly memory: Memory
  readonly offset: number
  readonly length: number
}

/** Leaves read persistent storage; every other tensor is the index-th output of a node. Tensors that differ only in shape share one source. */
export type Source =
  | { readonly kind: 'storage'; readonly region: Region }
  | { readonly kind: 'node'; readonly node: GraphNode; readonly index: number; readonly length: number }

/** One recorded operation, its attributes already bound. Node ids grow in recording order, which is also execution order. */
export interface GraphNode {
  readonly id: number
  readonly name: string
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  /** True when the node writes into its inputs' storage (an optimiser step): never dropped, never reordered. */
  readonly effect: boolean
  readonly reference: (inputs: Numbers[], outputs: Numbers[]) => void
  readonly wgsl: (gpu: GpuTraits) => WgslWork
  readonly simd: () => SimdWork | undefined
  readonly backward: (grads: (Tensor | undefined)[], needs: boolean[]) => (Tensor | undefined)[]
}

/** An argument of a kernel: one of the node's tensors, or scratch memory that lives for this node only. */
export interface Ref {
  readonly kind: 'input' | 'output' | 'scratch'
  readonly index: number
}
export const input = (index: number): Ref => ({ kind: 'input', index })
export const output = (index: number): Ref => ({ kind: 'output', index })
export const scratch = (index: number): Ref => ({ kind: 'scratch', index })

/** WGSL for a node: dispatches in order; `scratch` are lengths in elements. */
export interface WgslWork {
  readonly scratch?: readonly number[]
  readonly dispatches: readonly Dispatch[]
}
/** One compute dispatch: binding i of group 0 is bindings[i]. */
export interface Dispatch {
  readonly label: string
  readonly code: string
  readonly bindings: readonly Ref[]
  readonly groups: readonly [number, number, number]
  /** Floating-point operations, where the operation states them: for profiles. */
  readonly flops?: number | undefined
}

/** SIMD kernel calls for a node on the CPU device; see cpu/cpuDevice. */
export interface SimdWork {
  readonly scratch?: readonly number[]
  readonly calls: readonly SimdCall[]
}
export interface SimdCall {
  readonly kernel: string
  readonly items: number
  readonly grain: number
  readonly args: readonly (Ref | { readonly i32: number } | { readonly f32: number })[]
}

/** A value on a device, or one that is still to be computed: shape, element type and source. */
export class Tensor implements TensorType {
  constructor(
    readonly shape: Shape,
    readonly dtype: DType,
    readonly source: Source,
  ) {}

  /** Number of elements. */
  get length(): number {
    return elements(this.shape)
  }
}

/** Product of the sizes; 1 for a scalar []. */
export function elements(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Size of the last axis; 1 for a scalar. */
export function lastAxis(shape: Shape): number {
  return shape.length === 0 ? 1 : shape[shape.length - 1]
}

/** Number of rows when all axes but the last are folded together. */
export function rowCount(shape: Shape): number {
  return elements(shape) / lastAxis(shape)
}

/** `[2, 3]`, as error messages show it. */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis])
}

/** The same numbers under another shape; records nothing. Throws when the element counts differ. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (elements(shape) !== x.length)
    throw new Error(`reshape: ${showShape(x.shape)} has ${x.length} elements, ${showShape(shape)} has ${elements(shape)}`)
  return new Tensor(shape, x.dtype, x.source)
}

/** The same numbers with a source of their own: gradients stop here. Costs nothing. */
export function detach(x: Tensor): Tensor {
  return new Tensor(x.shape, x.dtype, { ...x.source })
}
